/**
 * The report as Markdown for a ticket: the numbers of the page without its figures. GitHub's tables.
 *
 * @module
 */

import {
  cappedTexts,
  caveatsText,
  exceptionName,
  failedThenText,
  firstLine,
  formatCount,
  formatDataIdTerms,
  formatEfficiency,
  formatInstant,
  formatSeconds,
  formatShare,
  formatSize,
  nProblems,
  sampleCommandLine,
  shapeText,
  shownStatuses,
  statusWords,
} from "../format.ts";
import { visibleText } from "../../base/text/visible_text.ts";
import type {
  BaselineReport,
  DistributionReport,
  ExtremeReport,
  RunReport,
  TaskFigures,
  TaskReport,
} from "../model.ts";

/** Failed quanta that a ticket has room for. */
const N_FAILED = 50;
/** Causes and tables that it has room for. */
const N_CAUSES = 50;
/** Causes that are shown with a sample. */
const N_SAMPLES = 5;

/** Makes the document: CommonMark with tables, UTF-8. */
export function reportMarkdown(report: RunReport): string {
  const parts = [
    `# Run ${escaped(report.output_run)}`,
    summary(report),
    "## Status",
    statusTable(report),
    ...causes(report),
    ...places(report),
    ...failed(report),
    ...rerun(report),
    ...beside(report),
    "## Run time",
    runTimeTable(report.tasks),
    "## Memory",
    distributionTable(report.tasks, (task) => task.memory, formatSize),
    ...(report.bps_memory === null ? [] : [codeBlock(report.bps_memory.trimEnd())]),
    "## Slowest quanta",
    extremesTable(report.slowest),
    "## Largest quanta",
    extremesTable(report.largest),
    ...software(report),
    ...report.warnings.map((text) => `${escaped(text)}.`),
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
    `Run time ${formatSeconds(report.run_time)}, CPU ${formatSeconds(report.cpu_time)} (${
      formatEfficiency(report.cpu_efficiency)
    }), lost ${formatSeconds(report.lost_time)}` +
    (report.max_memory === null ? "." : `, peak memory ${formatSize(report.max_memory)}.`),
  ];
  if (report.first_start !== null && report.last_end !== null) {
    lines.push(
      `Executed ${formatInstant(report.first_start)} to ${formatInstant(report.last_end)} UTC.`,
    );
  }
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

function causes(report: RunReport): string[] {
  if (report.clusters.length === 0) return ["## Failures by cause", "No attempt failed."];
  const rows = report.clusters.slice(0, N_CAUSES).map((cluster) => [
    escaped(cluster.task),
    code(exceptionName(cluster.exception)),
    escaped(shapeText(cluster.shape)),
    formatCount(cluster.n_failed),
    formatCount(cluster.n_blocked),
    formatSeconds(cluster.lost_time),
    formatCount(cluster.n_successful),
    formatCount(cluster.n_earlier),
  ]);
  const samples = report.clusters.slice(0, N_SAMPLES).flatMap((cluster) => {
    const { task, exception, sample } = cluster;
    const lines = [sample.message, sample.log ?? ""].filter((text) => text !== "");
    return [
      `### ${escaped(task)}: ${code(exceptionName(exception))}`,
      `${escaped(formatDataIdTerms(sample.data_id))}, attempt ${sample.attempt}; more: ${
        code(sampleCommandLine(report, cluster))
      }`,
      escaped(sample.why ?? "It has no exception; its log wasn't looked at."),
      ...(lines.length === 0 ? [] : [codeBlock(lines.join("\n\n"))]),
    ];
  });
  const titles = [">Failed", ">Blocks", ">Lost", ">With caveats", ">Earlier attempts"];
  return [
    "## Failures by cause",
    ...leftOut(report.clusters.length, N_CAUSES, "causes"),
    table(["Task", "Exception", "Message", ...titles], rows),
    ...samples,
  ];
}

function leftOut(n: number, most: number, what: string): string[] {
  return n <= most
    ? []
    : [`The first ${formatCount(most)} of ${formatCount(n)} ${what} are listed.`];
}

/** Values of dimensions at which most failed: what a heat map would show. */
function places({ heat_maps }: RunReport): string[] {
  return heat_maps.filter(({ worst }) => worst.length > 0).flatMap(({ dimensions, worst }) => [
    `## Where: ${dimensions.map(escaped).join(" by ")}`,
    table(
      ["Dimension", "Value", ">Failed", ">Blocked", ">Quanta"],
      worst.map(({ dimension, value, n_failed, n_blocked, n_quanta }) => [
        escaped(dimension),
        escaped(String(value)),
        ...[n_failed, n_blocked, n_quanta].map(formatCount),
      ]),
    ),
  ]);
}

function rerun({ rerun: { commands, tables } }: RunReport): string[] {
  if (tables.length === 0) return [];
  return [
    "## Run them again",
    ...(commands.length === 0 ? [] : [codeBlock(commands.join("\n"))]),
    table(
      ["Task", "Table", "Status", ">Quanta"],
      tables.slice(0, N_CAUSES).map(({ task, table, status, n }) => [
        escaped(task),
        code(table),
        statusWords(status),
        formatCount(n),
      ]),
    ),
  ];
}

function beside({ baseline, by_status, lost_time }: RunReport): string[] {
  if (baseline === null) return [];
  const fates = failedThenText(baseline);
  const figures = (pair: BaselineReport["tasks"][number], of: (task: TaskFigures) => string) =>
    [pair.now, pair.baseline].map((task) => task === null ? "" : of(task));
  return [
    "## Beside the baseline",
    `${escaped(baseline.output_run)}: ${formatCount(nProblems(by_status))} failed, then ${
      formatCount(nProblems(baseline.by_status))
    }; time lost ${formatSeconds(lost_time)}, then ${formatSeconds(baseline.lost_time)}.`,
    ...(fates === null ? [] : [`${fates}.`]),
    table(
      ["Task", ">Failed", ">then", ">Median time", ">then", ">Most memory", ">then"],
      baseline.tasks.map((pair) => [
        escaped(pair.task),
        ...figures(pair, ({ by_status }) => formatCount(nProblems(by_status))),
        ...figures(pair, (task) => orNothing(task.median_run_time, formatSeconds)),
        ...figures(pair, (task) => orNothing(task.max_memory, formatSize)),
      ]),
    ),
    ...(baseline.versions === null || baseline.versions.length === 0 ? [] : [
      table(
        ["Package", "Now", "Then"],
        baseline.versions.map(({ name, now, baseline }) =>
          [name, now ?? "", baseline ?? ""].map(escaped)
        ),
      ),
    ]),
  ];
}

function orNothing(value: number | null, format: (value: number) => string): string {
  return value === null ? "" : format(value);
}

function software({ versions }: RunReport): string[] {
  if (versions === null) return [];
  const lines = Object.keys(versions).sort().map((name) => `${name} ${versions[name]}`);
  return ["## Software", codeBlock(lines.join("\n"))];
}

function runTimeTable(tasks: readonly TaskReport[]): string {
  const rows = tasks.flatMap(({ task, run_time, cpu_time, cpu_efficiency, lost_time }) => {
    if (run_time === null) return [];
    const { n, min, median, p95, max, sum } = run_time;
    return [[
      escaped(task),
      formatCount(n),
      ...[min, median, p95, max, sum, cpu_time].map(formatSeconds),
      formatEfficiency(cpu_efficiency),
      formatSeconds(lost_time),
    ]];
  });
  const titles = [
    "Attempts",
    "Least",
    "Median",
    "95 %",
    "Most",
    "Sum",
    "CPU",
    "Efficiency",
    "Lost",
  ];
  return table(["Task", ...titles.map((title) => `>${title}`)], rows);
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
