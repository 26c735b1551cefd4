/**
 * What can be listed of a source, and how that is asked for.
 *
 * @module
 */

import { ATTEMPT_VALUE_FIELDS } from "./attempt_fields.ts";
import { NotFoundError } from "../../base/errors.ts";
import type { RowKind } from "../../sources/rows.ts";
import type { WhereType } from "./where_expression.ts";

/** Fields of a listed quantum. Those of attempts are of the last one. Bytes and seconds. */
export const QUANTUM_FIELDS = [
  "quantum_id",
  "task",
  "status",
  "data_id",
  "attempts",
  ...ATTEMPT_VALUE_FIELDS,
  "n_inputs",
  "n_outputs",
] as const;

/** Fields of a listed dataset. */
export const DATASET_FIELDS = [
  "dataset_id",
  "dataset_type",
  "data_id",
  "run",
  "produced",
  "producer",
  "n_consumers",
  "path",
] as const;

/** Kinds of the fields that an expression may use; lists and objects it may not. */
export const FIELD_TYPES: Readonly<Record<string, WhereType>> = {
  quantum_id: "string",
  task: "string",
  status: "string",
  attempts: "int",
  exception: "string",
  message: "string",
  memory: "number",
  start: "string",
  prep_time: "number",
  init_time: "number",
  run_time: "number",
  run_time_cpu: "number",
  n_inputs: "int",
  n_outputs: "int",
  dataset_id: "string",
  dataset_type: "string",
  run: "string",
  produced: "boolean",
  producer: "string",
  n_consumers: "int",
  path: "string",
};

/** What is to be listed. */
export interface ListOptions {
  kind: RowKind;
  /** Task labels; of datasets those that they write. Empty for all. */
  tasks: readonly string[];
  /** Dataset types; empty for all. */
  types: readonly string[];
  /** Names of statuses of the last attempt, BLOCKED for none; empty for all. */
  statuses: readonly string[];
  /** Exception of the last attempt: its full name, or the last part of it. */
  exception: string | null;
  where: string | null;
  /** Most rows; null for all. */
  limit: number | null;
  /** Fields that are looked at, so that rows of quanta need not have others; all by default. */
  fields?: readonly string[];
}

/** @throws {NotFoundError} for a name that the source doesn't have. */
export function requireKnown(
  names: readonly string[],
  known: readonly string[],
  what: string,
  where: string,
): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new NotFoundError(`Cannot find ${what} "${name}" in ${where}`, {
      hint: `its ${what}s are ${known.join(", ") || "none"}`,
    });
  }
}
