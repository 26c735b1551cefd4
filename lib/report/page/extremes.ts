/**
 * Sections of the report page that list extremes: the slowest quanta, and the largest.
 *
 * @module
 */

import {
  formatCount,
  formatDataIdTerms,
  formatSeconds,
  formatSize,
  statusWords,
} from "../format.ts";
import { amountCell, numberHeadings, scrolledTable, type Section, taskHeading } from "./parts.ts";
import { markup } from "./markup.ts";
import type { ExtremeReport, RunReport } from "../model.ts";

/** Slowest attempts, or those that needed most memory. */
export function extremesSection(report: RunReport, what: "time" | "size"): Section | null {
  const isTime = what === "time";
  const items = isTime ? report.slowest : report.largest;
  if (items.length === 0) return null;
  const id = isTime ? "slowest" : "largest";
  const title = isTime ? "Slowest quanta" : "Largest quanta";
  const row = (item: ExtremeReport) =>
    markup`<tr>${taskHeading(item.task)}<td class="text">${
      formatDataIdTerms(item.data_id)
    } <code class="id">${item.quantum_id}</code></td><td class="number">${item.attempt}</td><td class="word">${
      statusWords(item.status)
    }</td>${amountCell(item.run_time, formatSeconds)}${amountCell(item.memory, formatSize)}</tr>
`;
  return {
    id,
    title,
    body: scrolledTable({
      id,
      label: title,
      text: `The ${formatCount(items.length)} attempts that ${
        isTime ? "ran longest" : "needed most memory"
      }.`,
      head: markup`<th scope="col">Task</th><th scope="col">Data ID, quantum</th>${
        numberHeadings(["Attempt"])
      }<th scope="col">Status</th>${numberHeadings(["Run time", "Memory"])}`,
      body: items.map(row),
    }),
  };
}
