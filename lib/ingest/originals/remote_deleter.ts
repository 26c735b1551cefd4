/**
 * Deletes originals in a remote store when all datasets of the RUN are registered as backed by the graph:
 * what is there is found by lists, a thousand a request, which tell as well whether an object is the one
 * that was read for the graph; any other is read and compared. Each is deleted right after it was listed.
 *
 * @module
 */

import { UnusableFileError } from "../../base/errors.ts";
import { tagStamp } from "../../provenance/originals/file_digests.ts";
import {
  type Original,
  OriginalProver,
  OTHER_CONTENT,
} from "../../provenance/originals/original_proof.ts";
import type { Targets } from "../../provenance/targets.ts";
import { failpoint } from "../../storage/failpoints.ts";
import { DEFAULT_MAX_FILE_SIZE } from "../../storage/file_source.ts";
import type { FileStamp } from "../../storage/file_stamp.ts";
import { eachAtOnce } from "../../storage/remote/at_once.ts";
import type { ListedObject, Storage } from "../../storage/remote/storage.ts";
import type { OriginalProofs } from "./original_proofs.ts";
import type { TargetPaths } from "./target_paths.ts";
import { FILE_PROOF_SIZE } from "../../provenance/originals/proof_sizes.ts";

/** Directories that are listed at once. */
const N_LISTS_AT_ONCE = 4;
/** Objects that are read at once to be compared; the window of the store has the last word. */
const N_READS_AT_ONCE = 64;
/** Objects deleted by one request, and such requests at once: a store may take a second for one. */
const BATCH_SIZE = 1000;
const N_BATCHES_AT_ONCE = 4;

/** What a deleter must know of the ingest. */
interface RemoteDeletion {
  storage: Storage;
  targets: Targets;
  paths: TargetPaths;
  /** Reads proofs for one of several that work at once. */
  proofs: () => Promise<OriginalProofs>;
  /** The graph on this machine, which is read where it has no digest of a file. */
  graph: { path: string; stamp: FileStamp };
  isDryRun: boolean;
}

/** What is told of a deletion. */
export interface DeletionEvents {
  /** Called now and then; throws to stop. */
  stopIfAsked(): Promise<void>;
  /** Called right before files are deleted; throws to stop. */
  beforeBatch(): Promise<void>;
  onDeleted(n: number): void;
  /** @param reason Predicate of a sentence about the file. */
  keep(path: string, reason: string): void;
}

/** One pass over a store. */
export class RemoteDeleter {
  readonly #deletion: RemoteDeletion;
  readonly #events: DeletionEvents;
  /** What may go. */
  readonly #proven: string[] = [];
  /** Whether an error ends the pass. */
  #isEnding = false;
  #failure: { error: unknown } | null = null;
  readonly #underWay = new Set<Promise<void>>();

  constructor(deletion: RemoteDeletion, events: DeletionEvents) {
    this.#deletion = deletion;
    this.#events = events;
  }

  /**
   * Deletes all originals whose content the graph has.
   *
   * @throws {EnvironmentError} if a list can't be read, or something can't be deleted.
   */
  async run(): Promise<void> {
    const { storage, paths, graph } = this.#deletion;
    await using prover = await OriginalProver.load(graph);
    await eachAtOnce(paths.directories, N_LISTS_AT_ONCE, async (directory) => {
      try {
        await this.#pass(storage.list(directory), prover);
      } catch (error) {
        this.#isEnding = true;
        throw error;
      }
    }).catch((error) => void (this.#failure ??= { error }));
    while (this.#proven.length > 0) await this.#begin();
    await Promise.all(this.#underWay);
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #pass(objects: AsyncIterable<ListedObject>, prover: OriginalProver): Promise<void> {
    const proofs = await this.#deletion.proofs();
    let unproven: Suspect[] = [];
    for await (const object of objects) {
      if (this.#isEnding) return;
      const suspect = await this.#see(object);
      if (suspect !== null) unproven.push(suspect);
      if (unproven.length >= N_READS_AT_ONCE) {
        await this.#events.stopIfAsked();
        await this.#compare(unproven, prover, proofs);
        unproven = [];
      }
      if (this.#proven.length >= BATCH_SIZE) await this.#begin();
    }
    await this.#compare(unproven, prover, proofs);
  }

  /** What has to be read before it is known whether it may go; null if all is known. */
  async #see({ path, version }: ListedObject): Promise<Suspect | null> {
    const { paths, targets } = this.#deletion;
    const found = await paths.find(path);
    if (found === null) return null;
    if (targets.produced[found.target] === 0) {
      this.#events.keep(path, "is not recorded in the provenance graph");
      return null;
    }
    const isSame = version.isExact === true && version.tag !== null && found.stamp !== 0n &&
      found.stamp === tagStamp(version.tag);
    if (!isSame) return { path, target: found.target };
    this.#proven.push(path);
    return null;
  }

  async #compare(
    suspects: readonly Suspect[],
    prover: OriginalProver,
    proofs: OriginalProofs,
  ): Promise<void> {
    const { storage, targets } = this.#deletion;
    const owners = suspects.map(({ target }) => target);
    const found = await proofs.originals(suspects.map(({ path }) => path), owners);
    await eachAtOnce(suspects.entries(), N_READS_AT_ONCE, async ([i, { path, target }]) => {
      const original: Original = {
        ...targets.originalTypes[targets.typeIndex(target)],
        id: targets.id(target),
        proof: found.proofs.subarray(i * FILE_PROOF_SIZE, (i + 1) * FILE_PROOF_SIZE),
      };
      try {
        const file = await storage.readWhole(path, DEFAULT_MAX_FILE_SIZE);
        if (file === null) return;
        if (await prover.hasContent(file.bytes, original)) this.#proven.push(path);
        else this.#events.keep(path, OTHER_CONTENT);
      } catch (error) {
        if (!(error instanceof UnusableFileError)) throw error;
        this.#events.keep(path, "has more bytes than any file that is recorded");
      }
    });
  }

  /** Begins a deletion when fewer are under way; lists go on meanwhile. */
  async #begin(): Promise<void> {
    while (this.#underWay.size >= N_BATCHES_AT_ONCE) await Promise.race(this.#underWay);
    if (this.#proven.length === 0) return;
    if (this.#isEnding) return void (this.#proven.length = 0);
    const flush = this.#flush().catch((error) => {
      this.#isEnding = true;
      this.#failure ??= { error };
    }).finally(() => this.#underWay.delete(flush));
    this.#underWay.add(flush);
  }

  async #flush(): Promise<void> {
    const batch = this.#proven.splice(0, BATCH_SIZE);
    const { storage, isDryRun } = this.#deletion;
    await this.#events.beforeBatch();
    if (isDryRun) return this.#events.onDeleted(batch.length);
    failpoint("delete.before");
    await storage.deleteMany(batch, (n) => {
      this.#events.onDeleted(n);
      failpoint("delete.one");
    });
    failpoint("delete.batch");
  }
}

/** An object of which it isn't known whether the graph has its content. */
interface Suspect {
  path: string;
  target: number;
}
