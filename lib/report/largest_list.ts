/** Items with the largest values of many. @module */

/** Keeps the items with the largest values; of equal ones those with the least ids. */
export class LargestList<Item extends { quantum_id: string; attempt: number }> {
  readonly #limit: number;
  readonly #kept: { value: number; item: Item }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The first index, from `from` on and below `to`, of a value that may be kept; `to` if there is none. */
  next(values: Float64Array, from: number, to: number): number {
    const kept = this.#kept;
    const least = kept.length < this.#limit ? -Infinity : kept.at(-1)?.value ?? Infinity;
    for (let i = from; i < to; i++) if (values[i] >= least) return i;
    return to;
  }

  /** @param make is called only for an item that may be kept. */
  offer(value: number, make: () => Item): void {
    if (!Number.isFinite(value) || this.#limit === 0) return;
    const kept = this.#kept;
    if (kept.length === this.#limit && value < kept[kept.length - 1].value) return;
    const entry = { value, item: make() };
    let at = kept.length;
    while (at > 0 && isBefore(entry, kept[at - 1])) at--;
    kept.splice(at, 0, entry);
    if (kept.length > this.#limit) kept.pop();
  }

  /** Largest first. */
  items(): Item[] {
    return this.#kept.map(({ item }) => item);
  }
}

function isBefore<Item extends { quantum_id: string; attempt: number }>(
  a: { value: number; item: Item },
  b: { value: number; item: Item },
): boolean {
  if (a.value !== b.value) return a.value > b.value;
  if (a.item.quantum_id !== b.item.quantum_id) return a.item.quantum_id < b.item.quantum_id;
  return a.item.attempt < b.item.attempt;
}
