/** `ls`: the rows that its options ask for, in the order that they ask for, written out. @module */

import { UsageError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { nearestHint } from "../../base/text/nearest.ts";
import type { RowKind } from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { CommandContext } from "../context.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { withPager } from "../terminal/pager.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { parseStatus } from "../values.ts";
import { jsonWriter, type ListKind, TABLE_FIELDS, tableWriter, tabWriter } from "./list_output.ts";
import type { ListedRow } from "../../inspect/list/listed_row.ts";

/** What is said of the rows that are wanted: the options of `ls`. */
export interface ListWords {
  /** Empty for all, as those below. */
  task: readonly string[];
  type: readonly string[];
  status: readonly string[];
  exception?: string;
  where?: string;
  fields?: readonly string[];
  sort?: readonly string[];
  count: boolean;
  json: boolean;
  limit?: number;
}

/** What listing needs of a command's surroundings. */
type ListContext = Pick<
  CommandContext,
  "env" | "isPagerWanted" | "log" | "openPager" | "stopGracefully" | "style" | "terminal"
>;

/** Rows that are put in order if nothing is said of it; so many take 0.2 GB. */
const MAX_ORDERED = 200_000;

/** Rows between two looks at what still waits for the pager. */
const DRAINED_ROWS = 1000;

/** Fields by which rows are put in order, whatever else they are sorted by. */
const ORDER_FIELDS = ["quantum_id", "task", "data_id"];

/** Refuses what can't be listed. @throws {UsageError} */
export async function checkListWords(kind: ListKind, options: ListWords): Promise<void> {
  requireFields(options.fields, await fieldsOf(kind), kind);
  if (options.count && options.fields !== undefined) {
    throw new UsageError("Cannot count and print fields: --count excludes --fields");
  }
}

/** Writes what fits. @throws {UsageError} if an option has a value that nobody understands. */
export async function printList(
  source: DocumentSource,
  kind: ListKind,
  options: ListWords,
  context: ListContext,
): Promise<void> {
  const rows = await chosenRows(source, kind, options, context.log);
  if (options.count) return await printCount(rows, options, context.terminal);
  const known = await fieldsOf(kind);
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

async function fieldsOf(kind: ListKind): Promise<readonly string[]> {
  if (kind === "attempts") {
    return (await import(
      import.meta.resolve("../../inspect/list/list_attempts.ts")
    ) as typeof import("../../inspect/list/list_attempts.ts")).ATTEMPT_FIELDS;
  }
  const { DATASET_FIELDS, QUANTUM_FIELDS } = await import(
    import.meta.resolve("../../inspect/list/list_fields.ts")
  ) as typeof import("../../inspect/list/list_fields.ts");
  return kind === "quanta" ? QUANTUM_FIELDS : DATASET_FIELDS;
}

/** Rows that fit, in the order that is wanted. */
async function chosenRows(
  source: DocumentSource,
  kind: ListKind,
  options: ListWords,
  log: Log,
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
  options: ListWords,
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
async function neededFields(kind: RowKind, options: ListWords): Promise<readonly string[]> {
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
  { json }: ListWords,
  terminal: Terminal,
): Promise<void> {
  let n = 0;
  for await (const _ of rows) n++;
  terminal.write(json ? jsonLine("count", { n }) : `${n}\n`);
}
