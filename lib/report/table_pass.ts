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
import { uuidFromText, uuidToText } from "../base/uuid.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import type { TableBatch } from "../provenance/table/quanta_table.ts";
import type { Address } from "../qg/address_file.ts";
import type { RowDimensions } from "../sources/rows.ts";
import type { TabledQuanta } from "../sources/table/tabled_quanta.ts";
import type { BlockedCounts } from "./failures/blocking.ts";
import type { AttemptFacts, QuantumFacts, UsageFacts } from "./facts.ts";

/** Columns that are read besides those of dimensions. */
const COLUMNS = [
  "quantum_id",
  "task",
  "status",
  "attempts",
  "caveats",
  "exception",
  "message",
  "start",
  "prep_time",
  "init_time",
  "run_time",
  "run_time_cpu",
  "memory",
  "blocked_by",
  "document_offset",
  "document_size",
] as const;
/** Rows between looks at the progress. */
const ROWS_AT_ONCE = 4096;

type Column = ArrayLike<unknown>;

/** A row of a batch, which is another row whenever `row` is set: nothing is made for each of a million. */
class RowFacts implements QuantumFacts {
  row = 0;
  taskLabel = "";
  status: number = AttemptStatus.UNKNOWN;
  nAttempts = 0;
  readonly attempts: AttemptFacts[] = [];
  readonly #columns: Record<typeof COLUMNS[number], Column>;
  readonly #dimensions: ReadonlyMap<string, readonly Column[]>;
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
  #values: readonly Column[] = [];

  /** @param dimensions Columns of the values of each task's data IDs. */
  constructor({ columns }: TableBatch, dimensions: ReadonlyMap<string, readonly Column[]>) {
    this.#columns = columns as Record<typeof COLUMNS[number], Column>;
    this.#dimensions = dimensions;
  }

  get quantumId(): string {
    return uuidToText(this.id);
  }

  /** 16 bytes. */
  get id(): Uint8Array {
    return this.#columns.quantum_id[this.row] as Uint8Array;
  }

  /** Id of the failed quantum that blocks this one; null for none. */
  get blockedBy(): Uint8Array | null {
    return (this.#columns.blocked_by[this.row] ?? null) as Uint8Array | null;
  }

  get address(): Address {
    const { document_offset, document_size } = this.#columns;
    return {
      offset: Number(document_offset[this.row]),
      size: Number(document_size[this.row]),
    };
  }

  get values(): JsonValue[] {
    return this.#values.map((column) => plainValue(column[this.row]));
  }

  value(position: number): JsonValue {
    return plainValue(this.#values[position]?.[this.row]);
  }

  message(): string {
    return (this.#columns.message[this.row] ?? "") as string;
  }

  /** Goes to a row. Its attempts are those of a quantum that was attempted at most once. */
  read(row: number): void {
    const { task, attempts, status, caveats, exception } = this.#columns;
    this.row = row;
    const label = task[row] as string;
    if (label !== this.taskLabel) {
      this.taskLabel = label;
      this.#values = this.#dimensions.get(label) ?? [];
    }
    this.nAttempts = attempts[row] as number;
    const name = status[row] as string;
    this.status = name === "SUCCESSFUL"
      ? AttemptStatus.SUCCESSFUL
      : STATUSES[name] ?? AttemptStatus.UNKNOWN;
    if (this.nAttempts === 0) {
      this.attempts.length = 0;
      return;
    }
    const attempt = this.#attempt;
    if (this.attempts.length === 0) this.attempts.push(attempt);
    attempt.status = this.status;
    attempt.caveats = (caveats[row] ?? null) as number | null;
    attempt.exceptionType = (exception[row] ?? null) as string | null;
    attempt.usage = this.#readUsage(row) ? this.#usage : null;
  }

  /** Whether anything is recorded. */
  #readUsage(row: number): boolean {
    const { memory, start, prep_time, init_time, run_time, run_time_cpu } = this.#columns;
    const usage = this.#usage;
    const micros = start[row];
    usage.startMicros = micros === null || micros === undefined ? null : Number(micros);
    usage.memoryBytes = numberOrNaN(memory[row]);
    usage.prepSeconds = numberOrNaN(prep_time[row]);
    usage.initSeconds = numberOrNaN(init_time[row]);
    usage.runSeconds = numberOrNaN(run_time[row]);
    usage.cpuSeconds = numberOrNaN(run_time_cpu[row]);
    return usage.startMicros !== null || isNumber(usage.runSeconds) ||
      isNumber(usage.memoryBytes) || isNumber(usage.cpuSeconds) || isNumber(usage.prepSeconds) ||
      isNumber(usage.initSeconds);
  }
}

function isNumber(value: number): boolean {
  return value === value;
}

const STATUSES: Readonly<Record<string, number>> = AttemptStatus;

function numberOrNaN(value: unknown): number {
  return typeof value === "number" ? value : NaN;
}

/** Integers as documents have them. */
function plainValue(value: unknown): JsonValue {
  if (typeof value !== "bigint") return (value ?? null) as JsonValue;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value as unknown as JsonValue;
}

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
  const columns = new Set([...COLUMNS, ...names.values()].flat());
  columns.delete("");
  for await (const batch of table.read([...columns])) {
    const columnsOf = new Map(
      [...names].map(([label, list]) => [label, list.map((name) => batch.columns[name] ?? [])]),
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
