/**
 * Versions of many files of a remote store, from lists of it: for what is there and what isn't without a
 * request for each. On shared memory: one thread lists, all scanners look.
 *
 * @module
 */

import { hashOfPath } from "../../storage/remote/path_hash.ts";
import { eachAtOnce } from "../../storage/remote/at_once.ts";
import type { Storage } from "../../storage/remote/storage.ts";

/** Lists under way at once. */
const N_AT_ONCE = 8;
const NO_TAG = -1n;

/** What a list says of a file. */
interface ListedVersion {
  size: number;
  /** Null if the store says nothing that tells versions apart. */
  tag: bigint | null;
  /** Whether the same tag means the same bytes. */
  isExact: boolean;
}

/** The table, as it is sent to workers. */
export interface ListedTable {
  /** What paths begin with that the lists are of. */
  prefixes: readonly string[];
  /** Hashes of paths, 0 for an empty place; places are found by the hash, then one after the other. */
  hashes: BigUint64Array;
  sizes: Float64Array;
  tags: BigInt64Array;
  /** 1 for tags that are exact. */
  areExact: Uint8Array;
}

/** Looks into a table. A hash that two paths have makes one file look like another, which is then read. */
export class ListedFiles {
  readonly #table: ListedTable;

  constructor(table: ListedTable) {
    this.#table = table;
  }

  /** Whether a path would be in the table if its file were there. */
  covers(path: string): boolean {
    return this.#table.prefixes.some((prefix) => path.startsWith(prefix));
  }

  /** Null if the file is absent. */
  version(path: string): ListedVersion | null {
    const { hashes, sizes, tags, areExact } = this.#table;
    const hash = hashOfPath(path);
    const mask = hashes.length - 1;
    for (let at = Number(hash & BigInt(mask));; at = (at + 1) & mask) {
      if (hashes[at] === 0n) return null;
      if (hashes[at] === hash) {
        const tag = tags[at] === NO_TAG ? null : tags[at];
        return { size: sizes[at], tag, isExact: areExact[at] === 1 };
      }
    }
  }
}

/**
 * Lists what is below some directories.
 *
 * @param directories Relative to the storage's root, with "/" at their ends.
 * @param rootSlash What the paths of files begin with that are below the root.
 */
export async function listFiles(
  storage: Storage,
  directories: readonly string[],
  rootSlash: string,
): Promise<ListedTable> {
  const hashes: bigint[] = [];
  const sizes: number[] = [];
  const tags: bigint[] = [];
  const areExact: number[] = [];
  await eachAtOnce(directories, N_AT_ONCE, async (directory) => {
    for await (const { path, version } of storage.list(directory)) {
      hashes.push(hashOfPath(rootSlash + path));
      sizes.push(version.size);
      tags.push(version.tag ?? NO_TAG);
      areExact.push(Number(version.isExact === true));
    }
  });
  const nPlaces = 2 ** Math.ceil(Math.log2(2 * hashes.length + 2));
  const table: ListedTable = {
    prefixes: directories.map((directory) => rootSlash + directory),
    hashes: new BigUint64Array(new SharedArrayBuffer(8 * nPlaces)),
    sizes: new Float64Array(new SharedArrayBuffer(8 * nPlaces)),
    tags: new BigInt64Array(new SharedArrayBuffer(8 * nPlaces)),
    areExact: new Uint8Array(new SharedArrayBuffer(nPlaces)),
  };
  const mask = nPlaces - 1;
  hashes.forEach((hash, i) => {
    let at = Number(hash & BigInt(mask));
    while (table.hashes[at] !== 0n) at = (at + 1) & mask;
    table.hashes[at] = hash;
    table.sizes[at] = sizes[i];
    table.tags[at] = tags[i];
    table.areExact[at] = areExact[i];
  });
  return table;
}
