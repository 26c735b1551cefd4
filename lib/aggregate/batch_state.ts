/**
 * What a scanner gathers while it works on one batch.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";
import type { DataIdValue } from "../butler/data_id.ts";
import type { IngestRows, ScanProblem } from "./messages.ts";

/** Collects rows for the ingester. */
class RowCollector {
  readonly #ids = new ByteBuilder();
  readonly #types: number[] = [];
  readonly #values: DataIdValue[] = [];
  readonly #paths: (string | null)[] = [];

  add(id: Uint8Array, typeIndex: number, required: readonly DataIdValue[], path: string | null) {
    this.#ids.bytes(id);
    this.#types.push(typeIndex);
    for (const value of required) this.#values.push(value);
    this.#paths.push(path);
  }

  take(): IngestRows | null {
    if (this.#types.length === 0) return null;
    return {
      n: this.#types.length,
      ids: this.#ids.take(),
      typeIndex: Uint16Array.from(this.#types),
      values: this.#values,
      paths: this.#paths,
    };
  }
}

/** Everything that one batch gathers. */
export class BatchState {
  readonly chunks = new ByteBuilder();
  readonly rows = new RowCollector();
  readonly problems: ScanProblem[] = [];
  readonly reused: number[] = [];
  nKnown = 0;
  nBlockedWithFiles = 0;
  nFilesRead = 0;
  nBytesRead = 0;
  compressSeconds = 0;
}
