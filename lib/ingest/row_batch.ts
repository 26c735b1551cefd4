/**
 * The rows of the next transaction, and the originals that may go after it.
 *
 * @module
 */

import { UUID_SIZE } from "../base/uuid.ts";
import type { DataIdValue } from "../butler/data_id.ts";
import type { DatasetBatch } from "../butler/registry.ts";
import { PROVENANCE_FORMATTER } from "./provenance_type.ts";
import type { Targets } from "./targets.ts";

/** Paths that wait for their batch to be committed. */
export const MAX_PATHS = 20_000;

/** Rows of the next transaction, and the originals that may be deleted after it. */
export class RowBatch {
  n = 0;
  #targets: number[] = [];
  #types: number[] = [];
  #values: DataIdValue[][] = [];
  #paths: string[] = [];

  get nPaths(): number {
    return this.#paths.length;
  }

  add(row: { target: number; typeIndex: number; values: DataIdValue[] }): void {
    this.n++;
    this.#targets.push(row.target);
    this.#types.push(row.typeIndex);
    this.#values.push(row.values);
  }

  addPath(path: string): void {
    this.#paths.push(path);
  }

  takePaths(): string[] {
    const paths = this.#paths;
    this.#paths = [];
    return paths;
  }

  take(targets: Targets, run: string, recordPath: string, fileSize: number): DatasetBatch {
    const ids = new Uint8Array(this.n * UUID_SIZE);
    this.#targets.forEach((target, i) => ids.set(targets.id(target), i * UUID_SIZE));
    const batch: DatasetBatch = {
      run,
      n: this.n,
      ids,
      typeIndex: Uint16Array.from(this.#types),
      types: targets.types,
      values: this.#values.flatMap((values, i) =>
        values.slice(0, targets.types[this.#types[i]].group.required.length)
      ),
      paths: new Array(this.n).fill(recordPath),
      formatters: targets.types.map(() => PROVENANCE_FORMATTER),
      storageClasses: targets.types.map((type) => type.storageClass),
      fileSize,
    };
    this.n = 0;
    this.#targets = [];
    this.#types = [];
    this.#values = [];
    return batch;
  }
}
