/**
 * Counting quanta by task and status.
 *
 * @module
 */

import { parseQuantumView } from "../provenance/documents/quantum_view.ts";
import type { QuantumGraphHeader } from "../qg/header.ts";
import type { TaskInfo } from "./info.ts";
import { parseStored } from "./parse_stored.ts";
import { lastStatusName } from "./quantum_text.ts";
import type { RowSource } from "./rows.ts";

/**
 * Tasks of a header.
 *
 * @param source Whose quanta are counted, in one pass; null not to.
 */
export async function taskInfos(
  header: QuantumGraphHeader,
  source: (RowSource & { readonly name: string }) | null,
): Promise<TaskInfo[]> {
  const counts = new Map<string, Record<string, number>>();
  if (source !== null && !source.isPlan) {
    for await (const text of source.quanta()) {
      const view = parseStored(`quantum in ${source.name}`, () => parseQuantumView(text));
      let statuses = counts.get(view.taskLabel);
      if (statuses === undefined) counts.set(view.taskLabel, statuses = {});
      const status = lastStatusName(view);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  }
  const isCounted = source !== null && !source.isPlan;
  return Object.entries(header.n_task_quanta).map(([task, nQuanta]) => ({
    task,
    nQuanta,
    statuses: isCounted ? counts.get(task) ?? {} : null,
  }));
}
