/** `ls SOURCE quanta|datasets`. @module */

import { Argument, Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import { type JsonValue, stringifyJson } from "../../base/json_text.ts";
import type { ListedRow } from "../../inspect/list.ts";
import { ROW_KINDS, type RowKind } from "../../inspect/rows.ts";
import { gather, integerAtLeast } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { dataIdText } from "../data_id_text.ts";
import { LS_EPILOGUE } from "../help.ts";
import { LineBuffer } from "../line_buffer.ts";

/** Options as commander gives them. */
interface Options {
  run?: string;
  task: string[];
  type: string[];
  status: string[];
  exception?: string;
  where?: string;
  fields?: string[];
  json: boolean;
  limit?: number;
}

const STATUSES = ["ABORTED", "UNKNOWN", "ABORTED_SUCCESS", "FAILED", "BLOCKED", "SUCCESSFUL"];
const STATUS_WIDTH = 15;
const ID_WIDTH = 36;

/** Defines the command. */
export function lsCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("ls")
    .summary("list quanta or datasets that fit")
    .description(
      "List quanta or datasets of SOURCE, one a line, in the order in which they are stored.",
    )
    .argument("<source>", "quantum graph (path or URL), chunk log or butler repository")
    .addArgument(new Argument("<kind>", "what is listed").choices(ROW_KINDS))
    .option("--run <run>", "RUN collection of a repository")
    .addOption(
      new Option("--task <label>", "only quanta of these tasks, or datasets that these write")
        .argParser(gather).default([], "all"),
    )
    .addOption(
      new Option("--type <name>", "only datasets of these types").argParser(gather)
        .default([], "all"),
    )
    .addOption(
      new Option("--status <status>", "only quanta whose last attempt has one of these")
        .argParser(gather).default([], "all"),
    )
    .option("--exception <name>", "only quanta whose last attempt ended with this exception")
    .option("--where <expression>", "only what fits: 'visit=1228 and detector in (1,2)'")
    .addOption(
      new Option("--fields <names>", "fields to print, separated by commas").argParser(gather),
    )
    .option("--json", "print JSON lines", false)
    .option("--limit <n>", "print so many at most", integerAtLeast(0))
    .addHelpText("after", LS_EPILOGUE)
    .action(async (argument: string, kind: RowKind, options: Options) => {
      start("ls");
      const { DATASET_FIELDS, list, QUANTUM_FIELDS } = await import("../../inspect/list.ts");
      const { openSource } = await import("../../inspect/open_source.ts");
      const known: readonly string[] = kind === "quanta" ? QUANTUM_FIELDS : DATASET_FIELDS;
      requireFields(options.fields, known, kind);
      const statuses = options.status.map(parseStatus);
      await using source = await openSource(argument, options.run ?? null, cli.env, cli.cwd);
      const lines = new LineBuffer((text) => cli.terminal.write(text));
      let layout: ((row: ListedRow) => string) | null = null;
      const rows = list(source, {
        kind,
        tasks: options.task,
        types: options.type,
        statuses,
        exception: options.exception ?? null,
        where: options.where ?? null,
        limit: options.limit ?? null,
      });
      try {
        for await (const row of rows) {
          layout ??= options.json
            ? jsonLayout(options.fields ?? known)
            : options.fields === undefined
            ? textLayout(kind, [...(await source.rowDimensions(kind)).groups.keys()])
            : tabLayout(options.fields);
          lines.add(layout(row));
        }
      } finally {
        // What was found before an error is part of the answer.
        lines.flush();
      }
    });
}

function parseStatus(text: string): string {
  const name = text.toUpperCase();
  if (STATUSES.includes(name)) return name;
  throw new UsageError(`Cannot use --status "${text}": it is no status`, {
    hint: `one of ${STATUSES.join(", ")}`,
  });
}

function requireFields(
  fields: readonly string[] | undefined,
  known: readonly string[],
  kind: RowKind,
): void {
  for (const name of fields ?? []) {
    if (known.includes(name)) continue;
    throw new UsageError(`Cannot print field "${name}": ${kind} don't have it`, {
      hint: `fields are ${known.join(", ")}`,
    });
  }
}

function jsonLayout(fields: readonly string[]): (row: ListedRow) => string {
  return (row) =>
    stringifyJson(Object.fromEntries(fields.map((name) => [name, row.fields[name] ?? null])));
}

/** Values between tabs, for `cut` and `awk`. */
function tabLayout(fields: readonly string[]): (row: ListedRow) => string {
  return (row) => fields.map((name) => cell(row, name)).join("\t");
}

/** Columns for people. Widths are known beforehand, so that rows need not wait for each other. */
function textLayout(kind: RowKind, labels: readonly string[]): (row: ListedRow) => string {
  const labelWidth = Math.min(40, Math.max(0, ...labels.map((label) => label.length)));
  const columns: [name: string, width: number][] = kind === "quanta"
    ? [["quantum_id", ID_WIDTH], ["task", labelWidth], ["status", STATUS_WIDTH], ["data_id", 0]]
    : [["dataset_id", ID_WIDTH], ["dataset_type", labelWidth], ["data_id", 0]];
  return (row) => {
    const cells = columns.map(([name, width]) => cell(row, name).padEnd(width));
    const { exception, produced } = row.fields;
    if (typeof exception === "string") cells.push(exception.slice(exception.lastIndexOf(".") + 1));
    if (produced === false) cells.push("(not produced)");
    return cells.join("  ").trimEnd();
  };
}

function cell(row: ListedRow, name: string): string {
  const value = row.fields[name];
  if (name === "data_id") {
    return dataIdText(value as { [dimension: string]: JsonValue }, row.requiredDimensions) || "-";
  }
  if (value == null || (Array.isArray(value) && value.length === 0)) return "-";
  const text = Array.isArray(value) ? value.join(",") : String(value);
  // One row is one line.
  // deno-lint-ignore no-control-regex -- these are what would break it
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, " ");
}
