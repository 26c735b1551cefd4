/**
 * The report of a run as a few lines for a terminal.
 *
 * @module
 */

import {
  cappedTexts,
  caveatsText,
  exceptionName,
  failedThenText,
  formatCount,
  formatDataIdTerms,
  formatInstant,
  formatSeconds,
  formatShare,
  formatSize,
  nProblems,
  shapeText,
  shownStatuses,
  statusWords,
} from "../../report/format.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import type { BaselineReport, RunReport } from "../../report/model.ts";
import type { Style } from "../terminal/color.ts";
import { type Column, formatTable } from "../terminal/table.ts";

/** Causes of failures and failed quanta that are shown. */
const N_CAUSES = 10;
const N_FAILED = 10;

/** Makes the summary. */
export function reportText(report: RunReport, style: Style): string {
  const parts = [head(report, style), tasksTable(report, style)];
  if (report.clusters.length > 0) parts.push(causesTable(report, style));
  if (report.failed.length > 0) parts.push(failedTable(report, style));
  if (report.baseline !== null) parts.push(baselineText(report, report.baseline));
  const more = [...report.warnings.map((text) => `${text}.`), ...cappedTexts(report)];
  if (more.length > 0) parts.push(`${more.join("\n")}\n`);
  return parts.join("\n");
}

function head(report: RunReport, style: Style): string {
  const { by_status: counts, n_quanta: n } = report;
  const problems = nProblems(counts);
  const lines = [
    style.bold(visibleLine(report.output_run)),
    `${formatCount(n)} quanta` +
    (n === report.n_expected ? "" : style.red(` of ${formatCount(report.n_expected)} expected`)) +
    `: ${style.green(`${formatCount(counts.SUCCESSFUL)} successful`)} (${
      formatShare(counts.SUCCESSFUL, n)
    }), ${problems === 0 ? "none failed" : style.red(`${formatCount(problems)} failed`)}, ${
      formatCount(counts.BLOCKED)
    } blocked; ${formatCount(report.n_retried)} retried`,
  ];
  if (report.first_start !== null && report.last_end !== null) {
    lines.push(
      `${formatInstant(report.first_start)} to ${formatInstant(report.last_end)} UTC; run time ${
        formatSeconds(report.run_time)
      }, CPU ${formatSeconds(report.cpu_time)}` +
        (report.max_memory === null ? "" : `, peak memory ${formatSize(report.max_memory)}`),
    );
  }
  return `${lines.join("\n")}\n`;
}

function numbers(titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title, align: "right" }));
}

function tasksTable(report: RunReport, style: Style): string {
  const statuses = shownStatuses(report);
  const count = (name: string, n: number) => {
    const text = formatCount(n);
    if (n === 0 || name === "SUCCESSFUL") return n === 0 ? style.dim(text) : text;
    return name === "BLOCKED" ? style.yellow(text) : style.red(text);
  };
  return formatTable(
    [
      { title: "Task" },
      ...numbers([...statuses.map(statusWords), "Quanta"]),
      { title: "Caveats" },
      ...numbers(["Median time", "Most", "Most memory"]),
    ],
    report.tasks.map((task) => [
      task.task,
      ...statuses.map((name) => count(name, task.by_status[name])),
      task.n_quanta === task.n_expected
        ? formatCount(task.n_quanta)
        : `${formatCount(task.n_quanta)} of ${formatCount(task.n_expected)}`,
      caveatsText(task),
      task.run_time === null ? "" : formatSeconds(task.run_time.median),
      task.run_time === null ? "" : formatSeconds(task.run_time.max),
      task.memory === null ? "" : formatSize(task.memory.max),
    ]),
    { style },
  );
}

function causesTable({ clusters }: RunReport, style: Style): string {
  const shown = clusters.slice(0, N_CAUSES);
  const table = formatTable(
    [
      { title: "Task" },
      ...numbers(["Failed", "Blocks", "Lost", "Caveats", "Earlier"]),
      { title: "Exception" },
      { title: "Message" },
    ],
    shown.map((cluster) => [
      cluster.task,
      ...[cluster.n_failed, cluster.n_blocked].map(formatCount),
      formatSeconds(cluster.lost_time),
      ...[cluster.n_successful, cluster.n_earlier].map(formatCount),
      exceptionName(cluster.exception),
      shortened(shapeText(cluster.shape)),
    ]),
    { style },
  );
  return table + andMore(clusters.length - shown.length, "causes of failures");
}

function failedTable({ failed, by_status }: RunReport, style: Style): string {
  const shown = failed.slice(0, N_FAILED);
  const table = formatTable(
    [{ title: "Failed quantum" }, { title: "Task" }, { title: "Data ID" }, { title: "Status" }],
    shown.map((quantum) => [
      quantum.quantum_id,
      quantum.task,
      formatDataIdTerms(quantum.data_id),
      statusWords(quantum.status),
    ]),
    { style },
  );
  return table + andMore(nProblems(by_status) - shown.length, "failed quanta");
}

function baselineText({ by_status, lost_time }: RunReport, baseline: BaselineReport): string {
  const lines = [
    `Beside ${visibleLine(baseline.output_run)}: ${
      formatCount(nProblems(by_status))
    } failed (then ${formatCount(nProblems(baseline.by_status))}), ${
      formatCount(by_status.BLOCKED)
    } blocked (${formatCount(baseline.by_status.BLOCKED)}), time lost ${
      formatSeconds(lost_time)
    } (${formatSeconds(baseline.lost_time)})`,
  ];
  const fates = failedThenText(baseline);
  if (fates !== null) lines.push(fates);
  if (baseline.versions !== null && baseline.versions.length > 0) {
    lines.push(`${formatCount(baseline.versions.length)} packages have other versions than then`);
  }
  return `${lines.join("\n")}\n`;
}

function andMore(n: number, what: string): string {
  return n > 0
    ? `and ${formatCount(n)} more ${what} (--html, --markdown or --json list them)\n`
    : "";
}

/** Letters of a message that a line has room for. */
const LINE_LETTERS = 60;

function shortened(text: string): string {
  return text.length <= LINE_LETTERS ? text : `${text.slice(0, LINE_LETTERS - 4)} ...`;
}
