/**
 * Quanta that are counted together, as the table of quanta has them: of a million there are some dozens of
 * kinds.
 *
 * @module
 */

import { AttemptStatus } from "../provenance/quantum_status.ts";
import type { ValuesBatch } from "../provenance/table/quanta_table.ts";
import type { QuantumKind } from "./counts.ts";

/** Columns that tell of which kind a quantum is. */
export const KIND_COLUMNS = ["task", "status", "attempts", "caveats", "exception"] as const;

/** Most kinds of a batch but for their bits, of which there are 31, and for having run. */
const MAX_CODES = 2 ** 21;

const STATUSES: Readonly<Record<string, number>> = AttemptStatus;

/**
 * Tells the kind of each row of a batch. Neighbouring rows mostly are of one kind.
 *
 * @param find Gives what is kept of a kind, by a text that no other kind has; asked once a batch.
 */
export function kindsOf<Kept>(
  batch: ValuesBatch,
  find: (kind: QuantumKind, key: string, row: number) => Kept,
): (row: number) => Kept {
  const tasks = batch.coded("task");
  const statuses = batch.coded("status");
  const exceptions = batch.coded("exception");
  const attempts = batch.numbers("attempts");
  const caveats = batch.numbers("caveats");
  let [task, status, exception, bits, hasRun] = [-1, -1, -1, -1, false];
  let kept: Kept;
  const byCodes = new Map<number, Kept>();
  const [nTasks, nStatuses, nExceptions] = [tasks, statuses, exceptions]
    .map(({ values }) => values.length);
  // Beyond it numbers of kinds would not be exact; then kinds are met again and again, which is only slow.
  const isExact = nTasks * nStatuses * nExceptions < MAX_CODES;
  const look = (row: number): Kept => {
    const codes = isExact
      ? 2 * (((bits + 1) * nTasks + task) * nStatuses + status) * nExceptions + 2 * exception +
        (hasRun ? 1 : 0)
      : -1;
    if (!isExact) byCodes.clear();
    let known = byCodes.get(codes);
    if (known !== undefined) return known;
    const taskLabel = String(tasks.values[task]);
    const attempt = {
      status: STATUSES[String(statuses.values[status])] ?? Number(statuses.values[status]),
      caveats: bits < 0 ? null : bits,
      exceptionType: exceptions.values[exception] as string | null,
    };
    const kind = { taskLabel, attempts: hasRun ? [attempt] : [] };
    byCodes.set(codes, known = find(kind, JSON.stringify([taskLabel, kind.attempts]), row));
    return known;
  };
  return (row) => {
    const hasRunHere = attempts[row] > 0;
    const value = caveats[row];
    // What is not recorded is no number; bit sets are none below zero.
    const bitsHere = value >= 0 ? value : -1;
    if (
      tasks.codes[row] === task && statuses.codes[row] === status &&
      exceptions.codes[row] === exception && bitsHere === bits && hasRunHere === hasRun
    ) return kept;
    task = tasks.codes[row];
    status = statuses.codes[row];
    exception = exceptions.codes[row];
    bits = bitsHere;
    hasRun = hasRunHere;
    return kept = look(row);
  };
}
