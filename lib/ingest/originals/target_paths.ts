/**
 * Where the originals of all targets of a datastore may be, and which target each path belongs to, without
 * keeping the paths: a hash leads to a target, whose paths are then put together and compared.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import { nextTurn } from "../../base/next_turn.ts";
import { hashOfPath } from "../../storage/remote/path_hash.ts";
import { dirname } from "../../base/paths.ts";
import { withRecords } from "../../butler/dimensions/record_fetch.ts";
import type { DimensionRecordSource } from "../../butler/dimensions/record_source.ts";
import { keptStampAt } from "../../provenance/originals/file_digests.ts";
import type { Targets } from "../../provenance/targets.ts";
import type { OriginalProofs } from "./original_proofs.ts";
import { FILE_PROOF_SIZE } from "../../provenance/originals/proof_sizes.ts";

/** Targets that are looked at in one go. */
const TARGETS_PER_TURN = 4096;

/** Paths of targets. Memory: up to 40 bytes a path. */
export class TargetPaths {
  /** Directories below which all of them lie, with "/" at their ends; none is inside another. */
  readonly directories: readonly string[];
  readonly #targets: Targets;
  readonly #records: DimensionRecordSource;
  /** Targets by path, in the order in which they were noted. */
  readonly #owners: Uint32Array;
  /** Stamps of their files; 0 where only the content can tell. */
  readonly #stamps: BigUint64Array;
  /** Hashes, 0 for an empty place, and the number of the path. */
  readonly #hashes: BigUint64Array;
  readonly #numbers: Uint32Array;

  private constructor(
    targets: Targets,
    records: DimensionRecordSource,
    noted: NotedPaths,
  ) {
    this.#targets = targets;
    this.#records = records;
    const { n, hashes } = noted;
    this.directories = outermost(noted.directories);
    this.#owners = noted.owners.array.slice(0, n);
    this.#stamps = new BigUint64Array(noted.stamps.array.slice(0, 2 * n).buffer);
    const nPlaces = 2 ** Math.ceil(Math.log2(2 * n + 2));
    this.#hashes = new BigUint64Array(nPlaces);
    this.#numbers = new Uint32Array(nPlaces);
    const mask = nPlaces - 1;
    for (let i = 0; i < n; i++) {
      const hash = BigInt(hashes.array[2 * i]) << 32n | BigInt(hashes.array[2 * i + 1]);
      let at = Number(hash & BigInt(mask));
      while (this.#hashes[at] !== 0n) at = (at + 1) & mask;
      this.#hashes[at] = hash;
      this.#numbers[at] = i;
    }
    for (const grower of [noted.owners, noted.stamps, hashes]) grower.discard();
  }

  /**
   * Puts all paths together once.
   *
   * @param runPath First part of paths of today, as the template writes the RUN.
   */
  static async read(
    targets: Targets,
    proofs: OriginalProofs,
    records: DimensionRecordSource,
    runPath: string,
  ): Promise<TargetPaths> {
    const noted = new NotedPaths(runPath);
    for (let next = 0; next < targets.n; await nextTurn()) {
      const end = Math.min(targets.n, next + TARGETS_PER_TURN);
      const paths: string[] = [];
      const owners: number[] = [];
      await withRecords(() => {
        for (; next < end; next++) {
          for (const path of targets.paths(next, records)) {
            paths.push(path);
            owners.push(next);
          }
        }
      });
      const found = await proofs.originals(paths, owners);
      paths.forEach((path, i) => {
        const typeName = targets.types[targets.typeIndex(owners[i])].name;
        const stamp = keptStampAt(found.proofs, i * FILE_PROOF_SIZE);
        noted.add(path, typeName, owners[i], stamp);
      });
    }
    return new TargetPaths(targets, records, noted);
  }

  /** How many there are. */
  get n(): number {
    return this.#owners.length;
  }

  /** A path's number, the target that it belongs to, and the stamp that its file is to have. */
  async find(
    path: string,
  ): Promise<{ number: number; target: number; stamp: bigint } | null> {
    const hash = hashOfPath(path);
    const mask = this.#hashes.length - 1;
    for (let at = Number(hash & BigInt(mask)); this.#hashes[at] !== 0n; at = (at + 1) & mask) {
      if (this.#hashes[at] !== hash) continue;
      const number = this.#numbers[at];
      const target = this.#owners[number];
      const paths = await withRecords(() => this.#targets.paths(target, this.#records));
      if (paths.includes(path)) return { number, target, stamp: this.#stamps[number] };
    }
    return null;
  }
}

/** What is noted of each path. */
class NotedPaths {
  n = 0;
  readonly owners = new Grower(Uint32Array);
  readonly stamps = new Grower(Uint32Array);
  readonly hashes = new Grower(Uint32Array);
  readonly directories = new Set<string>();
  readonly #nRunParts: number;

  constructor(runPath: string) {
    this.#nRunParts = runPath.split("/").length;
  }

  add(path: string, typeName: string, target: number, stamp: bigint): void {
    const i = this.n++;
    const hash = hashOfPath(path);
    this.owners.reach(i)[i] = target;
    const hashes = this.hashes.reach(2 * i + 1);
    hashes[2 * i] = Number(hash >> 32n);
    hashes[2 * i + 1] = Number(hash & 0xffffffffn);
    const pair = new Uint32Array(BigUint64Array.of(stamp).buffer);
    this.stamps.reach(2 * i + 1).set(pair, 2 * i);
    // A path by an older rule has as many parts for the RUN.
    const parts = path.split("/", this.#nRunParts + 1);
    const isUsual = parts[this.#nRunParts] === typeName &&
      path.length > parts.join("/").length;
    this.directories.add(`${isUsual ? parts.join("/") : dirname(path)}/`);
  }
}

/** Those that aren't inside another. */
function outermost(directories: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (const directory of [...directories].sort()) {
    const last = kept.at(-1);
    if (last === undefined || !directory.startsWith(last)) kept.push(directory);
  }
  return kept;
}
