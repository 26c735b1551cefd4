/**
 * Section of the report page that lists failed quanta.
 *
 * @module
 */

import {
  exceptionName,
  firstLine,
  formatCount,
  formatDataIdTerms,
  formatSeconds,
  listFailedCommand,
  nProblems,
  shapeText,
  statusWords,
} from "../format.ts";
import type { FailedReport, RunReport } from "../model.ts";
import { failedLines } from "./failed_rows.ts";
import { type Markup, markup } from "./markup.ts";
import {
  amountCell,
  numberCell,
  numberHeadings,
  scrolledTable,
  type Section,
  taskHeading,
  textHeadings,
} from "./parts.ts";

/** Rows that are there without script; the script shows as many at a time. */
export const ROWS_AT_A_TIME = 200;
/** Letters of a cause in the list to choose from. */
const MAX_CAUSE = 90;

/**
 * Quanta that failed, all of them as long as they fit. Null if there are none.
 *
 * @param maxSize Bytes that their lines may take.
 */
export function failedSection(report: RunReport, maxSize: number): Section | null {
  const n = nProblems(report.by_status);
  if (report.failed.length === 0) return null;
  const { data, rows } = failedLines(report.failed, maxSize);
  const isPart = rows.length < n;
  const text = markup`Quanta whose last attempt failed, was aborted or is unknown: ${
    formatCount(rows.length)
  } of ${formatCount(n)} are on this page.${
    isPart
      ? markup` All of them: <code>${listFailedCommand(report, null)}</code>`
      : rows.length > ROWS_AT_A_TIME
      ? markup`<noscript> Without script, the first ${
        formatCount(ROWS_AT_A_TIME)
      } are shown. All of them: <code>${listFailedCommand(report, null)}</code></noscript>`
      : ""
  }`;
  return {
    id: "failed",
    title: "Failed quanta",
    body: markup`${filters(report)}
${
      scrolledTable({
        id: "failed",
        label: "Failed quanta",
        text,
        head: markup`${textHeadings(["Task", "Data ID, quantum", "Status"])}${
          numberHeadings(["Attempts", "Blocks", "Run time"])
        }<th scope="col">Exception</th>`,
        body: rows.slice(0, ROWS_AT_A_TIME).map(failedRow),
      })
    }
<p class="more" hidden><button type="button" id="failed-more">Show more</button></p>
${data}`,
  };
}

/** Without script there is nothing to fill in. */
function filters(report: RunReport): Markup {
  const causes = report.clusters.map(({ task, exception, shape, n_failed }, i) => {
    const words = `${task}: ${exceptionName(exception)}: ${shapeText(shape)}`;
    const shown = words.length <= MAX_CAUSE ? words : `${words.slice(0, MAX_CAUSE)}...`;
    return n_failed === 0
      ? ""
      : markup`<option value="${i}">${shown} (${formatCount(n_failed)})</option>`;
  });
  return markup`<p class="filter" hidden><label for="filter">Only rows with</label> <input id="filter" type="search" autocomplete="off" placeholder="words of task, data ID or exception"> <label for="cause">of</label> <select id="cause"><option value="">any cause</option>${causes}</select> <span id="filter-count" class="soft" role="status"></span> <span id="save" class="soft"></span></p>`;
}

function failedRow(quantum: FailedReport): Markup {
  return markup`<tr>${taskHeading(quantum.task)}<td class="text">${
    formatDataIdTerms(quantum.data_id)
  } <code class="id">${quantum.quantum_id}</code></td><td class="word">${
    statusWords(quantum.status)
  }</td><td class="number">${quantum.n_attempts}</td>${numberCell(quantum.n_blocked)}${
    amountCell(quantum.run_time, formatSeconds)
  }<td class="text"><code>${exceptionName(quantum.exception)}</code>${
    quantum.message === "" ? "" : markup`<span class="message">${firstLine(quantum.message)}</span>`
  }</td></tr>
`;
}
