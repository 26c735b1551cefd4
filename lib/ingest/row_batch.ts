/**
 * The rows of the next transaction.
 *
 * @module
 */

import { UUID_SIZE } from "../base/uuid.ts";
import { PROVENANCE_FORMATTER } from "../butler/registry/provenance_dataset.ts";
import type { DatasetBatch } from "../butler/registry/registry.ts";
import type { Targets } from "../provenance/targets.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";

/** Rows of the next transaction. */
export class RowBatch {
  readonly #targets: Targets;
  #rows: number[] = [];
  #values: DataIdValue[] = [];

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  /** Rows in it. */
  get n(): number {
    return this.#rows.length;
  }

  /** Takes a target that is to be registered. */
  add(target: number): void {
    const { group } = this.#targets.types[this.#targets.typeIndex(target)];
    const values = this.#targets.dataId(target);
    this.#rows.push(target);
    for (let i = 0; i < group.required.length; i++) this.#values.push(values[i]);
  }

  /** Leaves the rows out. */
  clear(): void {
    this.#rows = [];
    this.#values = [];
  }

  /** Targets of the rows. */
  get targets(): readonly number[] {
    return this.#rows;
  }

  /** The rows, which are no longer in it. */
  take(run: string, recordPath: string, fileSize: number): DatasetBatch {
    const targets = this.#targets;
    const rows = this.#rows;
    const ids = new Uint8Array(rows.length * UUID_SIZE);
    const typeIndex = new Uint16Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      ids.set(targets.id(rows[i]), i * UUID_SIZE);
      typeIndex[i] = targets.typeIndex(rows[i]);
    }
    const batch: DatasetBatch = {
      run,
      n: rows.length,
      ids,
      typeIndex,
      types: targets.types,
      values: this.#values,
      paths: new Array(rows.length).fill(recordPath),
      formatters: targets.types.map(() => PROVENANCE_FORMATTER),
      storageClasses: targets.types.map((type) => type.storageClass),
      fileSize,
    };
    this.clear();
    return batch;
  }
}
