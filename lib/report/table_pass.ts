/**
 * Takes quanta in from the table of a graph, column by column: nothing is made for each of a million. Only
 * tables of earlier releases don't tell of attempts before the last; then the documents of quanta with
 * several are read.
 *
 * @module
 */

import { Grower } from "../base/grower.ts";
import { IdTable } from "../base/id_table.ts";
import type { JsonValue } from "../base/json_text.ts";
import type { Progress, Stage } from "../base/progress.ts";
import { uuidToText } from "../base/uuid.ts";
import { quantumStatus } from "../provenance/documents/quantum.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import type { CodedColumn, IdColumn } from "../provenance/table/column_values.ts";
import { EARLIER_COLUMN } from "../provenance/table/table_columns.ts";
import type { QuantaTable, ValuesBatch } from "../provenance/table/quanta_table.ts";
import type { Address } from "../qg/address_file.ts";
import type { RowDimensions } from "../sources/rows.ts";
import type { TabledQuanta } from "../sources/table/tabled_quanta.ts";
import type { BlockedCounts } from "./failures/blocking.ts";
import { type AttemptFacts, hasUsage, type NamedQuantum, type UsageFacts } from "./facts.ts";
import { KIND_COLUMNS, kindsOf, type QuantumKind } from "./quantum_kinds.ts";

/** Columns that are read besides those of kinds, of dimensions, and of earlier attempts. */
const COLUMNS = [
  "quantum_id",
  "message",
  "blocked_by",
  "start",
  "prep_time",
  "init_time",
  "run_time",
  "run_time_cpu",
  "memory",
] as const;

/** Quanta of a kind, as they are counted. */
interface Tally<Part> {
  kind: QuantumKind;
  /** What is kept of their task. */
  part: Part;
  status: number;
  exceptionType: string | null;
  /** Of a place that one of them counts for. */
  fate: number;
  n: number;
}

/** What takes quanta in. */
export interface TableSink<Part, Cluster> {
  /** What is kept of a task. @throws {InvalidQuantumGraphFileError} if there is no such task. */
  partOf(quantum: NamedQuantum): Part;
  /** What became of a quantum whose last attempt has a status. */
  fateOf(status: number): number;
  /** Counts quanta that are alike. */
  addKind(kind: QuantumKind, n: number): void;
  /** Counts the quanta of rows by where they are. */
  addPlaces(
    label: string,
    values: readonly PlainColumn[],
    fates: Uint8Array,
    rows: { from: number; to: number },
  ): void;
  /** Takes an attempt in; its cluster, if it ended badly. */
  addAttempt(
    part: Part,
    quantum: NamedQuantum,
    i: number,
    isLast: boolean,
    attempt: AttemptFacts,
  ): Cluster | null;
  /** Takes in how a quantum ended that didn't succeed. @param number Among those that may block others. */
  addEnd(
    quantum: NamedQuantum,
    nAttempts: number,
    last: AttemptFacts,
    cluster: Cluster,
    number: number,
  ): void;
  /** Whether each quantum is looked at, to compare it with another run. */
  readonly isCompared: boolean;
  /** Looks at a quantum. */
  compare(quantum: NamedQuantum, status: number): void;
  /** Takes in attempts before the last, of a text of `earlier_attempts.ts`, or of a quantum's document. */
  addEarlier(part: Part, quantum: NamedQuantum, text: string): void;
  addEarlierOf(document: Uint8Array): void;
}

/** A column of a dimension. */
interface PlainColumn {
  codes: Uint32Array;
  values: readonly JsonValue[];
}

/** A row of a batch and its last attempt; it is another row whenever `row` is set. */
class RowFacts implements NamedQuantum, AttemptFacts {
  row = 0;
  taskLabel = "";
  status: number = AttemptStatus.UNKNOWN;
  /** Counted by kind. */
  readonly caveats = null;
  exceptionType: string | null = null;
  usage: UsageFacts | null = null;
  dimensions: readonly PlainColumn[] = [];
  readonly #ids: IdColumn;
  readonly #messages: CodedColumn;
  readonly #start: Float64Array | Int32Array;
  readonly #prep: Float64Array | Int32Array;
  readonly #init: Float64Array | Int32Array;
  readonly #run: Float64Array | Int32Array;
  readonly #cpu: Float64Array | Int32Array;
  readonly #memory: Float64Array | Int32Array;
  readonly #usage: UsageFacts = {
    memoryBytes: NaN,
    startMicros: NaN,
    prepSeconds: NaN,
    initSeconds: NaN,
    runSeconds: NaN,
    cpuSeconds: NaN,
  };

  constructor(batch: ValuesBatch) {
    this.#ids = batch.ids("quantum_id");
    this.#messages = batch.coded("message");
    this.#start = batch.numbers("start");
    this.#prep = batch.numbers("prep_time");
    this.#init = batch.numbers("init_time");
    this.#run = batch.numbers("run_time");
    this.#cpu = batch.numbers("run_time_cpu");
    this.#memory = batch.numbers("memory");
  }

  get quantumId(): string {
    return uuidToText(this.#ids.bytes, this.#ids.at[this.row]);
  }

  get values(): JsonValue[] {
    return this.dimensions.map(({ codes, values }) => values[codes[this.row]] ?? null);
  }

  get message(): string {
    return String(this.#messages.values[this.#messages.codes[this.row]] ?? "");
  }

  /** Goes to a row whose quantum was attempted. */
  readAttempt(row: number, { status, exceptionType }: Tally<unknown>): void {
    this.row = row;
    this.status = status;
    this.exceptionType = exceptionType;
    const usage = this.#usage;
    usage.startMicros = this.#start[row];
    usage.memoryBytes = this.#memory[row];
    usage.prepSeconds = this.#prep[row];
    usage.initSeconds = this.#init[row];
    usage.runSeconds = this.#run[row];
    usage.cpuSeconds = this.#cpu[row];
    this.usage = hasUsage(usage) ? usage : null;
  }
}

/** What blocked rows say of who blocks them. */
class BlockedTally {
  readonly #ids = new IdTable();
  readonly #nBlocked = new Grower<Uint32Array>(Uint32Array);
  #nUnexplained = 0;

  /** Number of the failed quantum of a row. */
  number({ bytes, at }: IdColumn, row: number): number {
    const number = this.#ids.add(bytes, at[row]);
    this.#nBlocked.reach(number);
    return number;
  }

  addBlocked(blockers: IdColumn, row: number): void {
    if (blockers.at[row] < 0) this.#nUnexplained++;
    else {
      const number = this.number(blockers, row);
      this.#nBlocked.array[number]++;
    }
  }

  counts(): BlockedCounts {
    return {
      nBlocked: this.#nBlocked.array.slice(0, this.#ids.n),
      nUnexplained: this.#nUnexplained,
    };
  }
}

/** One pass over a table. */
class TablePass<Part, Cluster> {
  readonly columns: readonly string[];
  readonly blocked = new BlockedTally();
  /** Numbers of rows whose earlier attempts only their documents tell. */
  readonly left = new Grower<Uint32Array>(Uint32Array);
  nLeft = 0;
  readonly #sink: TableSink<Part, Cluster>;
  readonly #tallies = new Map<string, Tally<Part>>();
  /** Names of the columns of the required dimensions of each task; empty for one that the table hasn't. */
  readonly #dimensions = new Map<string, string[]>();
  readonly #hasEarlier: boolean;

  constructor(table: QuantaTable, { groups }: RowDimensions, sink: TableSink<Part, Cluster>) {
    this.#sink = sink;
    for (const [label, { required }] of groups) {
      this.#dimensions.set(label, required.map((name) => table.dimensionColumn(name) ?? ""));
    }
    this.#hasEarlier = table.hasEarlierAttempts;
    const columns = new Set([...KIND_COLUMNS, ...COLUMNS, ...this.#dimensions.values()].flat());
    columns.delete("");
    this.columns = [...columns, ...(this.#hasEarlier ? [EARLIER_COLUMN.name] : [])];
  }

  takeBatch(batch: ValuesBatch): void {
    const ids = batch.ids("quantum_id");
    const blockers = batch.ids("blocked_by");
    const attempts = batch.numbers("attempts");
    const earlier = this.#hasEarlier ? batch.coded(EARLIER_COLUMN.name) : null;
    const facts = new RowFacts(batch);
    const fates = new Uint8Array(batch.nRows);
    const places = new TaskRows(batch, this.#dimensions);
    const tallyAt = kindsOf(batch, (kind, key, row) => {
      facts.row = row;
      return this.#tallyOf(kind, key, facts);
    });
    const sink = this.#sink;
    for (let row = 0; row < batch.nRows; row++) {
      const tally = tallyAt(row);
      tally.n++;
      fates[row] = tally.fate;
      if (tally.kind.taskLabel !== facts.taskLabel || row === 0) {
        this.#addPlaces(places, fates, row);
        facts.taskLabel = tally.kind.taskLabel;
        facts.dimensions = places.begin(facts.taskLabel, row);
      }
      const n = attempts[row];
      if (n === 0) {
        this.blocked.addBlocked(blockers, row);
      } else {
        facts.readAttempt(row, tally);
        const cluster = sink.addAttempt(tally.part, facts, n - 1, true, facts);
        if (tally.status !== AttemptStatus.SUCCESSFUL) {
          sink.addEnd(facts, n, facts, cluster!, this.blocked.number(ids, row));
        }
        if (n > 1) this.#addEarlier(tally.part, facts, earlier, batch.start);
      }
      if (sink.isCompared) {
        facts.row = row;
        sink.compare(facts, tally.status);
      }
    }
    this.#addPlaces(places, fates, batch.nRows);
  }

  /** All kinds that were met. */
  tallies(): Iterable<Tally<Part>> {
    return this.#tallies.values();
  }

  #tallyOf(kind: QuantumKind, key: string, quantum: RowFacts): Tally<Part> {
    let tally = this.#tallies.get(key);
    if (tally !== undefined) return tally;
    const { taskLabel } = kind;
    const { quantumId } = quantum;
    const part = this.#sink.partOf({ taskLabel, quantumId, values: [] });
    const status = quantumStatus(kind);
    const exceptionType = kind.attempts.at(-1)?.exceptionType ?? null;
    tally = { kind, part, status, exceptionType, fate: this.#sink.fateOf(status), n: 0 };
    this.#tallies.set(key, tally);
    return tally;
  }

  /** The rows of a task end. */
  #addPlaces({ label, columns, from }: TaskRows, fates: Uint8Array, to: number): void {
    if (to > from) this.#sink.addPlaces(label, columns, fates, { from, to });
  }

  #addEarlier(
    part: Part,
    facts: RowFacts,
    column: CodedColumn | null,
    firstRow: number,
  ): void {
    const text = column === null ? null : column.values[column.codes[facts.row]];
    if (typeof text === "string") {
      this.#sink.addEarlier(part, facts, text);
    } else this.left.reach(this.nLeft)[this.nLeft++] = firstRow + facts.row;
  }
}

/** Consecutive rows of one task in a batch. */
class TaskRows {
  label = "";
  columns: readonly PlainColumn[] = [];
  from = 0;
  readonly #batch: ValuesBatch;
  readonly #dimensions: ReadonlyMap<string, readonly string[]>;

  constructor(batch: ValuesBatch, dimensions: ReadonlyMap<string, readonly string[]>) {
    this.#batch = batch;
    this.#dimensions = dimensions;
  }

  /** Begins with those of another task. @returns their columns. */
  begin(label: string, row: number): readonly PlainColumn[] {
    this.label = label;
    this.from = row;
    const names = this.#dimensions.get(label) ?? [];
    return this.columns = names.map((name) =>
      name === ""
        ? { codes: new Uint32Array(this.#batch.nRows), values: [null] }
        : this.#batch.coded(name) as PlainColumn
    );
  }
}

/** Passes over the table. Memory: one group of rows, and 4 bytes for each quantum with several attempts. */
export async function takeTable<Part, Cluster>(
  { table, documents }: TabledQuanta,
  dimensions: RowDimensions,
  progress: Progress,
  sink: TableSink<Part, Cluster>,
): Promise<BlockedCounts> {
  const stage: Stage = {
    name: "read",
    unit: "quanta",
    nDone: 0,
    nTotal: table.nRows,
    state: "running",
  };
  using watch = progress.watch(() => [stage], "VERBOSE");
  const pass = new TablePass(table, dimensions, sink);
  for await (const batch of table.readValues(pass.columns)) {
    pass.takeBatch(batch);
    stage.nDone += batch.nRows;
    watch.update();
  }
  for (const { kind, n } of pass.tallies()) sink.addKind(kind, n);
  if (pass.nLeft > 0) {
    const addresses = await addressesOf(table, pass.left.array.subarray(0, pass.nLeft));
    for await (const text of documents(addresses)) {
      sink.addEarlierOf(text);
      watch.update();
    }
  }
  stage.state = "done";
  return pass.blocked.counts();
}

/** Where the documents of rows are, in the order of the file. @param rows Ascending. */
async function addressesOf(table: QuantaTable, rows: Uint32Array): Promise<Address[]> {
  const addresses: Address[] = [];
  let next = 0;
  const batches = table.readValues(
    ["document_offset", "document_size"],
    ({ start, nRows }) => next < rows.length && rows[next] < start + nRows,
  );
  for await (const batch of batches) {
    const offsets = batch.numbers("document_offset");
    const sizes = batch.numbers("document_size");
    for (; next < rows.length && rows[next] < batch.start + batch.nRows; next++) {
      const row = rows[next] - batch.start;
      addresses.push({ offset: offsets[row], size: sizes[row] });
    }
  }
  return addresses.sort((a, b) => a.offset - b.offset);
}
