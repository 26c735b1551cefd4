/**
 * What the graph keeps of the files of targets, read batch by batch.
 *
 * @module
 */

import { UUID_SIZE } from "../../base/uuid.ts";
import { ProofOf } from "../../provenance/originals/file_digests.ts";
import type { QuantaFiles } from "../../qg/quanta_files.ts";
import { NO_QUANTUM, type Targets } from "../../provenance/targets.ts";
import { FILE_PROOF_SIZE, QUANTUM_PROOFS_SIZE } from "../../provenance/originals/proof_sizes.ts";
import type { Originals } from "./deleter_messages.ts";

/** Records read at a time: 1 MiB. */
const WINDOW_SIZE = Math.floor(2 ** 20 / QUANTUM_PROOFS_SIZE);

/** Proofs of targets. Memory: 1 MiB. */
export class OriginalProofs {
  /** Null if the graph has none. */
  readonly #files: QuantaFiles | null;
  readonly #targets: Targets;
  readonly #nQuanta: number;
  #window: Uint8Array = new Uint8Array(0);
  #first = 0;

  constructor(files: QuantaFiles | null, targets: Targets, nQuanta: number) {
    this.#files = files;
    this.#targets = targets;
    this.#nQuanta = nQuanta;
  }

  /**
   * Columns for the deleter.
   *
   * @param paths Where originals may be.
   * @param owners The target of each; quickest in ascending order.
   */
  async originals(paths: string[], owners: readonly number[]): Promise<Originals> {
    const n = paths.length;
    const targets = this.#targets;
    const typeIndex = new Uint16Array(n);
    const ids = new Uint8Array(n * UUID_SIZE);
    const proofs = new Uint8Array(n * FILE_PROOF_SIZE);
    for (let i = 0; i < n; i++) {
      const target = owners[i];
      typeIndex[i] = targets.typeIndex(target);
      ids.set(targets.id(target), i * UUID_SIZE);
      const quantum = targets.quantum[target];
      if (this.#files === null || quantum === NO_QUANTUM) continue;
      if (!this.#isInWindow(quantum)) await this.#load(this.#files, quantum);
      const kind = targets.originalTypes[typeIndex[i]].kind;
      const which = kind === "log" ? ProofOf.LOG : ProofOf.METADATA;
      const at = (quantum - this.#first) * QUANTUM_PROOFS_SIZE + which * FILE_PROOF_SIZE;
      proofs.set(this.#window.subarray(at, at + FILE_PROOF_SIZE), i * FILE_PROOF_SIZE);
    }
    return { paths, typeIndex, ids, proofs };
  }

  #isInWindow(quantum: number): boolean {
    return quantum >= this.#first &&
      quantum < this.#first + this.#window.length / QUANTUM_PROOFS_SIZE;
  }

  async #load(files: QuantaFiles, quantum: number): Promise<void> {
    this.#window = await files.read(quantum, Math.min(WINDOW_SIZE, this.#nQuanta - quantum));
    this.#first = quantum;
  }
}
