/**
 * Comparing what the tool made with what the reference made. Differences that are intended are
 * listed in `schema/quantum-graph.md`; the functions here allow exactly those.
 *
 * @module
 */

import type { JsonValue } from "../../lib/base/json_text.ts";
import type { RepositoryState, StateRow } from "./dump_state.ts";
import { CANONICAL, pythonFloatFromText, pythonJson } from "./python_json.ts";

const MAX_SHOWN = 12;

function show(value: unknown): string {
  const text = value === undefined ? "(absent)" : pythonJson(value as JsonValue, CANONICAL);
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Says whether two values that are not equal may differ, at the place named by `path`. */
export type Tolerance = (actual: unknown, expected: unknown, path: string) => boolean;

/**
 * Lists how two JSON values differ, `-` for expected and `+` for actual, in the order met.
 * Order counts in arrays; where much differs, elements that only one side has are listed instead.
 */
export function jsonDifferences(
  actual: unknown,
  expected: unknown,
  tolerance: Tolerance = () => false,
  path = "$",
  found: string[] = [],
): string[] {
  if (Object.is(actual, expected) || (actual === 0 && expected === 0)) return found;
  if (isObject(actual) && isObject(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      jsonDifferences(actual[key], expected[key], tolerance, `${path}.${key}`, found);
    }
    return found;
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    const here: string[] = [];
    if (actual.length === expected.length) {
      actual.forEach((a, i) => jsonDifferences(a, expected[i], tolerance, `${path}[${i}]`, here));
      // A few elements differ: say where. Otherwise one is probably missing and all are shifted.
      if (here.length <= MAX_SHOWN) return push(found, here);
    }
    const asSets = setDifferences(actual, expected, path);
    return push(found, asSets.length > 0 ? asSets : here);
  }
  if (tolerance(actual, expected, path)) return found;
  found.push(`${path} - ${show(expected)}`, `${path} + ${show(actual)}`);
  return found;
}

function push(found: string[], more: string[]): string[] {
  for (const line of more) found.push(line);
  return found;
}

/** Elements that only one of two arrays has. */
function setDifferences(actual: unknown[], expected: unknown[], path: string): string[] {
  const left = new Map<string, number>();
  for (const e of expected) {
    const key = pythonJson(e as JsonValue);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  const found: string[] = [];
  for (const a of actual) {
    const key = pythonJson(a as JsonValue);
    const n = left.get(key) ?? 0;
    if (n === 0) found.push(`${path}[] + ${show(a)}`);
    else if (n === 1) left.delete(key);
    else left.set(key, n - 1);
  }
  for (const [key, n] of left) {
    found.push(`${path}[] - ${key.slice(0, 400)}${n > 1 ? ` (${n} times)` : ""}`);
  }
  return found;
}

/**
 * Checks that two JSON values are equal, numbers by value (`1` and `1.0` are the same, 64-bit
 * integers exact, NaN equals NaN).
 *
 * @throws {Error} with the first differences.
 */
export function assertJsonEqual(
  actual: unknown,
  expected: unknown,
  what: string,
  tolerance?: Tolerance,
): void {
  const found = jsonDifferences(actual, expected, tolerance);
  if (found.length === 0) return;
  const more = found.length > MAX_SHOWN ? `\n... and ${found.length - MAX_SHOWN} more` : "";
  throw new Error(
    `${what} differs (- expected, + actual):\n${found.slice(0, MAX_SHOWN).join("\n")}${more}`,
  );
}

/** Checks that a repository is in the expected state. */
export function assertStateEqual(
  actual: RepositoryState,
  expected: JsonValue | RepositoryState,
  what = "repository state",
): void {
  assertJsonEqual(actual, expected, what);
}

/**
 * Checks that a provenance graph says what it should, the `volatile` member aside.
 *
 * One difference is intended: values in an attempt's `exception.metadata` keep the type that the
 * task wrote, where the reference has turned them into floats (`schema/quantum-graph.md`, section
 * 8.5).
 */
export function assertGraphEqual(
  actual: unknown,
  expected: unknown,
  what = "provenance graph",
): void {
  assertJsonEqual(withoutVolatile(actual), withoutVolatile(expected), what, exceptionMetadata);
}

/**
 * Members that only this tool writes, which readers ignore (`schema/quantum-graph.md`, section 9).
 */
const OUR_MEMBERS: readonly unknown[] = [
  "blocks.checked (stored)",
  "quanta.files (stored)",
  "quanta.parquet (stored)",
];

function withoutVolatile(graph: unknown): unknown {
  const { volatile: _volatile, ...rest } = graph as Record<string, unknown>;
  const { members } = rest;
  return Array.isArray(members)
    ? { ...rest, members: members.filter((name) => !OUR_MEMBERS.includes(name)) }
    : rest;
}

const exceptionMetadata: Tolerance = (actual, expected, path) => {
  if (!/\.exception\.metadata\.[^.]+$/.test(path) || typeof expected !== "number") return false;
  if (typeof actual === "boolean") return Number(actual) === expected;
  if (typeof actual === "bigint") return Number(actual) === expected;
  return typeof actual === "string" && pythonFloatFromText(actual) === expected;
};

interface GraphDataset {
  dataset_id: string;
  dataset_type: string;
  run: string;
  produced: boolean;
  produced_as_inferred_by_reader: boolean;
}

/**
 * Ids of the logs that the reference registers although they were never written: it takes every
 * failed quantum to have one (design, section 4).
 *
 * @param graph dump of the reference's provenance graph.
 */
export function logsNeverWritten(graph: JsonValue): Set<string> {
  const { datasets } = graph as unknown as { datasets: GraphDataset[] };
  return new Set(
    datasets
      .filter((d) => !d.produced && d.produced_as_inferred_by_reader)
      .map((d) => d.dataset_id),
  );
}

/**
 * What this tool leaves where the reference leaves `ingested` (design, end of section 4): no rows
 * of logs never written, no summary rows that only those cause, no empty directories.
 *
 * @param ingested state after the reference's `ingest-graph`.
 * @param before state that it started from.
 * @param never ids of the logs never written.
 * @param run RUN collection of the graph.
 */
export function expectedIngested(
  ingested: JsonValue,
  before: JsonValue,
  never: ReadonlySet<string>,
  run: string,
): RepositoryState {
  const state = ingested as unknown as RepositoryState;
  const tablesBefore = (before as unknown as RepositoryState).tables;
  const isOther = (row: StateRow) => !never.has((row.dataset_id ?? row.id) as string);
  const tables: RepositoryState["tables"] = {};
  for (const [name, rows] of Object.entries(state.tables)) {
    const isPerDataset = /^dataset(_tags\{.*|_location)?$|_datastore_records$/.test(name);
    tables[name] = isPerDataset ? rows.filter(isOther) : rows;
  }
  for (const name of Object.keys(tables)) {
    const [, column] = /^collection_summary_(.*)$/.exec(name) ?? [];
    if (column === undefined) continue;
    const hadBefore = new Set(tablesBefore[name].map((row) => `${row.collection} ${row[column]}`));
    const held = heldValues(tables, column, run);
    tables[name] = tables[name].filter((row) =>
      row.collection !== run || held.has(row[column]) ||
      hadBefore.has(`${row.collection} ${row[column]}`)
    );
  }
  return {
    ...state,
    tables,
    empty_directories: state.empty_directories.filter((path) =>
      !(path.startsWith(`${run}/`) &&
        /_(log|metadata|config)$/.test(path.slice(run.length + 1).split("/")[0]))
    ),
  };
}

/** Dataset types, or values of a governor dimension, that datasets of a run have. */
function heldValues(
  tables: RepositoryState["tables"],
  column: string,
  run: string,
): Set<JsonValue> {
  const values = new Set<JsonValue>();
  for (const [name, rows] of Object.entries(tables)) {
    if (!name.startsWith("dataset_tags{")) continue;
    for (const row of rows) if (row.collection === run) values.add(row[column]);
  }
  return values;
}
