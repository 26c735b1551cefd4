/**
 * The tables that `export` makes of sources: their columns, and their rows one after another. What each
 * column means is told in `schema/export.md`.
 *
 * @module
 */

import { END_OF_TIME, FIRST_TIME, parseIsoTime } from "../base/iso_time.ts";
import type { JsonValue } from "../base/json_text.ts";
import {
  type Attempt,
  lastAttempt,
  type QuantumDocument,
  readQuantum,
} from "../provenance/documents/quantum.ts";
import { attemptStatusName } from "../provenance/quantum_status.ts";
import { parseStored } from "../sources/parse_stored.ts";
import { lastStatusName } from "../sources/quantum_text.ts";
import type { RowKind } from "../sources/rows.ts";
import type { DocumentSource } from "../sources/source.ts";
import type { ExportTable } from "./export_names.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** What a column holds: times are microseconds since 1970 UTC. Any value may be null. */
export type ExportType = "string" | "int" | "double" | "boolean" | "time";

/** A column. */
export interface ExportColumn {
  name: string;
  type: ExportType;
}

/** A value, as its column's type says; integers beyond 2^53 are `bigint`. */
export type ExportValue = string | number | bigint | boolean | null;

const USAGE: readonly ExportColumn[] = [
  { name: "start", type: "time" },
  { name: "prep_time", type: "double" },
  { name: "init_time", type: "double" },
  { name: "run_time", type: "double" },
  { name: "run_time_cpu", type: "double" },
  { name: "memory", type: "double" },
];
const FAILURE: readonly ExportColumn[] = [
  { name: "caveats", type: "int" },
  { name: "exception", type: "string" },
  { name: "message", type: "string" },
];
const QUANTUM: readonly ExportColumn[] = [
  { name: "run", type: "string" },
  { name: "quantum_id", type: "string" },
  { name: "task", type: "string" },
];
const STATUS: readonly ExportColumn[] = [
  { name: "status", type: "string" },
  { name: "attempts", type: "int" },
];

/** Columns before and behind those of dimensions. */
const COLUMNS: Record<
  ExportTable,
  [before: readonly ExportColumn[], behind: readonly ExportColumn[]]
> = {
  quanta: [QUANTUM, [
    ...STATUS,
    ...FAILURE,
    ...USAGE,
    { name: "n_inputs", type: "int" },
    { name: "n_outputs", type: "int" },
  ]],
  attempts: [QUANTUM, [
    { name: "attempt", type: "int" },
    { name: "status", type: "string" },
    ...FAILURE,
    ...USAGE,
  ]],
  datasets: [[
    { name: "run", type: "string" },
    { name: "dataset_id", type: "string" },
    { name: "dataset_type", type: "string" },
  ], [
    { name: "produced", type: "boolean" },
    { name: "producer", type: "string" },
    { name: "n_consumers", type: "int" },
    { name: "path", type: "string" },
  ]],
  edges: [[
    { name: "run", type: "string" },
    { name: "quantum_id", type: "string" },
    { name: "dataset_id", type: "string" },
    { name: "connection", type: "string" },
    { name: "direction", type: "string" },
  ], []],
  resources: [QUANTUM, [...STATUS, ...USAGE]],
};

/** Which rows a table has dimensions of. */
function dimensionsOf(table: ExportTable): RowKind | null {
  if (table === "edges") return null;
  return table === "datasets" ? "datasets" : "quanta";
}

/** A table of some sources, before its rows are read. */
export class TableOfSources {
  readonly columns: readonly ExportColumn[];
  readonly #table: ExportTable;
  readonly #sources: readonly DocumentSource[];
  readonly #dimensions: readonly string[];

  private constructor(
    table: ExportTable,
    sources: readonly DocumentSource[],
    dimensions: ReadonlyMap<string, ExportType>,
  ) {
    const [before, behind] = COLUMNS[table];
    const taken = new Set([...before, ...behind].map(({ name }) => name));
    this.#table = table;
    this.#sources = sources;
    this.#dimensions = [...dimensions.keys()];
    const columns = [...dimensions].map(([name, type]): ExportColumn => ({
      name: taken.has(name) ? `dimension_${name}` : name,
      type,
    }));
    this.columns = [...before, ...columns, ...behind];
  }

  /**
   * Finds the columns: those of the table, and one for each dimension that any of the sources has.
   *
   * @throws {RefusedError} if a source doesn't know what the table is of.
   */
  static async open(
    table: ExportTable,
    sources: readonly DocumentSource[],
  ): Promise<TableOfSources> {
    const dimensions = new Map<string, ExportType>();
    const kind = dimensionsOf(table);
    for (const source of kind === null ? [] : sources) {
      const { groups, universe } = await source.rowDimensions(kind!);
      const names = universe.group([...groups.values()].flatMap((group) => group.names)).names;
      for (const name of names) dimensions.set(name, universe.keyType(name).type);
    }
    return new TableOfSources(table, sources, dimensions);
  }

  /** Rows of all sources, one source after the other, as they are stored there. Memory: one row. */
  async *rows(): AsyncGenerator<ExportValue[]> {
    for (const source of this.#sources) {
      if (this.#table === "datasets") yield* this.#datasetRows(source);
      else yield* this.#quantumRows(source);
    }
  }

  async *#quantumRows(source: DocumentSource): AsyncGenerator<ExportValue[]> {
    const groups = dimensionsOf(this.#table) === null
      ? new Map<string, DimensionGroup>()
      : (await source.rowDimensions("quanta")).groups;
    const run = source.run ?? (await runOf(source));
    for await (const text of source.quanta()) {
      const view = parseStored(`quantum in ${source.name}`, () => readQuantum(text));
      const dataId = this.#values(groups.get(view.taskLabel), view.dataCoordinate);
      const head = [run, view.quantumId, view.taskLabel, ...dataId];
      switch (this.#table) {
        case "quanta":
          yield [...head, ...quantumValues(view, source.isPlan)];
          break;
        case "attempts":
          for (const [i, attempt] of view.attempts.entries()) {
            yield [...head, i, attemptStatusName(attempt.status), ...attemptValues(attempt)];
          }
          break;
        case "resources":
          if (lastAttempt(view)?.usage != null) {
            const status = [lastStatusName(view), view.attempts.length];
            yield [...head, ...status, ...usageValues(lastAttempt(view))];
          }
          break;
        case "edges":
          yield* edgeRows(run, view);
      }
    }
  }

  async *#datasetRows(source: DocumentSource): AsyncGenerator<ExportValue[]> {
    const { groups } = await source.rowDimensions("datasets");
    for await (const row of source.datasets({ types: null, withImplied: true })) {
      const dataId = this.#values(groups.get(row.typeName), row.dataCoordinate);
      yield [
        row.run,
        row.datasetId,
        row.typeName,
        ...dataId,
        row.produced,
        row.producer,
        row.nConsumers,
        row.path,
      ];
    }
  }

  /** Values of a data ID in the order of the columns. */
  #values(group: DimensionGroup | undefined, coordinate: readonly JsonValue[]): ExportValue[] {
    const values = new Map<string, ExportValue>();
    const names = group === undefined ? [] : [...group.required, ...group.implied];
    names.forEach((name, i) => values.set(name, scalar(coordinate[i])));
    return this.#dimensions.map((name) => values.get(name) ?? null);
  }
}

/** The RUN of what has been read of a repository without being told one. */
async function runOf(source: DocumentSource): Promise<string> {
  const header: unknown = JSON.parse(new TextDecoder().decode(await source.header()));
  return String((header as { output_run?: unknown }).output_run ?? "");
}

function scalar(value: JsonValue | undefined): ExportValue {
  return value === undefined || typeof value === "object" ? null : value;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function quantumValues(view: QuantumDocument, isPlan: boolean): ExportValue[] {
  const count = (edges: ReadonlyMap<string, readonly string[]>) =>
    new Set([...edges.values()].flat()).size;
  return [
    isPlan ? null : lastStatusName(view),
    isPlan ? null : view.attempts.length,
    ...attemptValues(lastAttempt(view)),
    count(view.inputs),
    count(view.outputs),
  ];
}

function attemptValues(attempt: Attempt | null): ExportValue[] {
  return [
    attempt?.caveats ?? null,
    attempt?.exception?.typeName ?? null,
    attempt?.exception?.message ?? null,
    ...usageValues(attempt),
  ];
}

function usageValues(attempt: Attempt | null): ExportValue[] {
  const usage = attempt?.usage ?? undefined;
  return [
    usage === undefined ? null : timeOf(usage.start),
    finite(usage?.prepTime),
    finite(usage?.initTime),
    finite(usage?.runTime),
    finite(usage?.cpuSeconds),
    finite(usage?.memory),
  ];
}

/** Null for what is no time that readers of tables know. */
function timeOf(text: string): number | null {
  const micros = parseIsoTime(text);
  return micros !== null && micros >= FIRST_TIME && micros < END_OF_TIME ? micros : null;
}

function* edgeRows(run: string, view: QuantumDocument): Generator<ExportValue[]> {
  for (const [direction, edges] of [["input", view.inputs], ["output", view.outputs]] as const) {
    for (const [connection, ids] of edges) {
      for (const id of ids) yield [run, view.quantumId, id, connection, direction];
    }
  }
}
