/**
 * Attempts before the last one, as the table of quanta has them: a JSON array (`schema/quantum-graph.md`,
 * section 4.5). Few quanta are attempted twice, so that a column of texts is smaller than a table of its own.
 *
 * @module
 */

import { parseIsoTime } from "../../base/iso_time.ts";
import type { JsonValue } from "../../base/json_text.ts";
import type { Attempt } from "../documents/quantum.ts";
import { arrayOf, numberOf, objectOf, textOf } from "../documents/fields.ts";
import { messageLine } from "../message_shape.ts";

/** More of a quantum are left to its document. */
const MAX_EARLIER = 100;

/** An attempt as a table tells of it. Numbers are NaN where nothing is recorded. */
export interface TabledAttempt {
  /** Number of the status. */
  status: number;
  /** Bit set; null if not recorded. */
  caveats: number | null;
  /** Type; null without an exception. */
  exception: string | null;
  /** First line of the exception's message, empty without one. */
  message: string;
  /** When preparation began, microseconds since 1970 UTC. */
  start: number;
  /** Seconds. */
  prepTime: number;
  initTime: number;
  runTime: number;
  cpuTime: number;
  /** Bytes. */
  memory: number;
}

/** The text of attempts; null if they are too many for a table. */
export function earlierText(attempts: readonly Attempt[]): string | null {
  if (attempts.length > MAX_EARLIER) return null;
  return JSON.stringify(attempts.map(({ status, caveats, exception, usage }) => ({
    status,
    caveats,
    exception: exception?.typeName ?? null,
    message: exception && messageLine(exception.message),
    start: usage && parseIsoTime(usage.start),
    prep_time: finite(usage?.prepTime),
    init_time: finite(usage?.initTime),
    run_time: finite(usage?.runTime),
    run_time_cpu: finite(usage?.cpuSeconds),
    memory: finite(usage?.memory),
  })));
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** The attempts of such a text. @throws {SyntaxError} if it is none. */
export function readEarlier(text: string): TabledAttempt[] {
  return arrayOf(JSON.parse(text) as JsonValue, "earlier_attempts").map((value) => {
    const fields = objectOf(value, "an attempt");
    const { status, caveats, exception, message } = fields;
    return {
      status: numberOf(status, "status", NaN),
      caveats: caveats == null ? null : numberOf(caveats, "caveats", NaN),
      exception: exception == null ? null : textOf(exception, "exception"),
      message: message == null ? "" : textOf(message, "message"),
      start: orNaN(fields.start, "start"),
      prepTime: orNaN(fields.prep_time, "prep_time"),
      initTime: orNaN(fields.init_time, "init_time"),
      runTime: orNaN(fields.run_time, "run_time"),
      cpuTime: orNaN(fields.run_time_cpu, "run_time_cpu"),
      memory: orNaN(fields.memory, "memory"),
    };
  });
}

function orNaN(value: JsonValue | undefined, what: string): number {
  return value === null ? NaN : numberOf(value, what, NaN);
}
