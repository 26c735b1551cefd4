/**
 * Datasets on their way from a scanner to the ingester, as one buffer that the main thread hands on
 * without looking into it: strings would be copied by it twice.
 *
 * @module
 */

import { ByteBuilder, concatBytes } from "../../base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../base/json_text.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import type { DataIdValue } from "../../butler/dimensions/data_id_value.ts";

/** Datasets to be registered, in columns; types count in the order of the pipeline graph's outputs. */
interface IngestRows {
  n: number;
  ids: Uint8Array;
  typeIndex: Uint16Array;
  /** Required values, flat. */
  values: DataIdValue[];
  paths: (string | null)[];
  /** The same of the other datastores of a chain, by position, from the second on. */
  otherPaths: (string | null)[][];
}

/**
 * The same as one buffer: ids, then types as Uint16 of the machine's byte order, then JSON of values
 * and paths, in which an integer that JSON can't carry is a list of its text.
 */
export interface PackedRows {
  n: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Collects rows. */
export class RowCollector {
  readonly #ids = new ByteBuilder();
  readonly #types: number[] = [];
  readonly #values: (string | number | [string])[] = [];
  readonly #paths: (string | null)[] = [];
  readonly #otherPaths: (string | null)[][] = [];

  /** @param paths Path of each datastore's record, null for none. */
  add(
    id: Uint8Array,
    typeIndex: number,
    required: readonly DataIdValue[],
    paths: readonly (string | null)[],
  ) {
    this.#ids.bytes(id);
    this.#types.push(typeIndex);
    for (const value of required) {
      this.#values.push(typeof value === "bigint" ? [String(value)] : value);
    }
    this.#paths.push(paths[0]);
    for (let i = 1; i < paths.length; i++) (this.#otherPaths[i - 1] ??= []).push(paths[i]);
  }

  /** All rows, or null if there is none. */
  take(): PackedRows | null {
    if (this.#types.length === 0) return null;
    const types = Uint16Array.from(this.#types);
    return {
      n: types.length,
      bytes: concatBytes([
        this.#ids.view(),
        new Uint8Array(types.buffer),
        encodeUtf8(JSON.stringify([this.#values, this.#paths, this.#otherPaths])),
      ]),
    };
  }
}

/** Undoes the packing. The columns are views of the buffer where they can be. */
export function unpackRows({ n, bytes }: PackedRows): IngestRows {
  const typesAt = n * UUID_SIZE;
  const textAt = typesAt + n * Uint16Array.BYTES_PER_ELEMENT;
  const [values, paths, otherPaths] = JSON.parse(decodeUtf8(bytes.subarray(textAt))) as [
    (string | number | [string])[],
    (string | null)[],
    (string | null)[][],
  ];
  return {
    n,
    ids: bytes.subarray(0, typesAt),
    typeIndex: new Uint16Array(bytes.buffer, bytes.byteOffset + typesAt, n),
    values: values.map((value) => Array.isArray(value) ? BigInt(value[0]) : value),
    paths,
    otherPaths,
  };
}
