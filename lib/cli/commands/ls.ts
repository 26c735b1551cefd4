/** `ls SOURCE quanta|datasets`. @module */

import { Argument, Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { visibleCell } from "../../base/text/visible_text.ts";
import type { ListedRow } from "../../inspect/list/list.ts";
import { ROW_KINDS, type RowKind } from "../../sources/rows.ts";
import {
  type BusyOptions,
  busyTimeoutOption,
  gather,
  integerAtLeast,
  parseStatus,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import type { Style } from "../terminal/color.ts";
import { dataIdText } from "../terminal/data_id_text.ts";
import { LS_EPILOGUE } from "../manual/help.ts";
import { nearestHint } from "../../base/text/nearest.ts";
import { jsonLine, OutputBuffer } from "../terminal/ndjson.ts";
import { type PagedOutput, withPager } from "../terminal/pager.ts";
import { statusText } from "../terminal/status_text.ts";
import { TableWriter } from "../terminal/table.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
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

/** Rows between two looks at what still waits for the pager. */
const DRAINED_ROWS = 1000;

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
    .addOption(busyTimeoutOption())
    .addHelpText("after", LS_EPILOGUE)
    .action(async (argument: string, kind: RowKind, options: Options) => {
      const context = start("ls");
      const { DATASET_FIELDS, list, QUANTUM_FIELDS } = await import("../../inspect/list/list.ts");
      const known: readonly string[] = kind === "quanta" ? QUANTUM_FIELDS : DATASET_FIELDS;
      requireFields(options.fields, known, kind);
      const statuses = options.status.map(parseStatus);
      await using source = await openArgument(argument, options.run, options, cli, context);
      const rows = list(source, {
        kind,
        tasks: options.task,
        types: options.type,
        statuses,
        exception: options.exception ?? null,
        where: options.where ?? null,
        limit: options.limit ?? null,
      });
      const isTable = !options.json && options.fields === undefined;
      await withPager(context, isTable, async (output) => {
        const writer = options.json
          ? jsonWriter(kind, options.fields ?? known, output)
          : options.fields === undefined
          ? tableWriter(kind, context.style, output)
          : tabWriter(options.fields, output);
        let n = 0;
        try {
          for await (const row of rows) {
            writer.add(row);
            if (++n % DRAINED_ROWS === 0) await output.drain();
          }
        } finally {
          // What was found before an error is part of the answer; titles alone are none.
          if (n > 0) writer.end();
        }
      });
    });
}

/** Writes rows in one layout. */
interface RowWriter {
  add(row: ListedRow): void;
  end(): void;
}

function requireFields(
  fields: readonly string[] | undefined,
  known: readonly string[],
  kind: RowKind,
): void {
  for (const name of fields ?? []) {
    if (known.includes(name)) continue;
    throw new UsageError(`Cannot print field "${name}": ${kind} don't have it`, {
      hint: nearestHint(name, known, `fields are ${known.join(", ")}`),
    });
  }
}

function jsonWriter(kind: RowKind, fields: readonly string[], output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  const messageType = kind === "quanta" ? "quantum" : "dataset";
  return {
    add: (row) => {
      const entries = fields.map((name) => [name, row.fields[name] ?? null] as const);
      buffer.write(jsonLine(messageType, Object.fromEntries(entries)));
    },
    end: () => buffer.flush(),
  };
}

/** Values between tabs, for `cut` and `awk`. */
function tabWriter(fields: readonly string[], output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  return {
    add: (row) => buffer.write(`${fields.map((name) => cell(row, name)).join("\t")}\n`),
    end: () => buffer.flush(),
  };
}

/** Columns for people. */
function tableWriter(kind: RowKind, style: Style, output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  const titles = kind === "quanta"
    ? ["quantum ID", "task", "status", "data ID", "exception"]
    : ["dataset ID", "dataset type", "produced", "data ID"];
  const table = new TableWriter(
    titles.map((title) => ({ title, isElastic: title === "exception" })),
    (line) => buffer.write(line),
    { style },
  );
  return {
    add: (row) => {
      const { exception, produced } = row.fields;
      const dataId = cell(row, "data_id");
      if (kind === "quanta") {
        table.add([
          cell(row, "quantum_id"),
          cell(row, "task"),
          statusText(cell(row, "status"), style),
          dataId,
          typeof exception === "string" ? exception.slice(exception.lastIndexOf(".") + 1) : "",
        ]);
      } else {
        const isProduced = produced === null ? "-" : produced ? "yes" : style.yellow("no");
        table.add([cell(row, "dataset_id"), cell(row, "dataset_type"), isProduced, dataId]);
      }
    },
    end: () => {
      table.end();
      buffer.flush();
    },
  };
}

function cell(row: ListedRow, name: string): string {
  const value = row.fields[name];
  if (name === "data_id") {
    const dataId = value as { [dimension: string]: JsonValue };
    return visibleCell(dataIdText(dataId, row.requiredDimensions)) || "-";
  }
  if (value == null || (Array.isArray(value) && value.length === 0)) return "-";
  const text = Array.isArray(value) ? value.join(",") : String(value);
  // One row is one line.
  return visibleCell(text);
}
