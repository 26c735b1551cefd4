/**
 * Fields of an attempt as `ls` lists it: those of `ls attempts` that `ls quanta` gives of the last one.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import type { Attempt } from "../../provenance/documents/quantum.ts";
import { caveatNames } from "../../provenance/success_caveats.ts";

/** Names of the fields, in their order. Bytes and seconds. */
export const ATTEMPT_VALUE_FIELDS = [
  "caveats",
  "exception",
  "message",
  "memory",
  "start",
  "prep_time",
  "init_time",
  "run_time",
  "run_time_cpu",
] as const;

/** Values of the fields; null stands for a quantum that was never tried. */
export function attemptValues(
  attempt: Attempt | null,
): Record<typeof ATTEMPT_VALUE_FIELDS[number], JsonValue> {
  const usage = attempt?.usage;
  return {
    caveats: caveatNames(attempt?.caveats ?? 0),
    exception: attempt?.exception?.typeName ?? null,
    message: attempt?.exception?.message ?? null,
    memory: finite(usage?.memory),
    start: usage?.start ?? null,
    prep_time: finite(usage?.prepTime),
    init_time: finite(usage?.initTime),
    run_time: finite(usage?.runTime),
    run_time_cpu: finite(usage?.cpuSeconds),
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** Whether the full name of an exception is a name, or its last part is. */
export function isNamed(fullName: string | undefined, name: string): boolean {
  return fullName !== undefined &&
    (fullName === name || fullName.slice(fullName.lastIndexOf(".") + 1) === name);
}
