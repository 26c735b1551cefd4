/**
 * Counting quanta by task and status.
 *
 * @module
 */

import { readQuantum } from "../provenance/documents/quantum.ts";
import type { QuantumGraphHeader } from "../qg/header.ts";
import type { TaskInfo } from "./info.ts";
import { parseStored } from "./parse_stored.ts";
import { lastStatusName } from "./quantum_text.ts";
import { countStatus, type RowSource, type StatusCounts } from "./rows.ts";

/**
 * Tasks of a header.
 *
 * @param source Whose quanta are counted, in one pass; null not to.
 */
export async function taskInfos(
  header: QuantumGraphHeader,
  source: (RowSource & { readonly name: string }) | null,
): Promise<TaskInfo[]> {
  const isCounted = source !== null && !source.isPlan;
  const counts: StatusCounts = isCounted
    ? await source.countStatuses?.() ?? await countInPass(source)
    : new Map();
  return Object.entries(header.n_task_quanta).map(([task, nQuanta]) => ({
    task,
    nQuanta,
    statuses: isCounted ? counts.get(task) ?? {} : null,
  }));
}

async function countInPass(source: RowSource & { readonly name: string }): Promise<StatusCounts> {
  const counts: StatusCounts = new Map();
  for await (const text of source.quanta()) {
    const quantum = parseStored(`quantum in ${source.name}`, () => readQuantum(text));
    countStatus(counts, quantum.taskLabel, lastStatusName(quantum));
  }
  return counts;
}
