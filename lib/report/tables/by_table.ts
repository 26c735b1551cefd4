/**
 * Counts and selects quanta by the table in a graph. Its rows stand by task, documents in the order in which
 * quanta were scanned: what is told in that order is put into it.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import { sortOffsets } from "../../base/sort_ids.ts";
import type { QuantaTable } from "../../provenance/table/quanta_table.ts";
import type { QuantumKind, ReportCounts } from "../counts.ts";
import { KIND_COLUMNS, kindsOf } from "../quantum_kinds.ts";
import type { StatusSelection } from "./selection.ts";

/** Columns that tell what is counted. */
const COLUMNS = [...KIND_COLUMNS, "document_offset"];

/** Quanta that are counted together. */
interface Kind extends QuantumKind {
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
        const isSelected = selection?.wants(kind) ?? false;
        kinds.push({ ...kind, isSelected, n: 0, firstOffset: Infinity });
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
