/**
 * Which options of which commands name what is written. All else on a command line is read.
 *
 * @module
 */

import type { Command } from "commander";

/** Kinds of outputs, as `output_kinds.ts` knows them. */
export type OutputName =
  | "provenance graph"
  | "chunk log"
  | "page"
  | "markdown"
  | "explorer page"
  | "status report"
  | "resource usage"
  | "metrics"
  | "table directory"
  | "worker log directory"
  | "run directory"
  | "exported table"
  | "log";

/** Options that write, by the names that commander gives their values. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, OutputName>>>> = {
  "aggregate-graph": {
    output: "provenance graph",
    workerLogDir: "worker log directory",
    metricsFile: "metrics",
  },
  "ingest-graph": { metricsFile: "metrics" },
  scan: { chunks: "chunk log", metricsFile: "metrics" },
  explore: { page: "explorer page" },
  report: { html: "page", markdown: "markdown" },
  "provenance-report": {
    statusReport: "status report",
    resourceUsage: "resource usage",
    dataIdTableDir: "table directory",
  },
};

/** Commands whose first argument is written to. */
const ARGUMENTS: Readonly<Record<string, OutputName>> = { simulate: "run directory" };

/** Commands whose last argument is written to, if there are several, and what kind of output it is. */
const LAST_ARGUMENTS: Readonly<Record<string, (argument: string) => OutputName>> = {
  export: (argument) => tableFileFormat(argument) === null ? "table directory" : "exported table",
};

/** Ends of names of exported files, and their formats. */
const TABLE_FILES = {
  parquet: "parquet",
  csv: "csv",
  ecsv: "ecsv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  json: "prov-json",
} as const;

/** Format that a file is to be exported in, by the end of its name; null if it is no such file's. */
export function tableFileFormat(name: string): typeof TABLE_FILES[keyof typeof TABLE_FILES] | null {
  const end = /\.([a-z]+)$/i.exec(name)?.[1].toLowerCase() ?? "";
  return Object.hasOwn(TABLE_FILES, end) ? TABLE_FILES[end as keyof typeof TABLE_FILES] : null;
}

/** An output as it stands on the command line. */
export interface NamedOutput {
  /** The option, or the argument's name. */
  option: string;
  kind: OutputName;
  /** As given. */
  argument: string;
}

/**
 * What a command line lets be written, stdout left out.
 *
 * @param logFiles Values of `--log-file`.
 */
export function namedOutputs(command: Command, logFiles: readonly string[]): NamedOutput[] {
  const found: NamedOutput[] = [];
  const options = OPTIONS[command.name()] ?? {};
  for (const option of command.options) {
    const kind = options[option.attributeName()];
    const value: unknown = command.getOptionValue(option.attributeName());
    if (kind === undefined || typeof value !== "string" || value === "-") continue;
    found.push({ option: option.long!, kind, argument: value });
  }
  const kind = ARGUMENTS[command.name()];
  if (kind !== undefined && command.args.length > 0) {
    found.push({ option: command.registeredArguments[0].name(), kind, argument: command.args[0] });
  }
  const last = LAST_ARGUMENTS[command.name()];
  if (last !== undefined && command.args.length > 1) {
    const argument = command.args.at(-1)!;
    found.push({ option: "the last argument", kind: last(argument), argument });
  }
  for (const argument of logFiles) found.push({ option: "--log-file", kind: "log", argument });
  return found;
}

/** Options whose files have a name of their own in errors, or are outputs of every command. */
const OTHERWISE_NAMED: ReadonlySet<string> = new Set(["logFile", "optionsFile"]);

/** Words of a command line that may name what is read: arguments and values of all other options. */
export function namedInputs(command: Command): string[] {
  const options = OPTIONS[command.name()] ?? {};
  const name = command.name();
  const values = command.args.slice(
    ARGUMENTS[name] === undefined ? 0 : 1,
    LAST_ARGUMENTS[name] === undefined ? undefined : -1,
  );
  for (const option of command.options) {
    const name = option.attributeName();
    if (options[name] !== undefined || OTHERWISE_NAMED.has(name)) continue;
    const value: unknown = command.getOptionValue(name);
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "string") values.push(each);
    }
  }
  return values;
}
