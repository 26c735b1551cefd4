/**
 * The report as Markdown for a ticket: the numbers of the page without its figures. GitHub's tables.
 *
 * @module
 */

import { oddTimesText } from "../provenance/odd_times.ts";
import {
  cappedTexts,
  caveatsText,
  exceptionName,
  firstLine,
  formatCount,
  formatDataIdTerms,
  formatInstant,
  formatSeconds,
  formatShare,
  formatSize,
  nProblems,
  sampleCommandLine,
  shownStatuses,
  statusWords,
} from "./report_format.ts";
import { visibleText } from "../base/visible_text.ts";
import type { DistributionReport, ExtremeReport, RunReport, TaskReport } from "./report_model.ts";

/** Failed quanta that a ticket has room for. */
const N_FAILED = 50;
/** Groups of failures that are shown with a sample. */
const N_SAMPLES = 5;

/** Makes the document: CommonMark with tables, UTF-8. */
export function reportMarkdown(report: RunReport): string {
  const parts = [
    `# Run ${escaped(report.output_run)}`,
    summary(report),
    "## Status",
    statusTable(report),
    ...exceptions(report),
    "## Run time",
    distributionTable(report.tasks, (task) => task.run_time, formatSeconds),
    "## Memory",
    distributionTable(report.tasks, (task) => task.memory, formatSize),
    "## Slowest quanta",
    extremesTable(report.slowest),
    "## Largest quanta",
    extremesTable(report.largest),
    ...failed(report),
    ...cappedTexts(report).map(escaped),
    `Made by ${escaped(report.tool)} at ${formatInstant(report.made)} UTC from ${
      escaped(report.source)
    }.`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/**
 * Text that Markdown shows as it is: no emphasis, links, mentions or markup, all on one line.
 * Source: CommonMark 0.31, section 2.4.
 */
function escaped(text: string): string {
  return visibleText(text).replace(/[\s]+/g, " ")
    .replace(/[\\`*_{}[\]<>#|~!&$]/g, (c) => `\\${c}`)
    .replace(/@(?=\w)/g, "@\u200b")
    .replace(/\b(https?|ftp|www)(?=[:.])/gi, "$1\u200b");
}

/** Text as code within a line. */
function code(text: string): string {
  const line = visibleText(text).replace(/\s+/g, " ");
  const longest = Math.max(0, ...Array.from(line.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  // Within tables a bar ends the cell even in code.
  return `${fence}${pad}${line.replaceAll("|", "\\|")}${pad}${fence}`;
}

/** Lines as a block of code. */
function codeBlock(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${visibleText(text)}\n${fence}`;
}

/** Columns that begin with `>` are numbers. */
function table(headings: readonly string[], rows: readonly string[][]): string {
  if (rows.length === 0) return "None.";
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(headings.map((heading) => heading.replace(/^>/, ""))),
    line(headings.map((heading) => heading.startsWith(">") ? "---:" : "---")),
    ...rows.map(line),
  ].join("\n");
}

function summary(report: RunReport): string {
  const { by_status: counts, n_quanta: n } = report;
  const problems = nProblems(counts);
  const lines = [
    `**${formatCount(n)}** quanta` +
    (n === report.n_expected ? "" : ` of ${formatCount(report.n_expected)} expected`) +
    `: **${formatCount(counts.SUCCESSFUL)}** successful (${
      formatShare(counts.SUCCESSFUL, n)
    }), of them ${formatCount(report.n_caveats)} with caveats; **${
      formatCount(problems)
    }** failed; **${formatCount(counts.BLOCKED)}** blocked; ${
      formatCount(report.n_retried)
    } retried (${formatCount(report.n_attempts)} attempts).`,
    `Run time ${formatSeconds(report.run_time)}, CPU ${formatSeconds(report.cpu_time)}` +
    (report.max_memory === null ? "." : `, peak memory ${formatSize(report.max_memory)}.`),
  ];
  if (report.first_start !== null && report.last_end !== null) {
    lines.push(
      `Executed ${formatInstant(report.first_start)} to ${formatInstant(report.last_end)} UTC.`,
    );
  }
  if (report.n_odd_times > 0) lines.push(`${oddTimesText(report.n_odd_times)}.`);
  return lines.join("\n");
}

function statusTable(report: RunReport): string {
  const rest = shownStatuses(report).filter((name) => name !== "SUCCESSFUL");
  return table(
    [
      "Task",
      ">Successful",
      "Caveats",
      ...[...rest.map(statusWords), "Retried", "Quanta", "Expected"]
        .map((heading) => `>${heading}`),
    ],
    report.tasks.map((task) => [
      escaped(task.task),
      formatCount(task.by_status.SUCCESSFUL),
      escaped(caveatsText(task)),
      ...rest.map((name) => formatCount(task.by_status[name])),
      formatCount(task.n_retried),
      formatCount(task.n_quanta),
      formatCount(task.n_expected),
    ]),
  );
}

function exceptions(report: RunReport): string[] {
  if (report.exceptions.length === 0) return ["## Failures by exception", "No attempt failed."];
  const rows = report.exceptions.map((group) => [
    escaped(group.task),
    code(exceptionName(group.exception)),
    formatCount(group.n_failed),
    formatCount(group.n_successful),
    formatCount(group.n_earlier),
  ]);
  const samples = report.exceptions.slice(0, N_SAMPLES).flatMap((group) => {
    const { task, exception, sample } = group;
    const lines = [sample.message, sample.log ?? ""].filter((text) => text !== "");
    return [
      `### ${escaped(task)}: ${code(exceptionName(exception))}`,
      `${escaped(formatDataIdTerms(sample.data_id))}, attempt ${sample.attempt}; more: ${
        code(sampleCommandLine(report, group))
      }`,
      lines.length === 0 ? "Neither exception nor log say why." : codeBlock(lines.join("\n\n")),
    ];
  });
  return [
    "## Failures by exception",
    table(["Task", "Exception", ">Failed", ">With caveats", ">Earlier attempts"], rows),
    ...samples,
  ];
}

function distributionTable(
  tasks: readonly TaskReport[],
  of: (task: TaskReport) => DistributionReport | null,
  format: (value: number) => string,
): string {
  const rows = tasks.flatMap((task) => {
    const distribution = of(task);
    if (distribution === null) return [];
    const { n, min, median, p95, max } = distribution;
    return [[escaped(task.task), formatCount(n), ...[min, median, p95, max].map(format)]];
  });
  return table(["Task", ">Attempts", ">Least", ">Median", ">95 %", ">Most"], rows);
}

function extremesTable(items: readonly ExtremeReport[]): string {
  return table(
    ["Task", "Data ID", ">Attempt", "Status", ">Run time", ">Memory"],
    items.map((item) => [
      escaped(item.task),
      escaped(formatDataIdTerms(item.data_id)),
      String(item.attempt),
      statusWords(item.status),
      item.run_time === null ? "" : formatSeconds(item.run_time),
      item.memory === null ? "" : formatSize(item.memory),
    ]),
  );
}

function failed(report: RunReport): string[] {
  if (report.failed.length === 0) return [];
  const listed = report.failed.slice(0, N_FAILED);
  return [
    "## Failed quanta",
    `${formatCount(listed.length)} of ${formatCount(nProblems(report.by_status))} are listed.`,
    table(
      ["Task", "Data ID", "Status", ">Attempts", "Exception", "Message"],
      listed.map((quantum) => [
        escaped(quantum.task),
        escaped(formatDataIdTerms(quantum.data_id)),
        statusWords(quantum.status),
        String(quantum.n_attempts),
        code(exceptionName(quantum.exception)),
        escaped(firstLine(quantum.message)),
      ]),
    ),
  ];
}
