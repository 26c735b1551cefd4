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
import type { RowDimensions } from "../sources/rows.ts";
import type { TabledQuanta } from "../sources/table/tabled_quanta.ts";
import type { QuantumKind } from "./counts.ts";
import type { BlockedCounts } from "./failures/blocking.ts";
import { type AttemptFacts, hasUsage, type NamedQuantum, type UsageFacts } from "./facts.ts";
import type { AttemptsOf, UsageColumns } from "./usage_totals.ts";
import { KIND_COLUMNS, kindsOf } from "./quantum_kinds.ts";
import type { Address } from "../qg/address_rows.ts";

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

/** How the last attempt ended: badly with an exception, too, though it succeeded. */
const ENDS = { notRun: 0, well: 1, badly: 2 } as const;

/** Quanta of a kind, as they are counted. */
interface Tally<Part> {
  kind: QuantumKind;
  /** What is kept of their task. */
  part: Part;
  status: number;
  exceptionType: string | null;
  hasFailed: boolean;
  /** How the last attempt ended, one of {@linkcode ENDS}. */
  end: number;
  /** Of a place that one of them counts for. */
  fate: number;
  n: number;
}

/** What takes quanta in. */
export interface TableSink<Part> {
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
  /** Takes in what the last attempts of rows took; seconds that each ran, from the first row on. */
  addUsage(
    part: Part,
    columns: UsageColumns,
    rows: { from: number; to: number },
    whose: AttemptsOf,
  ): Float64Array;
  /**
   * Takes in how the last of `n` attempts ended that failed or had an exception.
   *
   * @param number Among those that may block others; -1 for one that succeeded.
   */
  addEnd(
    part: Part,
    quantum: NamedQuantum & AttemptFacts,
    n: number,
    ran: number,
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
  readonly #columns: UsageColumns;
  readonly #usage: UsageFacts = {
    memoryBytes: NaN,
    startMicros: NaN,
    prepSeconds: NaN,
    initSeconds: NaN,
    runSeconds: NaN,
    cpuSeconds: NaN,
  };

  constructor(batch: ValuesBatch, columns: UsageColumns) {
    this.#ids = batch.ids("quantum_id");
    this.#messages = batch.coded("message");
    this.#columns = columns;
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
  readAttempt(
    row: number,
    { status, exceptionType }: Pick<Tally<unknown>, "status" | "exceptionType">,
  ): void {
    this.row = row;
    this.status = status;
    this.exceptionType = exceptionType;
    const usage = this.#usage;
    const { start, memory, prep, init, run, cpu } = this.#columns;
    usage.startMicros = start[row];
    usage.memoryBytes = memory[row];
    usage.prepSeconds = prep[row];
    usage.initSeconds = init[row];
    usage.runSeconds = run[row];
    usage.cpuSeconds = cpu[row];
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
class TablePass<Part> {
  readonly columns: readonly string[];
  readonly blocked = new BlockedTally();
  /** Numbers of rows whose earlier attempts only their documents tell. */
  readonly left = new Grower<Uint32Array>(Uint32Array);
  nLeft = 0;
  readonly #sink: TableSink<Part>;
  readonly #tallies = new Map<string, Tally<Part>>();
  /** Names of the columns of the required dimensions of each task; empty for one that the table hasn't. */
  readonly #dimensions = new Map<string, string[]>();

  constructor(table: QuantaTable, { groups }: RowDimensions, sink: TableSink<Part>) {
    this.#sink = sink;
    for (const [label, { required }] of groups) {
      this.#dimensions.set(label, required.map((name) => table.dimensionColumn(name) ?? ""));
    }
    const columns = new Set([...KIND_COLUMNS, ...COLUMNS, ...this.#dimensions.values()].flat());
    columns.delete("");
    this.columns = [...columns, ...(table.hasEarlierAttempts ? [EARLIER_COLUMN.name] : [])];
  }

  takeBatch(batch: ValuesBatch): void {
    const rows = new BatchRows<Part>(batch, this.#dimensions);
    const blockers = batch.ids("blocked_by");
    const tallyAt = kindsOf(batch, (kind, key, row) => {
      rows.facts.row = row;
      return this.#tallyOf(kind, key, rows.facts);
    });
    for (let row = 0; row < batch.nRows; row++) {
      const tally = tallyAt(row);
      tally.n++;
      if (tally.part !== rows.part) {
        this.#endTask(rows, row, tallyAt);
        rows.begin(tally, row);
      }
      rows.fates[row] = tally.fate;
      rows.failed[row] = tally.hasFailed ? 1 : 0;
      if (tally.end === ENDS.notRun) this.blocked.addBlocked(blockers, row);
      if (tally.end === ENDS.badly || rows.attempts[row] > 1) rows.special[rows.nSpecial++] = row;
    }
    this.#endTask(rows, batch.nRows, tallyAt);
  }

  /** The rows of a task end. */
  #endTask(rows: BatchRows<Part>, to: number, tallyAt: (row: number) => Tally<Part>): void {
    const { from, facts, part, special, nSpecial, attempts } = rows;
    if (to === from || part === null) return;
    const sink = this.#sink;
    sink.addPlaces(facts.taskLabel, facts.dimensions, rows.fates, { from, to });
    const ran = sink.addUsage(part, rows.columns, { from, to }, {
      at: (row) => {
        facts.row = row;
        return { quantum: facts, attempt: attempts[row] - 1, status: tallyAt(row).status };
      },
      failed: rows.failed,
    });
    for (let i = 0; i < nSpecial; i++) {
      const row = special[i];
      const tally = tallyAt(row);
      facts.readAttempt(row, tally);
      if (tally.end === ENDS.badly) {
        const number = tally.hasFailed ? this.blocked.number(rows.ids, row) : -1;
        sink.addEnd(part, facts, attempts[row], ran[row - from], number);
      }
      if (attempts[row] > 1) this.#addEarlier(part, rows);
    }
    if (!sink.isCompared) return;
    for (let row = from; row < to; row++) {
      facts.row = row;
      sink.compare(facts, tallyAt(row).status);
    }
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
    const isRun = kind.attempts.length > 0;
    const hasFailed = isRun && status !== AttemptStatus.SUCCESSFUL;
    const end = !isRun ? ENDS.notRun : hasFailed || exceptionType !== null ? ENDS.badly : ENDS.well;
    const fate = this.#sink.fateOf(status);
    tally = { kind, part, status, exceptionType, hasFailed, end, fate, n: 0 };
    this.#tallies.set(key, tally);
    return tally;
  }

  #addEarlier(part: Part, { facts, earlier, start }: BatchRows<Part>): void {
    const text = earlier === null ? null : earlier.values[earlier.codes[facts.row]];
    if (typeof text === "string") this.#sink.addEarlier(part, facts, text);
    else this.left.reach(this.nLeft)[this.nLeft++] = start + facts.row;
  }
}

/** A batch, of which the rows of one task after another are gone through. */
class BatchRows<Part> {
  readonly start: number;
  readonly facts: RowFacts;
  readonly columns: UsageColumns;
  readonly ids: IdColumn;
  readonly attempts: Float64Array | Int32Array;
  readonly earlier: CodedColumn | null;
  readonly fates: Uint8Array;
  /** 1 for each row whose last attempt failed. */
  readonly failed: Uint8Array;
  /** Rows of the task that are looked at one by one. */
  readonly special: Uint32Array;
  nSpecial = 0;
  /** Of the task; null before the first. */
  part: Part | null = null;
  from = 0;
  readonly #batch: ValuesBatch;
  readonly #dimensions: ReadonlyMap<string, readonly string[]>;

  constructor(batch: ValuesBatch, dimensions: ReadonlyMap<string, readonly string[]>) {
    this.#batch = batch;
    this.#dimensions = dimensions;
    const { nRows } = batch;
    this.start = batch.start;
    this.columns = {
      memory: doubles(batch.numbers("memory")),
      start: doubles(batch.numbers("start")),
      prep: doubles(batch.numbers("prep_time")),
      init: doubles(batch.numbers("init_time")),
      run: doubles(batch.numbers("run_time")),
      cpu: doubles(batch.numbers("run_time_cpu")),
    };
    this.facts = new RowFacts(batch, this.columns);
    this.ids = batch.ids("quantum_id");
    this.attempts = batch.numbers("attempts");
    this.earlier = batch.has(EARLIER_COLUMN.name) ? batch.coded(EARLIER_COLUMN.name) : null;
    this.fates = new Uint8Array(nRows);
    this.failed = new Uint8Array(nRows);
    this.special = new Uint32Array(nRows);
  }

  /** Begins with the rows of another task. */
  begin({ kind: { taskLabel }, part }: Tally<Part>, row: number): void {
    this.part = part;
    this.from = row;
    this.nSpecial = 0;
    this.facts.taskLabel = taskLabel;
    this.facts.dimensions = (this.#dimensions.get(taskLabel) ?? []).map((name) =>
      name === ""
        ? { codes: new Uint32Array(this.#batch.nRows), values: [null] }
        : this.#batch.coded(name) as PlainColumn
    );
  }
}

function doubles(numbers: Float64Array | Int32Array): Float64Array {
  return numbers instanceof Float64Array ? numbers : Float64Array.from(numbers);
}

/** Passes over the table. Memory: one group of rows, and 4 bytes for each quantum with several attempts. */
export async function takeTable<Part>(
  { table, documents }: TabledQuanta,
  dimensions: RowDimensions,
  progress: Progress,
  sink: TableSink<Part>,
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
    batch.release();
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
