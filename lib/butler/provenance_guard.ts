/**
 * Whether a RUN holds the provenance graph that a writer relies on.
 *
 * @module
 */

import { ConflictingDatasetError } from "../base/errors.ts";
import { compareUuids, uuidToText } from "../base/uuid.ts";
import type { DatasetBatch, ProvenanceGuard, RegisteredProvenance } from "./registry.ts";

/**
 * Compares what a RUN holds with what a guard says; to be called in the transaction that writes.
 *
 * @throws {ConflictingDatasetError} if they differ, with both.
 */
export function requireProvenance(
  found: RegisteredProvenance | null,
  { run }: Pick<DatasetBatch, "run">,
  { provenance }: ProvenanceGuard,
): void {
  if (isAsGuarded(found, provenance)) return;
  throw new ConflictingDatasetError(
    `Cannot write to RUN "${run}": its provenance graph is ${describe(found)} now, not ` +
      (provenance === null ? "absent" : describe({ id: provenance.id, record: provenance })) +
      ": another process has changed it meanwhile",
    { hint: "run the same command again: it looks at what is there now" },
  );
}

function isAsGuarded(
  found: RegisteredProvenance | null,
  expected: ProvenanceGuard["provenance"],
): boolean {
  if (found === null || expected === null) return found === expected;
  return compareUuids(found.id, 0, expected.id, 0) === 0 && found.record.path === expected.path &&
    (found.record.fileSize === null || found.record.fileSize < 0 ||
      found.record.fileSize === expected.fileSize);
}

/** What an error calls a registered graph. */
function describe(
  found: { id: Uint8Array; record: { path: string; fileSize: number | null } } | null,
): string {
  if (found === null) return "absent";
  const { path, fileSize } = found.record;
  return `"${path}" (dataset ${uuidToText(found.id)}, ${fileSize ?? "unknown"} bytes)`;
}
