/**
 * Failed quanta that a report lists: all of them, until there are too many; then the first of each task,
 * so that the fewer a task has, the more likely they are all there.
 *
 * @module
 */

/** Most items that fit if each list is cut to the same length, and that length. */
export function fairShare(sizes: readonly number[], total: number): number {
  let low = 0;
  let high = Math.max(0, ...sizes);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const n = sizes.reduce((sum, size) => sum + Math.min(size, middle), 0);
    if (n <= total) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Lists by task. Memory: twice the items that are listed in the end. */
export class FailedList<Item> {
  readonly #lists = new Map<string, { items: Item[]; n: number }>();
  readonly #maxTotal: number;
  #allowance: number;
  #nKept = 0;

  /**
   * @param perTask Most that are listed of a task.
   * @param maxTotal Most that are listed.
   */
  constructor(labels: readonly string[], perTask: number, maxTotal: number) {
    for (const label of labels) this.#lists.set(label, { items: [], n: 0 });
    this.#allowance = perTask;
    this.#maxTotal = maxTotal;
  }

  /** Counts an item; `make` is called if it is kept. */
  add(label: string, make: () => Item): void {
    const list = this.#lists.get(label)!;
    list.n++;
    if (list.items.length >= this.#allowance) return;
    list.items.push(make());
    if (++this.#nKept > 2 * this.#maxTotal) this.#cut();
  }

  #cut(): void {
    const lists = [...this.#lists.values()];
    this.#allowance = Math.min(
      this.#allowance,
      fairShare(lists.map(({ items }) => items.length), this.#maxTotal),
    );
    for (const { items } of lists) items.length = Math.min(items.length, this.#allowance);
    this.#nKept = lists.reduce((sum, { items }) => sum + items.length, 0);
  }

  /** What is listed of each task, and of how many. */
  finish(): { label: string; items: Item[]; n: number }[] {
    this.#cut();
    return [...this.#lists].map(([label, list]) => ({ label, ...list }));
  }
}
