/**
 * Takes quanta in from the table of a graph. Only those of which a table doesn't tell all, for they were
 * attempted several times, are read as documents.
 *
 * @module
 */

import { Grower } from "../base/grower.ts";
import { IdTable } from "../base/id_table.ts";
import type { JsonValue } from "../base/json_text.ts";
import type { Progress, Stage } from "../base/progress.ts";
import { UUID_SIZE, uuidFromText, uuidToText } from "../base/uuid.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import type { CodedColumn, IdColumn } from "../provenance/table/column_values.ts";
import type { ValuesBatch } from "../provenance/table/quanta_table.ts";
import type { Address } from "../qg/address_file.ts";
import type { RowDimensions } from "../sources/rows.ts";
import type { TabledQuanta } from "../sources/table/tabled_quanta.ts";
import type { BlockedCounts } from "./failures/blocking.ts";
import type { AttemptFacts, QuantumFacts, UsageFacts } from "./facts.ts";

/** Columns that are read besides numbers and those of dimensions. */
const COLUMNS = ["quantum_id", "task", "status", "exception", "message", "blocked_by"] as const;
/** Rows between looks at the progress. */
const ROWS_AT_ONCE = 4096;

/** Numbers of a batch. */
const NUMBERS = [
  "attempts",
  "caveats",
  "start",
  "prep_time",
  "init_time",
  "run_time",
  "run_time_cpu",
  "memory",
  "document_offset",
  "document_size",
] as const;

/** A row of a batch, which is another row whenever `row` is set: nothing is made for each of a million. */
class RowFacts implements QuantumFacts {
  row = 0;
  taskLabel = "";
  status: number = AttemptStatus.UNKNOWN;
  nAttempts = 0;
  readonly attempts: AttemptFacts[] = [];
  readonly #numbers: Record<typeof NUMBERS[number], Float64Array | Int32Array>;
  readonly #ids: IdColumn;
  readonly #blockers: IdColumn;
  readonly #tasks: CodedColumn;
  readonly #statuses: CodedColumn;
  /** Number of each status, by its code. */
  readonly #statusOf: readonly number[];
  readonly #exceptions: CodedColumn;
  readonly #messages: CodedColumn;
  readonly #dimensions: ReadonlyMap<string, readonly CodedColumn[]>;
  readonly #usage: UsageFacts = {
    memoryBytes: NaN,
    startMicros: null,
    prepSeconds: NaN,
    initSeconds: NaN,
    runSeconds: NaN,
    cpuSeconds: NaN,
  };
  readonly #attempt: AttemptFacts = {
    status: AttemptStatus.UNKNOWN,
    caveats: null,
    exceptionType: null,
    usage: null,
  };
  /** Those of the row's task. */
  #values: readonly CodedColumn[] = [];
  #taskCode = -1;

  /** @param dimensions Columns of the values of each task's data IDs. */
  constructor(batch: ValuesBatch, dimensions: ReadonlyMap<string, readonly CodedColumn[]>) {
    this.#numbers = {} as Record<typeof NUMBERS[number], Float64Array | Int32Array>;
    for (const name of NUMBERS) this.#numbers[name] = batch.numbers(name);
    this.#ids = batch.ids("quantum_id");
    this.#blockers = batch.ids("blocked_by");
    this.#tasks = batch.coded("task");
    this.#statuses = batch.coded("status");
    this.#statusOf = this.#statuses.values.map((name) =>
      STATUSES[String(name)] ?? AttemptStatus.UNKNOWN
    );
    this.#exceptions = batch.coded("exception");
    this.#messages = batch.coded("message");
    this.#dimensions = dimensions;
  }

  get quantumId(): string {
    return uuidToText(this.id);
  }

  /** 16 bytes. */
  get id(): Uint8Array {
    return idAt(this.#ids, this.row)!;
  }

  /** Id of the failed quantum that blocks this one; null for none. */
  get blockedBy(): Uint8Array | null {
    return idAt(this.#blockers, this.row);
  }

  get address(): Address {
    const { document_offset, document_size } = this.#numbers;
    return { offset: document_offset[this.row], size: document_size[this.row] };
  }

  get values(): JsonValue[] {
    return this.#values.map((column) => valueAt(column, this.row));
  }

  value(position: number): JsonValue {
    return position < this.#values.length ? valueAt(this.#values[position], this.row) : null;
  }

  message(): string {
    return String(valueAt(this.#messages, this.row) ?? "");
  }

  /** Goes to a row. Its attempts are those of a quantum that was attempted at most once. */
  read(row: number): void {
    this.row = row;
    const code = this.#tasks.codes[row];
    if (code !== this.#taskCode) {
      this.#taskCode = code;
      this.taskLabel = String(this.#tasks.values[code]);
      this.#values = this.#dimensions.get(this.taskLabel) ?? [];
    }
    const numbers = this.#numbers;
    this.nAttempts = numbers.attempts[row];
    this.status = this.#statusOf[this.#statuses.codes[row]];
    if (this.nAttempts === 0) {
      this.attempts.length = 0;
      return;
    }
    const attempt = this.#attempt;
    if (this.attempts.length === 0) this.attempts.push(attempt);
    attempt.status = this.status;
    const caveats = numbers.caveats[row];
    attempt.caveats = isNumber(caveats) ? caveats : null;
    attempt.exceptionType = valueAt(this.#exceptions, row) as string | null;
    attempt.usage = this.#readUsage(row) ? this.#usage : null;
  }

  /** Whether anything is recorded. */
  #readUsage(row: number): boolean {
    const { memory, start, prep_time, init_time, run_time, run_time_cpu } = this.#numbers;
    const usage = this.#usage;
    const micros = start[row];
    usage.startMicros = isNumber(micros) ? micros : null;
    usage.memoryBytes = memory[row];
    usage.prepSeconds = prep_time[row];
    usage.initSeconds = init_time[row];
    usage.runSeconds = run_time[row];
    usage.cpuSeconds = run_time_cpu[row];
    return isNumber(micros) || isNumber(usage.runSeconds) ||
      isNumber(usage.memoryBytes) || isNumber(usage.cpuSeconds) || isNumber(usage.prepSeconds) ||
      isNumber(usage.initSeconds);
  }
}

function isNumber(value: number): boolean {
  return value === value;
}

const STATUSES: Readonly<Record<string, number>> = AttemptStatus;

function idAt({ bytes, at }: IdColumn, row: number): Uint8Array | null {
  return at[row] < 0 ? null : bytes.subarray(at[row], at[row] + UUID_SIZE);
}

function valueAt({ codes, values }: CodedColumn, row: number): JsonValue {
  return (values[codes[row]] ?? null) as JsonValue;
}

/** A column that the table hasn't. */
const NO_VALUES: CodedColumn = { kind: "coded", codes: new Uint32Array(0), values: [null] };

/** What blocked rows say of who blocks them. */
class BlockedTally {
  readonly #ids = new IdTable();
  readonly #nBlocked = new Grower<Uint32Array>(Uint32Array);
  #nUnexplained = 0;

  /** Number of a failed quantum. */
  number(id: Uint8Array): number {
    const number = this.#ids.add(id, 0);
    this.#nBlocked.reach(number);
    return number;
  }

  addBlocked(blocker: Uint8Array | null): void {
    if (blocker === null) this.#nUnexplained++;
    else {
      const number = this.number(blocker);
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

/**
 * What takes quanta in.
 *
 * @param number Of a quantum that may block others; -1 for others.
 */
interface QuantumSink {
  addFacts(quantum: QuantumFacts, number: number): void;
  /** One that is read as a document. `numberOf` gives its number, if it may block others. */
  addDocument(text: Uint8Array, numberOf: (quantum: { quantumId: string }) => number): void;
}

/** Passes over the table. Memory: one group of rows, and 16 bytes for each quantum with several attempts. */
export async function takeTable(
  { table, documents }: TabledQuanta,
  dimensions: RowDimensions,
  progress: Progress,
  sink: QuantumSink,
): Promise<BlockedCounts> {
  const stage: Stage = {
    name: "read",
    unit: "quanta",
    nDone: 0,
    nTotal: table.nRows,
    state: "running",
  };
  using watch = progress.watch(() => [stage], "VERBOSE");
  const tally = new BlockedTally();
  const retried: Address[] = [];
  const names = new Map<string, string[]>();
  for (const [label, { required }] of dimensions.groups) {
    names.set(label, required.map((name) => table.dimensionColumn(name) ?? ""));
  }
  const columns = new Set([...COLUMNS, ...NUMBERS, ...names.values()].flat());
  columns.delete("");
  for await (const batch of table.readValues([...columns])) {
    const columnsOf = new Map(
      [...names].map(([label, list]) => [
        label,
        list.map((name) => name === "" ? NO_VALUES : batch.coded(name)),
      ]),
    );
    const facts = new RowFacts(batch, columnsOf);
    for (let row = 0; row < batch.nRows; row++) {
      facts.read(row);
      if (facts.nAttempts > 1) {
        retried.push(facts.address);
        continue;
      }
      const mayBlock = facts.status !== AttemptStatus.SUCCESSFUL && facts.nAttempts > 0;
      if (facts.nAttempts === 0) tally.addBlocked(facts.blockedBy);
      sink.addFacts(facts, mayBlock ? tally.number(facts.id) : -1);
      if (++stage.nDone % ROWS_AT_ONCE === 0) watch.update();
    }
  }
  retried.sort((a, b) => a.offset - b.offset);
  for await (const text of documents(retried)) {
    sink.addDocument(text, ({ quantumId }) => tally.number(uuidFromText(quantumId)));
    stage.nDone++;
    watch.update();
  }
  stage.state = "done";
  return tally.counts();
}
