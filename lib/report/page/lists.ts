/**
 * Sections of the report page that list quanta: extremes, failures by exception, failed quanta.
 *
 * @module
 */

import {
  exceptionName,
  firstLine,
  formatCount,
  formatDataIdTerms,
  formatSeconds,
  formatSize,
  nProblems,
  sampleCommandLine,
  statusWords,
} from "../format.ts";
import { numberCell, numberHeadings, scrolledTable, type Section, taskHeading } from "./parts.ts";
import { type Markup, markup } from "./markup.ts";
import type { ExceptionReport, ExtremeReport, FailedReport, RunReport } from "../model.ts";

/** Slowest attempts, or those that needed most memory. */
export function extremesSection(report: RunReport, what: "time" | "size"): Section | null {
  const isTime = what === "time";
  const items = isTime ? report.slowest : report.largest;
  if (items.length === 0) return null;
  const id = isTime ? "slowest" : "largest";
  const title = isTime ? "Slowest quanta" : "Largest quanta";
  const format = (value: number | null, form: (n: number) => string) =>
    value === null ? "–" : form(value);
  const row = (item: ExtremeReport) =>
    markup`<tr>${taskHeading(item.task)}<td class="text">${
      formatDataIdTerms(item.data_id)
    } <code class="id">${item.quantum_id}</code></td><td class="number">${item.attempt}</td><td class="word">${
      statusWords(item.status)
    }</td><td class="number">${format(item.run_time, formatSeconds)}</td><td class="number">${
      format(item.memory, formatSize)
    }</td></tr>
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

/** Failed attempts that ended alike, with the first of each kind. */
export function exceptionsSection(report: RunReport): Section {
  const title = "Failures by exception";
  if (report.exceptions.length === 0) {
    return { id: "exceptions", title, body: markup`<p>No attempt failed.</p>` };
  }
  const row = (group: ExceptionReport) =>
    markup`<tr>${taskHeading(group.task)}<td class="text"><code>${
      exceptionName(group.exception)
    }</code>${
      group.sample.message === ""
        ? ""
        : markup`<span class="message">${firstLine(group.sample.message)}</span>`
    }${sample(report, group)}</td>${numberCell(group.n_failed, true)}${
      numberCell(group.n_successful)
    }${numberCell(group.n_earlier)}</tr>
`;
  return {
    id: "exceptions",
    title,
    body: scrolledTable({
      id: "exceptions",
      label: title,
      text: "Failed: quanta whose last attempt ended so. With caveats: those that count as " +
        "successful all the same. Earlier: attempts after which the quantum was tried again.",
      head: markup`<th scope="col">Task</th><th scope="col">Exception, with the first one met</th>${
        numberHeadings(["Failed", "With caveats", "Earlier"])
      }`,
      body: report.exceptions.map(row),
    }),
  };
}

function sample(report: RunReport, group: ExceptionReport): Markup {
  const { sample, exception } = group;
  const parts: Markup[] = [];
  if (sample.message !== "") parts.push(markup`<pre>${sample.message}</pre>`);
  if (sample.log !== null) {
    parts.push(markup`<p class="soft">From its log:</p><pre>${sample.log}</pre>`);
  } else if (exception === null) {
    parts.push(markup`<p class="soft">Neither exception nor log say why.</p>`);
  }
  const command = sampleCommandLine(report, group);
  return markup`<details><summary>${
    formatDataIdTerms(sample.data_id)
  }, attempt ${sample.attempt}</summary>
${parts}<p class="soft">More: <code>${command}</code></p></details>`;
}

/** Quanta that failed, with a field to filter them. Null if there are none. */
export function failedSection(report: RunReport): Section | null {
  if (report.failed.length === 0) return null;
  const row = (quantum: FailedReport) =>
    markup`<tr>${taskHeading(quantum.task)}<td class="text">${
      formatDataIdTerms(quantum.data_id)
    } <code class="id">${quantum.quantum_id}</code></td><td class="word">${
      statusWords(quantum.status)
    }</td><td class="number">${quantum.n_attempts}</td><td class="text"><code>${
      exceptionName(quantum.exception)
    }</code>${
      quantum.message === ""
        ? ""
        : markup`<span class="message">${firstLine(quantum.message)}</span>`
    }</td></tr>
`;
  return {
    id: "failed",
    title: "Failed quanta",
    body:
      markup`<p class="filter" hidden><label for="filter">Only rows with</label> <input id="filter" type="search" autocomplete="off" placeholder="words of task, data ID or exception"> <span id="filter-count" class="soft" role="status"></span></p>
${
        scrolledTable({
          id: "failed",
          label: "Failed quanta",
          text: `Quanta whose last attempt failed, was aborted or is unknown: ${
            formatCount(report.failed.length)
          } of ${formatCount(nProblems(report.by_status))}.`,
          head:
            markup`<th scope="col">Task</th><th scope="col">Data ID, quantum</th><th scope="col">Status</th>${
              numberHeadings(["Attempts"])
            }<th scope="col">Exception</th>`,
          body: report.failed.map(row),
        })
      }`,
  };
}
