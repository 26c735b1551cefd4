/**
 * Counts and selects quanta by the table in a graph. Its rows stand by task, documents in the order in which
 * quanta were scanned: what is told in that order is put into it.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import { sortOffsets } from "../../base/sort_ids.ts";
import { AttemptStatus } from "../../provenance/quantum_status.ts";
import type { QuantaTable, ValuesBatch } from "../../provenance/table/quanta_table.ts";
import type { ReportCounts } from "../counts.ts";
import type { StatusSelection } from "./selection.ts";

/** Columns that tell what is counted. */
const COLUMNS = ["task", "status", "attempts", "caveats", "exception", "document_offset"];
const STATUSES: Readonly<Record<string, number>> = AttemptStatus;

/** A quantum as it is counted: quanta with the same values are counted together. */
interface Kind {
  taskLabel: string;
  attempts: { status: number; caveats: number | null; exceptionType: string | null; usage: null }[];
  isSelected: boolean;
  n: number;
  /** Where the first document of the kind is. */
  firstOffset: number;
}

/** Quanta that are selected. */
class Selected {
  readonly #offsets = new Grower<Float64Array>(Float64Array);
  readonly #sizes = new Grower<Uint32Array>(Uint32Array);
  readonly #kinds = new Grower<Uint32Array>(Uint32Array);
  #n = 0;

  add(kind: number, offset: number, size: number): void {
    this.#offsets.reach(this.#n)[this.#n] = offset;
    this.#sizes.reach(this.#n)[this.#n] = size;
    this.#kinds.reach(this.#n)[this.#n++] = kind;
  }

  /** In the order of documents. */
  *sorted(): Generator<[kind: number, offset: number, size: number]> {
    const offsets = this.#offsets.array.subarray(0, this.#n);
    for (const i of sortOffsets(offsets)) {
      yield [this.#kinds.array[i], offsets[i], this.#sizes.array[i]];
    }
  }
}

/**
 * Passes over the table. Memory: a group of rows, and 16 to 32 bytes for each quantum that is selected.
 *
 * @param selection What selects; null for nothing.
 */
export async function countByTable(
  table: QuantaTable,
  counts: ReportCounts,
  selection: StatusSelection | null,
): Promise<void> {
  const kinds: Kind[] = [];
  const numberOf = new Map<string, number>();
  const selected = new Selected();
  const columns = selection === null ? COLUMNS : [...COLUMNS, "document_size"];
  for await (const batch of table.readValues(columns)) {
    const sizes = selection === null ? null : batch.numbers("document_size");
    const offsets = batch.numbers("document_offset");
    const kindAt = kindsOf(batch, (kind, key) => {
      let number = numberOf.get(key);
      if (number === undefined) {
        numberOf.set(key, number = kinds.length);
        kinds.push({ ...kind, isSelected: selection?.wants(kind) ?? false });
      }
      return number;
    });
    for (let row = 0; row < batch.nRows; row++) {
      const number = kindAt(row);
      const kind = kinds[number];
      kind.n++;
      if (offsets[row] < kind.firstOffset) kind.firstOffset = offsets[row];
      if (kind.isSelected) selected.add(number, offsets[row], sizes![row]);
    }
  }
  for (const kind of kinds.toSorted((a, b) => a.firstOffset - b.firstOffset)) {
    counts.add(kind, kind.n);
  }
  for (const [number, offset, size] of selected.sorted()) {
    selection!.add(kinds[number], { offset, size });
  }
}

/**
 * Tells the kind of each row of a batch. Neighbouring rows mostly are of one kind.
 *
 * @param numberOf Number of a kind that is met.
 */
function kindsOf(
  batch: ValuesBatch,
  numberOf: (kind: Omit<Kind, "isSelected">, key: string) => number,
): (row: number) => number {
  const tasks = batch.coded("task");
  const statuses = batch.coded("status");
  const exceptions = batch.coded("exception");
  const attempts = batch.numbers("attempts");
  const caveats = batch.numbers("caveats");
  let last: [task: number, status: number, exception: number, caveats: number, ran: boolean];
  last = [-1, -1, -1, -1, false];
  let number = -1;
  const byCodes = new Map<string, number>();
  return (row) => {
    const task = tasks.codes[row];
    const status = statuses.codes[row];
    const exception = exceptions.codes[row];
    const bits = caveats[row];
    const hasRun = attempts[row] > 0;
    // Not a number is no bits, and equal to itself here.
    const isSame = task === last[0] && status === last[1] && exception === last[2] &&
      Object.is(bits, last[3]) && hasRun === last[4];
    if (isSame) return number;
    last = [task, status, exception, bits, hasRun];
    const codes = last.join(" ");
    const known = byCodes.get(codes);
    if (known !== undefined) return number = known;
    const taskLabel = String(tasks.values[task]);
    const attempt = {
      status: STATUSES[String(statuses.values[status])] ?? Number(statuses.values[status]),
      caveats: Number.isNaN(bits) ? null : bits,
      exceptionType: exceptions.values[exception] as string | null,
      usage: null,
    };
    const kind = {
      taskLabel,
      attempts: hasRun ? [attempt] : [],
      n: 0,
      firstOffset: Infinity,
    };
    number = numberOf(kind, JSON.stringify([taskLabel, kind.attempts]));
    byCodes.set(codes, number);
    return number;
  };
}
