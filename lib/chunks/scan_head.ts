/**
 * The head of a chunk: a fixed layout that says what of a quantum the body holds. Little-endian; byte map in
 * `schema/chunk-log.md`.
 *
 * @module
 */

import { InvalidChunkLogError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { QUANTUM_PROOFS_SIZE } from "../provenance/originals/proof_sizes.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";

/** Bytes of the head before its list of datasets. */
export const SCAN_HEAD_SIZE = 72;
/** Bytes of one dataset in the head. */
export const DATASET_ENTRY_SIZE = 24;

/** What a dataset is to the quantum of a chunk. Numbers are part of the format. */
export const DatasetRole = { OTHER: 0, METADATA: 1, LOG: 2, INPUT: 3 } as const;

/** Identity of a file that was read; size -1 says that there was none. */
export interface FileIdentity {
  sizeBytes: number;
  mtimeNs: bigint;
}

/** Identity of a file that isn't there. */
export const NO_FILE: FileIdentity = { sizeBytes: -1, mtimeNs: 0n };

/** Head of a chunk as read. Sizes include the length prefix; 0 says that there is no such block. */
export class ScanHead {
  readonly #head: Uint8Array;
  readonly #view: DataView;

  /**
   * @throws {InvalidChunkLogError} if the head's length doesn't fit its counts.
   */
  constructor(head: Uint8Array, where: string) {
    this.#head = head;
    this.#view = new DataView(head.buffer, head.byteOffset, head.length);
    const proofsSize = head.length < SCAN_HEAD_SIZE ? -1 : head.length - this.#proofsAt;
    if (proofsSize !== 0 && proofsSize !== QUANTUM_PROOFS_SIZE) {
      throw new InvalidChunkLogError(
        `Cannot read chunk of ${where}: its head has ${head.length} bytes, which doesn't fit`,
      );
    }
  }

  /** 16 bytes. */
  get quantumId(): Uint8Array {
    return this.#head.subarray(0, UUID_SIZE);
  }
  get scanStatus(): number {
    return this.#head[16];
  }
  get lastAttemptStatus(): number {
    return this.#view.getInt8(17);
  }
  get flags(): number {
    return this.#head[18];
  }
  get nDatasets(): number {
    return this.#view.getUint32(20, true);
  }
  get quantumSize(): number {
    return this.#view.getUint32(28, true);
  }
  get metadataSize(): number {
    return this.#view.getUint32(32, true);
  }
  get logSize(): number {
    return this.#view.getUint32(36, true);
  }
  get log(): FileIdentity {
    return this.#identity(40);
  }
  get metadata(): FileIdentity {
    return this.#identity(56);
  }
  /** Stamps and digests of log and metadata file, a view; null if the chunk has none. */
  get proofs(): Uint8Array | null {
    const at = this.#proofsAt;
    return this.#head.length === at ? null : this.#head.subarray(at);
  }
  get #proofsAt(): number {
    return SCAN_HEAD_SIZE + this.nDatasets * DATASET_ENTRY_SIZE;
  }
  #identity(at: number): FileIdentity {
    return {
      sizeBytes: Number(this.#view.getBigInt64(at, true)),
      mtimeNs: this.#view.getBigInt64(at + 8, true),
    };
  }
  /** 16 bytes. */
  datasetId(i: number): Uint8Array {
    const at = SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE;
    return this.#head.subarray(at, at + UUID_SIZE);
  }
  /**
   * Number of a dataset in the graph's index, or -1.
   *
   * @param q The quantum, if it is known: its outputs mostly stand in the order of the graph, and need
   *   no search then.
   */
  findDataset(index: GraphIndex, q: number, i: number): number {
    const at = SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE;
    if (q >= 0) {
      const d = index.outputAt(q, i, this.#head, at);
      if (d >= 0) return d;
    }
    return index.findDataset(this.#head, at);
  }
  datasetSize(i: number): number {
    return this.#view.getUint32(SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE + 16, true);
  }
  wasProduced(i: number): boolean {
    return this.#head[SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE + 20] !== 0;
  }
  datasetRole(i: number): number {
    return this.#head[SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE + 21];
  }
  /** Bytes of all dataset blocks together; they lie behind the other three blocks. */
  get datasetsSize(): number {
    let size = 0;
    const { nDatasets } = this;
    for (let i = 0; i < nDatasets; i++) size += this.datasetSize(i);
    return size;
  }
}
