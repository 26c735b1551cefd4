/**
 * A provenance graph whose every byte was checked, and which file that was: what is registered, and what
 * originals are deleted for, is this file and no other.
 *
 * @module
 */

import { InvalidQuantumGraphFileError, RefusedError } from "../base/errors.ts";
import { nodeCrypto } from "../base/node_modules.ts";
import type { DatastoreRecord } from "../butler/registry/registry.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { FileSource } from "../storage/file_source.ts";
import { type FileStamp, requireStamp, stampOf } from "../storage/file_stamp.ts";
import type { LocalCopy } from "../storage/remote/local_copy.ts";
import type { Zstd } from "../codec/zstd.ts";
import type { PlacedGraph, ReadableGraph } from "./remote/placed_graph.ts";
import { verifyDocuments } from "./graph_documents.ts";

/** Bytes read at a time for the checksum. */
const PIECE_SIZE = 1 << 20;

/** An open graph and its file. */
export class VerifiedGraph implements Disposable {
  /** Where it was opened: of a graph in a remote store, its copy on this machine. */
  readonly path: string;
  readonly graph: ProvenanceGraph;
  /** The opened file, whatever becomes of its name. */
  readonly source: FileSource;
  /** Which file was opened. */
  readonly stamp: FileStamp;
  /** The graph at its own place, which may be that of the copied object. */
  readonly placed: PlacedGraph;
  readonly #copy: LocalCopy | null;
  #checksum: string | null = null;

  private constructor(readable: ReadableGraph, graph: ProvenanceGraph, source: FileSource) {
    this.path = readable.path;
    this.graph = graph;
    this.source = source;
    this.stamp = stampOf(source.info());
    this.placed = readable.placed ?? { path: this.path, stamp: this.stamp };
    this.#copy = readable.copy;
  }

  /**
   * Opens a graph; {@linkcode verify} checks it.
   *
   * @throws as `ProvenanceGraph.open`, and if the file can't be opened.
   */
  static async open(path: string, zstd: Zstd): Promise<VerifiedGraph> {
    return await VerifiedGraph.openReadable({ path, copy: null, placed: null }, zstd);
  }

  /** As {@linkcode open}; a copy is removed with it. */
  static async openReadable(readable: ReadableGraph, zstd: Zstd): Promise<VerifiedGraph> {
    using opened = new DisposableStack();
    if (readable.copy !== null) opened.use(readable.copy);
    const { path, placed } = readable;
    const source = opened.use(FileSource.open(path, placed?.path));
    const graph = opened.use(await ProvenanceGraph.open(source, zstd));
    const verified = new VerifiedGraph(readable, graph, source);
    opened.move();
    return verified;
  }

  /**
   * Checks every byte of it: structure, checksum of each member, and that all documents can be read. It is,
   * or is about to be, the only copy of what the originals hold: so it is done anew whenever originals may
   * be deleted, also by who goes on with what another process began.
   *
   * @param record What the datastore says of the file, null if it isn't registered.
   * @param onRead Told the bytes of each piece that was read.
   * @throws {InvalidQuantumGraphFileError} naming what is damaged.
   * @throws {RefusedError} if its size or checksum isn't that of its record.
   */
  async verify(
    record: DatastoreRecord | null,
    onRead: (nBytes: number) => void = () => {},
  ): Promise<void> {
    try {
      this.#compareRecord(record);
      await this.graph.verifyStructure();
      await this.graph.verifyBlocks(onRead);
      await verifyDocuments(this.graph);
    } catch (error) {
      if (!(error instanceof InvalidQuantumGraphFileError)) throw error;
      throw new InvalidQuantumGraphFileError(error.message, {
        cause: error,
        hint: error.hint ?? this.#hint(record !== null),
      });
    }
  }

  #hint(isRegistered: boolean): string {
    return isRegistered
      ? `nothing was deleted; ${this.#whatListsDamage()}; put a sound copy of the graph in its place, ` +
        "then run the same command again"
      : "nothing was changed; write the graph again with aggregate-graph: all originals are there";
  }

  #whatListsDamage(): string {
    const { path } = this.placed;
    return path === this.path
      ? `provgraph check "${path}" --read-data lists the damage`
      : "provgraph check REPO --run RUN --read-data lists the damage";
  }

  #compareRecord(record: DatastoreRecord | null): void {
    if (record === null) return;
    const { fileSize, checksum } = record;
    const { size } = this.stamp;
    if (fileSize !== null && fileSize >= 0 && fileSize !== size) {
      throw new RefusedError(
        `Cannot use provenance graph "${this.placed.path}": it has ${size} bytes, its record says ${fileSize}`,
        { hint: this.#hint(true) },
      );
    }
    // Longer ones are of another algorithm, which a later reference may use.
    if (checksum === null || checksum.length !== this.checksum().length) return;
    if (checksum.toLowerCase() !== this.checksum()) {
      throw new RefusedError(
        `Cannot use provenance graph "${this.placed.path}": its checksum is not that of its record`,
        { hint: this.#hint(true) },
      );
    }
  }

  /**
   * BLAKE2b with a digest of 64 bytes over the whole file, lower-case hexadecimal: what the datastore of
   * the reference records if its configuration says `checksum: true`. Read once.
   *
   * Source: daf_butler, `FileDatastore.computeChecksum`.
   */
  checksum(): string {
    if (this.#checksum !== null) return this.#checksum;
    const hash = nodeCrypto().createHash("blake2b512");
    const { size } = this.stamp;
    const piece = new Uint8Array(PIECE_SIZE);
    for (let at = 0; at < size; at += PIECE_SIZE) {
      const part = piece.subarray(0, Math.min(PIECE_SIZE, size - at));
      this.source.readInto(part, at);
      hash.update(part);
    }
    return this.#checksum = hash.digest("hex");
  }

  /**
   * Makes sure that the path still leads to the file that was checked, and that nobody wrote to it.
   *
   * @throws {EnvironmentError} if it doesn't.
   */
  requireUnchanged(): void {
    requireStamp(this.path, this.stamp, "graph");
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.graph.close();
    this.#copy?.[Symbol.dispose]();
  }
}
