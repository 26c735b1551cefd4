/**
 * Deletes original files, many at a time, in a worker of its own while the next batch is registered.
 * Each is looked at before: only one whose content the registered graph has is deleted.
 *
 * @module
 */

import { UUID_SIZE } from "../../base/uuid.ts";
import { absolutePath } from "../../butler/datastore/datastore_path.ts";
import {
  type Finding,
  isSameVersion,
  lookAtOriginal,
} from "../../provenance/originals/original_look.ts";
import type { OriginalProver } from "../../provenance/originals/original_proof.ts";
import { failpoint } from "../../storage/failpoints.ts";
import { requireStamp } from "../../storage/file_stamp.ts";
import { FILE_PROOF_SIZE } from "../../provenance/originals/proof_sizes.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";
import type { DeleterSetup, Deletion, Originals } from "./deleter_messages.ts";

/**
 * Deletions under way at a time. Where each waits for the disk, one by one takes four times as long, and 48
 * a third longer; each takes a thread of the runtime, of which there are at most 512.
 */
const N_IN_FLIGHT = 192;

/** Deletes files below a root. */
export class Deleter implements AsyncDisposable {
  readonly #setup: DeleterSetup;
  #prover: Promise<OriginalProver> | null = null;

  constructor(setup: DeleterSetup) {
    this.#setup = setup;
  }

  /**
   * Deletes files whose content the graph has. One that isn't there is no error: an earlier process may
   * have got that far.
   *
   * @throws {EnvironmentError} for the first that can't be deleted, when all have been tried; if the graph
   *   isn't there any more, at once.
   */
  async delete(originals: Originals): Promise<Deletion> {
    const startMs = performance.now();
    failpoint("delete.before");
    const { paths, root = this.#setup.root } = originals;
    const { graph } = this.#setup;
    if (paths.length > 0) requireStamp(graph.path, graph.stamp, "graph");
    const deletion: Deletion = { nDeleted: 0, nAbsent: 0, kept: [], seconds: 0 };
    let next = 0;
    let failure: unknown = null;
    const run = async () => {
      while (next < paths.length) {
        const i = next++;
        const path = absolutePath(root, paths[i]);
        try {
          const finding = await this.#deleteOne(path, originals, i);
          if (finding.state === "absent") deletion.nAbsent++;
          else if (finding.state === "same") {
            deletion.nDeleted++;
            failpoint("delete.one");
          } else {
            const named = originals.root === undefined ? paths[i] : path;
            deletion.kept.push({ path: named, reason: finding.reason });
          }
        } catch (error) {
          failure ??= fileError("delete original file", path, error);
        }
      }
    };
    await Promise.all(Array.from({ length: N_IN_FLIGHT }, run));
    if (failure !== null) throw failure;
    failpoint("delete.batch");
    deletion.seconds = (performance.now() - startMs) / 1000;
    return deletion;
  }

  async #deleteOne(path: string, originals: Originals, i: number): Promise<Finding> {
    const proof = originals.proofs.subarray(i * FILE_PROOF_SIZE, (i + 1) * FILE_PROOF_SIZE);
    let finding = lookAtOriginal(path, proof);
    if (finding === null) {
      finding = await (await this.#loadProver()).compare(path, {
        ...this.#setup.types[originals.typeIndex[i]],
        id: originals.ids.subarray(i * UUID_SIZE, (i + 1) * UUID_SIZE),
        proof,
      });
      // Reading took time. What is deleted by its name must still be what was read.
      if (finding.state === "same" && !isStillThere(path, finding.file)) {
        finding = { state: "other", reason: "is being written to" };
      }
    }
    if (finding.state !== "same" || this.#setup.isDryRun) return finding;
    try {
      await Deno.remove(path);
    } catch (error) {
      if (isAbsence(error)) return { state: "absent" };
      throw error;
    }
    return finding;
  }

  /** Loaded when a stamp doesn't tell: it takes as long as some hundred deletions. */
  #loadProver(): Promise<OriginalProver> {
    return this.#prover ??= loadProofs()
      .then(({ OriginalProver }) => OriginalProver.load(this.#setup.graph));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#prover)?.[Symbol.asyncDispose]();
  }
}

async function loadProofs(): Promise<
  typeof import("../../provenance/originals/original_proof.ts")
> {
  return await import(import.meta.resolve("../../provenance/originals/original_proof.ts"));
}

function isStillThere(path: string, file: Deno.FileInfo): boolean {
  try {
    return isSameVersion(Deno.statSync(path), file);
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
