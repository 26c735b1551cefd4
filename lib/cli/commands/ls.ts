/** `ls SOURCE quanta|datasets|attempts`. @module */

import { Argument, Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { visibleCell } from "../../base/text/visible_text.ts";
import type { ListedRow } from "../../inspect/list/list.ts";
import type { RowKind } from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
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
import { dataIdText } from "../../base/text/data_id_text.ts";
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
  sort?: string[];
  count: boolean;
  json: boolean;
  limit?: number;
}

/** What can be listed: attempts are those of quanta. */
type ListKind = RowKind | "attempts";
const LIST_KINDS: readonly ListKind[] = ["quanta", "datasets", "attempts"];

/** Rows that are put in order if nothing is said of it; so many take 0.2 GB. */
const MAX_ORDERED = 200_000;

/** Rows between two looks at what still waits for the pager. */
const DRAINED_ROWS = 1000;

/** Defines the command. */
export function lsCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("ls")
    .description("List quanta, their attempts, or datasets of SOURCE, one a line.")
    .argument("<source>", "quantum graph (path or URL), chunk log or butler repository")
    .addArgument(new Argument("<kind>", "what is listed").choices(LIST_KINDS))
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
    .addOption(
      new Option(
        "--sort <names>",
        "fields or dimensions to sort by, -NAME for descending; none: as stored",
      ).argParser(gather).default(undefined, "task or type, then data ID"),
    )
    .option("--count", "print how many fit, not the rows", false)
    .option("--json", "print JSON lines", false)
    .option("--limit <n>", "print so many at most", integerAtLeast(0))
    .addOption(busyTimeoutOption())
    .addHelpText("after", LS_EPILOGUE)
    .action(async (argument: string, kind: ListKind, options: Options) => {
      const context = start("ls");
      const known = await fieldsOf(kind);
      requireFields(options.fields, known, kind);
      if (options.count && options.fields !== undefined) {
        throw new UsageError("Cannot count and print fields: --count excludes --fields");
      }
      await using source = await openArgument(argument, options.run, options, cli, context);
      const rows = await chosenRows(source, kind, options, context);
      if (options.count) return await printCount(rows, options, context);
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

async function fieldsOf(kind: ListKind): Promise<readonly string[]> {
  if (kind === "attempts") {
    return (await import(
      import.meta.resolve("../../inspect/list/list_attempts.ts")
    ) as typeof import("../../inspect/list/list_attempts.ts")).ATTEMPT_FIELDS;
  }
  const { DATASET_FIELDS, QUANTUM_FIELDS } = await import(
    import.meta.resolve("../../inspect/list/list.ts")
  ) as typeof import("../../inspect/list/list.ts");
  return kind === "quanta" ? QUANTUM_FIELDS : DATASET_FIELDS;
}

/** Rows that fit, in the order that is wanted. */
async function chosenRows(
  source: DocumentSource,
  kind: ListKind,
  options: Options,
  { log }: CommandContext,
): Promise<AsyncIterable<ListedRow>> {
  const { parseSortKeys, sorted, sortedIfFew } = await import(
    import.meta.resolve("../../inspect/list/order.ts")
  ) as typeof import("../../inspect/list/order.ts");
  const isStored = options.count || options.sort?.length === 1 && options.sort[0] === "none";
  const limit = options.limit ?? null;
  const rows = await fittingRows(source, kind, options, isStored || limit === 0 ? limit : null);
  if (isStored || limit === 0) return rows;
  const labels = await labelOrder(source, kind);
  if (options.sort !== undefined || limit !== null) {
    const { groups } = await source.rowDimensions(kind === "datasets" ? "datasets" : "quanta");
    const dimensions = [...new Set([...groups.values()].flatMap(({ names }) => names))];
    const keys = parseSortKeys(options.sort ?? [], await fieldsOf(kind), dimensions);
    return sorted(rows, keys, labels, limit);
  }
  return sortedIfFew(rows, labels, MAX_ORDERED, () =>
    log.log(
      "WARNING",
      `There are more than ${MAX_ORDERED} rows: they come as they are stored (--sort, --limit).`,
    ));
}

/** In the order in which they are stored. */
async function fittingRows(
  source: DocumentSource,
  kind: ListKind,
  options: Options,
  limit: number | null,
): Promise<AsyncIterable<ListedRow>> {
  const wanted = {
    tasks: options.task,
    types: options.type,
    statuses: options.status.map(parseStatus),
    exception: options.exception ?? null,
    where: options.where ?? null,
  };
  if (kind !== "attempts") {
    const { list } = await import(
      import.meta.resolve("../../inspect/list/list.ts")
    ) as typeof import("../../inspect/list/list.ts");
    return list(source, { ...wanted, kind, limit, fields: await neededFields(kind, options) });
  }
  const { listAttempts } = await import(
    import.meta.resolve("../../inspect/list/list_attempts.ts")
  ) as typeof import("../../inspect/list/list_attempts.ts");
  return firstOf(listAttempts(source, wanted), limit);
}

/** Fields that are printed, or sorted by. */
async function neededFields(kind: RowKind, options: Options): Promise<readonly string[]> {
  if (options.count) return [];
  const known = await fieldsOf(kind);
  const printed = options.fields ?? (options.json ? known : TABLE_FIELDS);
  return [...new Set([...ORDER_FIELDS, ...printed, ...options.sort ?? []])]
    .map((name) => name.replace(/^-/, "")).filter((name) => known.includes(name));
}

async function* firstOf<T>(rows: AsyncIterable<T>, limit: number | null): AsyncGenerator<T> {
  if (limit === 0) return;
  let n = 0;
  for await (const row of rows) {
    yield row;
    if (++n === limit) return;
  }
}

/** Tasks as in the pipeline; dataset types have no order but that of their names. */
async function labelOrder(source: DocumentSource, kind: ListKind): Promise<Map<string, number>> {
  if (kind === "datasets") return new Map();
  const { groups } = await source.rowDimensions("quanta");
  return new Map([...groups.keys()].map((label, i) => [label, i]));
}

async function printCount(
  rows: AsyncIterable<ListedRow>,
  { json }: Options,
  { terminal }: CommandContext,
): Promise<void> {
  let n = 0;
  for await (const _ of rows) n++;
  terminal.write(json ? jsonLine("count", { n }) : `${n}\n`);
}

/** Writes rows in one layout. */
interface RowWriter {
  add(row: ListedRow): void;
  end(): void;
}

function requireFields(
  fields: readonly string[] | undefined,
  known: readonly string[],
  kind: ListKind,
): void {
  for (const name of fields ?? []) {
    if (known.includes(name)) continue;
    throw new UsageError(`Cannot print field "${name}": ${kind} don't have it`, {
      hint: nearestHint(name, known, `fields are ${known.join(", ")}`),
    });
  }
}

const MESSAGE_TYPES = { quanta: "quantum", datasets: "dataset", attempts: "attempt" } as const;

function jsonWriter(kind: ListKind, fields: readonly string[], output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  const messageType = MESSAGE_TYPES[kind];
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

/** Fields by which rows are put in order, whatever else they are sorted by. */
const ORDER_FIELDS = ["quantum_id", "task", "data_id"];
/** Fields of quanta that the table for people has. */
const TABLE_FIELDS = ["quantum_id", "task", "status", "data_id", "exception"];
const TITLES: Readonly<Record<ListKind, readonly string[]>> = {
  quanta: ["quantum ID", "task", "status", "data ID", "exception"],
  datasets: ["dataset ID", "dataset type", "produced", "data ID"],
  attempts: ["quantum ID", "task", "attempt", "status", "data ID", "exception"],
};

/** Columns for people. */
function tableWriter(kind: ListKind, style: Style, output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  const table = new TableWriter(
    TITLES[kind].map((title) => ({
      title,
      isElastic: title === "exception",
      align: title === "attempt" ? "right" : "left",
    })),
    (line) => buffer.write(line),
    { style },
  );
  return {
    add: (row) => table.add(tableCells(kind, row, style)),
    end: () => {
      table.end();
      buffer.flush();
    },
  };
}

function tableCells(kind: ListKind, row: ListedRow, style: Style): string[] {
  const { exception, produced } = row.fields;
  const dataId = cell(row, "data_id");
  if (kind === "datasets") {
    const isProduced = produced === null ? "-" : produced ? "yes" : style.yellow("no");
    return [cell(row, "dataset_id"), cell(row, "dataset_type"), isProduced, dataId];
  }
  return [
    cell(row, "quantum_id"),
    cell(row, "task"),
    ...(kind === "attempts" ? [cell(row, "attempt")] : []),
    statusText(cell(row, "status"), style),
    dataId,
    typeof exception === "string" ? exception.slice(exception.lastIndexOf(".") + 1) : "",
  ];
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
