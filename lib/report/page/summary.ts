/**
 * Head of the report page: what the run is, and its main numbers.
 *
 * @module
 */

import {
  formatCount,
  formatEfficiency,
  formatInstant,
  formatSeconds,
  formatShare,
  formatSize,
  nProblems,
} from "../format.ts";
import { type Markup, markup, type MarkupValue } from "./markup.ts";
import type { RunReport } from "../model.ts";

function time(iso: string): Markup {
  return markup`<time datetime="${iso}">${formatInstant(iso)}</time>`;
}

/** Where the run is from and when it was executed. */
export function aboutRun(report: RunReport): Markup {
  const entries: [string, MarkupValue][] = [];
  if (report.output !== null) entries.push(["Output chain", report.output]);
  if (report.inputs.length > 0) entries.push(["Inputs", report.inputs.join(", ")]);
  if (report.first_start !== null && report.last_end !== null) {
    const seconds = (Date.parse(report.last_end) - Date.parse(report.first_start)) / 1000;
    entries.push([
      "Executed",
      markup`${time(report.first_start)} to ${time(report.last_end)} UTC (${
        formatSeconds(seconds)
      })`,
    ]);
  }
  const built = [
    report.user === "" ? "" : `by ${report.user}`,
    report.timestamp === "" ? "" : `at ${formatInstant(report.timestamp).replace(/\.\d+$/, "")}`,
  ].filter((text) => text !== "");
  if (built.length > 0) entries.push(["Graph built", built.join(" ")]);
  if (report.command !== "") entries.push(["Command", markup`<code>${report.command}</code>`]);
  return markup`<dl class="about">${
    entries.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)
  }</dl>`;
}

/** The main numbers. */
export function summaryTiles(report: RunReport): Markup {
  const { by_status: counts, n_quanta: n } = report;
  const problems = nProblems(counts);
  const shown: [name: string, value: string, more: string, isProblem: boolean][] = [
    [
      "Quanta",
      formatCount(n),
      n === report.n_expected ? "all recorded" : `of ${formatCount(report.n_expected)} expected`,
      n !== report.n_expected,
    ],
    [
      "Successful",
      formatShare(counts.SUCCESSFUL, n),
      `${formatCount(counts.SUCCESSFUL)}, ${formatCount(report.n_caveats)} with caveats`,
      false,
    ],
    ["Failed", formatCount(problems), formatShare(problems, n), problems > 0],
    ["Blocked", formatCount(counts.BLOCKED), "failure upstream", false],
    ["Retried", formatCount(report.n_retried), `${formatCount(report.n_attempts)} attempts`, false],
    [
      "Run time",
      formatSeconds(report.run_time),
      `CPU ${formatSeconds(report.cpu_time)}, ${formatEfficiency(report.cpu_efficiency)}`,
      false,
    ],
    [
      "Time lost",
      formatSeconds(report.lost_time),
      `${formatShare(report.lost_time, report.run_time)} of run time`,
      false,
    ],
    [
      "Peak memory",
      report.max_memory === null ? "–" : formatSize(report.max_memory),
      "largest process",
      false,
    ],
  ];
  return markup`<ul class="tiles" aria-label="Summary">${
    shown.map(([name, value, more, isProblem]) =>
      markup`<li class="${
        isProblem ? "problem" : "plain"
      }"><span class="name">${name}</span> <span class="value">${value}</span> <span class="more">${more}</span></li>
`
    )
  }</ul>`;
}
