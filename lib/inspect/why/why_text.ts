/**
 * The answer of `why` for people: a screen of text, the same on a terminal and on a page.
 *
 * @module
 */

import { visibleCell } from "../../base/text/visible_text.ts";
import { shellLine } from "../../base/text/shell.ts";
import type {
  Blocks,
  Cause,
  Causes,
  DatasetAnswer,
  NamedDataId,
  QuantumAnswer,
  WhyAnswer,
} from "./answer.ts";
import type { Attempt } from "../../provenance/documents/quantum.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";
import { caveatMeanings } from "../../provenance/success_caveats.ts";
import { verdictText } from "../../provenance/verdict.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";

/** Lines of a message, and of a log, that are shown. */
const MESSAGE_LINES = 4;
const LOG_LINES = 8;
/** Attempts that are shown: the last ones. */
const SHOWN_ATTEMPTS = 5;
/** Letters of a line, and of one of our own, where nothing says how wide the screen is. */
const LINE_LETTERS = 240;
const WRAP_LETTERS = 100;

/** A column of the attempts. */
export interface WhyColumn {
  title: string;
  align?: "left" | "right";
  /** Whether cells may be cut where there is no room. */
  isElastic?: boolean;
}

/** How the text is written: on a terminal, or on a page. */
export interface WhyLayout {
  /** Letters of a line, if that is known, and marks. */
  style: {
    readonly columns: number | null;
    bold(text: string): string;
    dim(text: string): string;
    red(text: string): string;
    green(text: string): string;
    yellow(text: string): string;
  };
  /** The name of a status, marked. */
  status(name: string): string;
  bytes(nBytes: number): string;
  /** Lines of a table. */
  table(columns: readonly WhyColumn[], rows: readonly (readonly string[])[]): string;
  /** Words that name the source on a command line: with `--run`, if that was given. */
  source: readonly string[];
}

/** The whole answer. */
export function whyText({ dataset, quantum }: WhyAnswer, layout: WhyLayout): string {
  const parts = [
    ...(dataset === null ? [] : [datasetLines(dataset, quantum, layout)]),
    ...(quantum === null ? [] : quantumParts(quantum, layout)),
    commandLines(dataset, quantum, layout),
  ];
  return `${parts.filter((part) => part.length > 0).map((part) => part.join("\n")).join("\n\n")}\n`;
}

function nameLine(
  kind: string,
  label: string,
  named: NamedDataId,
  id: string,
  { style }: WhyLayout,
  state: string,
): string {
  const words = [
    `${kind} ${style.bold(visibleCell(label))}`.trimEnd(),
    visibleCell(dataIdText(named.dataId, named.required)),
    state,
  ];
  return `${words.filter((word) => word !== "").join(" ")}  ${style.dim(id)}`;
}

function datasetLines(
  dataset: DatasetAnswer,
  quantum: QuantumAnswer | null,
  layout: WhyLayout,
): string[] {
  const { produced, typeName, datasetId, run } = dataset;
  const state = produced === null
    ? "not known"
    : produced
    ? layout.style.green("produced")
    : layout.style.yellow("not produced");
  return [
    nameLine("dataset", typeName, dataset, datasetId, layout, state),
    ...wrapped(datasetSentence(dataset, quantum), layout),
    ...(run === "" ? [] : [`  RUN ${visibleCell(run)}`]),
  ];
}

/** Why a dataset is there or not. */
export function datasetSentence(
  { produced, producer }: DatasetAnswer,
  quantum: QuantumAnswer | null,
): string {
  if (producer === null) {
    return produced === null
      ? "Nothing is recorded of it yet."
      : "It is an overall input: no quantum of this run makes it.";
  }
  if (produced) {
    return quantum?.blocks != null
      ? "The quantum below wrote it before it failed."
      : "The quantum below wrote it.";
  }
  switch (quantum?.verdict) {
    case "blocked":
      return "The quantum that makes it was not run.";
    case "succeeded":
    case "succeeded_with_caveats":
    case "log_lost":
      return "The quantum that makes it succeeded, and did not write it.";
    case "init":
      return "The init quantum below was to write it.";
    default:
      return "The quantum that makes it failed before it wrote it.";
  }
}

function quantumParts(quantum: QuantumAnswer, layout: WhyLayout): string[][] {
  return [
    headLines(quantum, layout),
    attemptLines(quantum, layout),
    logLines(quantum, layout),
    ...(quantum.causes === null ? [] : [causeLines(quantum.causes, layout)]),
    ...(quantum.blocks === null ? [] : [wrapped(blocksSentence(quantum.blocks), layout, "")]),
  ];
}

function headLines(quantum: QuantumAnswer, layout: WhyLayout): string[] {
  const { verdict, status, attempts, outputs, causes } = quantum;
  const last = attempts.at(-1);
  const kind = verdict === "init" ? "init quantum" : "quantum";
  const state = status === null ? "" : layout.status(status);
  const lines = [
    nameLine(kind, quantum.task, quantum, quantum.quantumId, layout, state),
    // Of a blocked quantum the causes below say it better.
    ...wrapped(
      causes === null || causes.n === 0
        ? verdictText(verdict, outputs?.nProduced ?? null)
        : blockedSentence(causes),
      layout,
    ),
  ];
  if (last !== undefined) {
    if (last.exception !== null) lines.push(...exceptionLines(last.exception, "  ", layout));
    for (const { name, meaning } of caveatMeanings(last.caveats ?? 0)) {
      lines.push(...wrapped(`${name}: ${meaning}`, layout));
    }
  }
  if (outputs !== null && outputs.n > 0 && verdict !== "blocked") {
    lines.push(`  Outputs: ${outputs.nProduced} of ${outputs.n} are there.`);
  }
  return lines;
}

function exceptionLines(
  { typeName, message }: NonNullable<Attempt["exception"]>,
  indent: string,
  layout: WhyLayout,
): string[] {
  const [first, ...rest] = message.trimEnd().split("\n");
  const lines = [`${indent}${exceptionLine(typeName, first, layout)}`];
  for (const line of rest.slice(0, MESSAGE_LINES - 1)) {
    lines.push(`${indent}  ${cut(line, layout)}`);
  }
  if (rest.length >= MESSAGE_LINES) {
    lines.push(`${indent}  [... ${rest.length - MESSAGE_LINES + 1} more lines]`);
  }
  return lines;
}

function attemptLines({ attempts, verdict }: QuantumAnswer, layout: WhyLayout): string[] {
  if (attempts.length < 2 && verdict !== "raised" && verdict !== "killed") return [];
  const first = Math.max(0, attempts.length - SHOWN_ATTEMPTS);
  const seconds = (value: number) => Number.isFinite(value) ? `${value.toFixed(1)} s` : "-";
  const rows = attempts.slice(first).map(({ status, caveats, exception, usage }, i) => [
    String(first + i),
    layout.status(attemptStatusName(status)),
    usage?.start.replace(/\.\d+/, "") || "-",
    usage === null ? "-" : seconds(usage.prepTime + usage.initTime + usage.runTime),
    usage === null ? "-" : seconds(usage.cpuSeconds),
    usage === null || !Number.isFinite(usage.memory) ? "-" : layout.bytes(usage.memory),
    exception === null
      ? caveatMeanings(caveats ?? 0).map(({ name }) => name).join(", ") || "-"
      : shortName(exception.typeName),
  ]);
  const text = layout.table(
    [
      { title: "attempt", align: "right" },
      { title: "status" },
      { title: "started" },
      { title: "time", align: "right" },
      { title: "CPU", align: "right" },
      { title: "memory", align: "right" },
      { title: "exception or caveats", isElastic: true },
    ],
    rows,
  );
  return [
    ...text.trimEnd().split("\n"),
    ...(first > 0 ? [`${first} earlier attempts are not shown.`] : []),
  ];
}

function shortName(typeName: string): string {
  return typeName.slice(typeName.lastIndexOf(".") + 1);
}

function logLines({ log, verdict, attempts }: QuantumAnswer, layout: WhyLayout): string[] {
  if (log === null) return [];
  const lines = (log.text ?? "").split("\n").filter((line) => line !== "");
  const shown = lines.slice(-LOG_LINES).map((line) => `  ${cut(line, layout)}`);
  const what = log.hasErrors ? "end of its errors" : "its last records";
  const title = `Log of attempt ${attempts.length - 1}, ${log.nRecords} records; ${what}:`;
  const all = shown.length === 0
    ? [`Log of attempt ${attempts.length - 1}: without a record.`]
    : [...wrapped(title, layout, ""), ...shown];
  if (verdict !== "killed") return all;
  const process = log.processId === null ? "" : ` by process ${log.processId}`;
  return [
    ...all,
    log.lastTime === null
      ? "Its job is known to the batch system:"
      : `The last record is of ${visibleCell(log.lastTime)}${process}:`,
    "ask the batch system how the job ended that ran then.",
  ];
}

/** How many failed quanta block one. */
function blockedSentence({ n, isComplete }: Pick<Causes, "n" | "isComplete">): string {
  const number = `${isComplete ? "" : "at least "}${n}`;
  return n === 1 && isComplete
    ? "It was not run: a quantum that it depends on failed."
    : `It was not run: ${number} quanta that it depends on failed.`;
}

function causeLines(causes: Causes, layout: WhyLayout): string[] {
  const { shown, n, isComplete, nUnknown } = causes;
  const lines = shown.flatMap((cause) => [
    nameLine("quantum", cause.task, cause, cause.quantumId, layout, statusOf(cause, layout)),
    cause.exception === null
      ? "  no exception was recorded"
      : `  ${exceptionLine(cause.exception.typeName, cause.exception.message, layout)}`,
  ]);
  if (n > shown.length) lines.push(`and ${n - shown.length} more`);
  if (nUnknown > 0) lines.push(`Of ${nUnknown} quanta above nothing is recorded yet.`);
  if (!isComplete) lines.push("Not all above was looked at: --limit allows more.");
  if (n === 0 && isComplete && nUnknown === 0) {
    lines.push("No quanta above it failed: what blocks it is not in this graph.");
  }
  return lines;
}

function statusOf({ status, nSteps }: Cause, layout: WhyLayout): string {
  return layout.status(status) + (nSteps === 1 ? "" : ` (${nSteps} quanta up)`);
}

/** What a failed quantum keeps from running. */
function blocksSentence({ n, byTask, isComplete }: Blocks): string {
  if (n === 0) return "No quanta wait for it.";
  const tasks = [...byTask].map(([task, count]) => `${visibleCell(task)} ${count}`).join(", ");
  const number = `${isComplete ? "" : "at least "}${n}`;
  return `It blocks ${number} ${n === 1 && isComplete ? "quantum" : "quanta"}: ${tasks}.`;
}

/** Commands that tell more, each of which works on this source. */
function commandLines(
  dataset: DatasetAnswer | null,
  quantum: QuantumAnswer | null,
  layout: WhyLayout,
): string[] {
  return moreCommands(dataset, quantum, layout.source).map((line, i) =>
    `${i === 0 ? "More: " : "      "}${line}`
  );
}

/** The same without layout. */
export function moreCommands(
  dataset: DatasetAnswer | null,
  quantum: QuantumAnswer | null,
  [source, ...rest]: readonly string[],
): string[] {
  const line = (command: string, ...words: string[]) =>
    shellLine(["provgraph", command, source, ...words, ...rest]);
  if (quantum === null) {
    return dataset === null || dataset.produced === null
      ? []
      : [line("trace", dataset.datasetId, "--down")];
  }
  const { quantumId, causes, blocks, log, verdict, attempts } = quantum;
  const commands: string[] = [];
  if (log !== null) {
    commands.push(
      line("cat", "log", quantumId, ...(attempts.length > 1 ? ["--all-attempts"] : [])),
    );
  }
  if (causes !== null && causes.shown.length > 0) {
    commands.push(line("why", causes.shown[0].quantumId));
  }
  if (verdict === "blocked") commands.push(line("trace", quantumId, "--up"));
  else if (blocks !== null && blocks.n > 0) commands.push(line("trace", quantumId, "--down"));
  if (commands.length === 0 && verdict !== "init" && verdict !== "unknown") {
    commands.push(line("cat", "quantum", quantumId));
  }
  return commands;
}

/** A sentence of our own on lines that are not longer than the screen is wide. */
function wrapped(text: string, { style: { columns } }: WhyLayout, indent = "  "): string[] {
  const most = Math.max(20, (columns ?? WRAP_LETTERS) - indent.length);
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.map((line) => indent + line);
}

/** An exception with the first line of its message. */
function exceptionLine(typeName: string, message: string, layout: WhyLayout): string {
  const name = visibleCell(typeName);
  return `${layout.style.red(name)}: ${cut(message.split("\n", 1)[0], layout, name.length + 2)}`;
}

/**
 * A line that is not longer than the screen is wide.
 *
 * @param nBefore Letters in front of it, indents not counted.
 */
function cut(text: string, { style: { columns } }: WhyLayout, nBefore = 0): string {
  const shown = visibleCell(text);
  const most = columns === null ? LINE_LETTERS : Math.max(16, columns - 4 - nBefore);
  return shown.length <= most ? shown : `${shown.slice(0, most - 6)} [...]`;
}
