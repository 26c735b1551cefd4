/**
 * `ls`: quanta or datasets that fit, one after another.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import {
  lastAttempt,
  type QuantumDocument,
  readQuantum,
} from "../../provenance/documents/quantum.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { lastStatusName } from "../../sources/quantum_text.ts";
import {
  dataIdObject,
  type DatasetRow,
  type QuantumWish,
  type RowDimensions,
  WISH_FIELDS,
} from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import { attemptValues, isNamed } from "./attempt_fields.ts";
import {
  DATASET_FIELDS,
  FIELD_TYPES,
  type ListOptions,
  QUANTUM_FIELDS,
  requireKnown,
} from "./list_fields.ts";
import type { ListedRow } from "./listed_row.ts";
import { tabledRows } from "./tabled_rows.ts";
import { parseWhere, type WhereTest, type WhereValue } from "./where_expression.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/**
 * Rows that fit, in the order of the source. Memory: one row.
 *
 * @throws {UsageError} if options don't fit what is listed; an expression's error shows its column.
 * @throws {NotFoundError} for a task or dataset type that the source doesn't have.
 */
export async function* list(
  source: DocumentSource,
  options: ListOptions,
): AsyncGenerator<ListedRow> {
  check(options, source);
  const dimensions = await source.rowDimensions(options.kind);
  const rows = options.kind === "quanta"
    ? listQuanta(source, options, dimensions)
    : listDatasets(source, options, dimensions);
  let n = 0;
  if (options.limit === 0) return;
  for await (const row of rows) {
    yield row;
    if (++n === options.limit) return;
  }
}

function check({ kind, types, statuses, exception }: ListOptions, source: DocumentSource): void {
  if (kind === "quanta" && types.length > 0) {
    throw new UsageError("Cannot list quanta by dataset type: --type is for datasets", {
      hint: "give --task",
    });
  }
  if (kind === "datasets" && (statuses.length > 0 || exception !== null)) {
    throw new UsageError(
      "Cannot list datasets by status or exception: these are attributes of quanta",
      { hint: "--where 'produced = false' lists datasets that were not written" },
    );
  }
  if (source.isPlan && (statuses.length > 0 || exception !== null)) {
    throw new UsageError(
      `Cannot list quanta of ${source.name} by status or exception: they have not been run`,
      { hint: "give the provenance graph or the repository" },
    );
  }
}

async function* listQuanta(
  source: DocumentSource,
  options: ListOptions,
  dimensions: RowDimensions,
): AsyncGenerator<ListedRow> {
  const { tasks, statuses, exception } = options;
  requireKnown(tasks, [...dimensions.groups.keys()], "task", source.name);
  const test = makeTest(options, dimensions, QUANTUM_FIELDS);
  const fitsException = (name: string | undefined): boolean =>
    exception === null || isNamed(name, exception);
  const wish = wishOf(options, test, fitsException);
  if (options.fields !== undefined && (test === null || test.isTabled)) {
    const tabled = await tabledRows(source, wish ?? ALL_QUANTA, options.fields, dimensions);
    if (tabled !== null) return yield* tabled;
  }
  for await (const text of source.quanta(wish)) {
    const quantum = parseStored(`quantum in ${source.name}`, () => readQuantum(text));
    if (tasks.length > 0 && !tasks.includes(quantum.taskLabel)) continue;
    const status = source.isPlan ? null : lastStatusName(quantum);
    if (statuses.length > 0 && (status === null || !statuses.includes(status))) continue;
    if (!fitsException(lastAttempt(quantum)?.exception?.typeName)) continue;
    const row = quantumRow(quantum, status, dimensions.groups.get(quantum.taskLabel));
    if (test === null || test.fits(row)) yield row;
  }
}

/** What a source may leave out of the quanta; undefined if all are listed. */
function wishOf(
  { tasks, statuses, exception }: ListOptions,
  test: RowTest | null,
  fitsException: (name: string | undefined) => boolean,
): QuantumWish | undefined {
  // What a table hasn't, or not to the letter, is tested on the documents alone.
  const isTested = test?.isTabled ?? false;
  if (tasks.length + statuses.length === 0 && exception === null && !isTested) return undefined;
  const names = new Set(isTested ? [...test!.fields, ...test!.dimensions] : []);
  if (exception !== null) names.add("exception");
  return {
    tasks,
    statuses,
    names: [...names],
    mayFit: (value) =>
      (exception === null ||
        fitsException(value("exception") as string | undefined ?? undefined)) &&
      (!isTested || test!.test({ value }) === true),
  };
}

async function* listDatasets(
  source: DocumentSource,
  options: ListOptions,
  dimensions: RowDimensions,
): AsyncGenerator<ListedRow> {
  const types = await wantedTypes(source, options, dimensions);
  const test = makeTest(options, dimensions, DATASET_FIELDS);
  const implied = new Set([...dimensions.groups.values()].flatMap((group) => group.implied));
  const withImplied = options.where !== null &&
    [...implied].some((name) => options.where!.includes(name));
  for await (const dataset of source.datasets({ types, withImplied })) {
    const row = datasetRow(dataset, dimensions.groups.get(dataset.typeName));
    if (test === null || test.fits(row)) yield row;
  }
}

/** Types asked for: those named and those that the tasks named write. Null for all. */
async function wantedTypes(
  source: DocumentSource,
  { tasks, types }: ListOptions,
  dimensions: RowDimensions,
): Promise<ReadonlySet<string> | null> {
  requireKnown(types, [...dimensions.groups.keys()], "dataset type", source.name);
  if (tasks.length === 0) return types.length === 0 ? null : new Set(types);
  const ofTasks = new Set<string>();
  for (const label of tasks) {
    const names = await source.outputTypes(label);
    if (names === null) requireKnown([label], await source.taskLabels(), "task", source.name);
    for (const name of names ?? []) ofTasks.add(name);
  }
  return types.length === 0 ? ofTasks : new Set(types.filter((name) => ofTasks.has(name)));
}

/** A parsed expression. */
interface RowTest {
  test: WhereTest;
  fits(row: ListedRow): boolean;
  /** Names in it. */
  dimensions: ReadonlySet<string>;
  fields: ReadonlySet<string>;
  /** Whether a table has all these fields, to the letter. */
  isTabled: boolean;
}

const ALL_QUANTA: QuantumWish = { tasks: [], statuses: [], names: [], mayFit: () => true };

function makeTest(
  { where }: ListOptions,
  dimensions: RowDimensions,
  fields: readonly string[],
): RowTest | null {
  if (where === null) return null;
  const { test, ...used } = parseUsed(where, dimensions, fields);
  const dimensionNames = namesOf(dimensions);
  const fits = (row: ListedRow): boolean => {
    const dataId = row.fields.data_id as { [dimension: string]: JsonValue };
    const value = (name: string) =>
      (dimensionNames.has(name) ? dataId[name] : row.fields[name]) as WhereValue;
    return test({ value }) === true;
  };
  const isTabled = [...used.fields].every((name) => WISH_FIELDS.includes(name));
  return { test, fits, isTabled, ...used };
}

/**
 * Parses an expression about rows: it may use dimensions, which win, and these fields.
 *
 * @throws {UsageError} pointing at the column where it can't be understood.
 */
export function parseRowWhere(
  where: string,
  dimensions: RowDimensions,
  fields: readonly string[],
): WhereTest {
  return parseUsed(where, dimensions, fields).test;
}

/** The same with the names that the expression uses. */
function parseUsed(
  where: string,
  dimensions: RowDimensions,
  fields: readonly string[],
): Omit<RowTest, "fits" | "isTabled"> {
  const dimensionNames = namesOf(dimensions);
  const used = { dimensions: new Set<string>(), fields: new Set<string>() };
  const test = parseWhere(where, {
    names: [...dimensionNames, ...fields.filter((name) => FIELD_TYPES[name] !== undefined)],
    typeOf: (name) => {
      used[dimensionNames.has(name) ? "dimensions" : "fields"].add(name);
      if (dimensionNames.has(name)) return dimensions.universe.keyType(name).type;
      return fields.includes(name) ? FIELD_TYPES[name] ?? null : null;
    },
  });
  return { test, ...used };
}

function namesOf({ groups }: RowDimensions): Set<string> {
  return new Set([...groups.values()].flatMap((group) => group.names));
}

function quantumRow(
  quantum: QuantumDocument,
  status: string | null,
  group: DimensionGroup | undefined,
): ListedRow {
  const count = (edges: ReadonlyMap<string, readonly string[]>) =>
    new Set([...edges.values()].flat()).size;
  const fields = {
    quantum_id: quantum.quantumId,
    task: quantum.taskLabel,
    status,
    data_id: dataIdObject(group, quantum.dataCoordinate),
    attempts: status === null ? null : quantum.attempts.length,
    ...attemptValues(lastAttempt(quantum)),
    n_inputs: count(quantum.inputs),
    n_outputs: count(quantum.outputs),
  };
  return { fields, requiredDimensions: group?.required ?? [] };
}

function datasetRow(row: DatasetRow, group: DimensionGroup | undefined): ListedRow {
  const fields = {
    dataset_id: row.datasetId,
    dataset_type: row.typeName,
    data_id: dataIdObject(group, row.dataCoordinate),
    run: row.run,
    produced: row.produced,
    producer: row.producer,
    n_consumers: row.nConsumers,
    path: row.path,
  };
  return { fields, requiredDimensions: group?.required ?? [] };
}
