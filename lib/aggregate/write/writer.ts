/**
 * What the writer does: appends chunks to the chunk log and, in the end, makes the graph of them.
 *
 * @module
 */

import { InvalidChunkLogError } from "../../base/errors.ts";
import { idPlaces, sortIds } from "../../base/sort_ids.ts";
import { makeIndexChunks } from "../../chunks/index_chunks.ts";
import { type ChunkTable, enterChunk, makeChunkTable } from "../../chunks/table.ts";
import { ChunkLogWriter } from "../../chunks/writer.ts";
import { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { fsyncDirectory } from "../../storage/durable_file.ts";
import { failpoint } from "../../storage/failpoints.ts";
import { WorkerLog } from "../../storage/worker_log.ts";
import { graphPathOf } from "../../chunks/chunk_log_path.ts";
import type { CopiedShare, CopyShare } from "../copy_share.ts";
import type { WriterRequest, WriterSetup } from "../messages.ts";
import { GraphDraft } from "./finish_graph.ts";
import {
  CHUNK_PREFIX_SIZE,
  chunkSize,
  ChunkType,
  readChunkPrefix,
} from "../../chunks/chunk_format.ts";
import { ScanHead } from "../../chunks/scan_head.ts";
import { fileError } from "../../storage/file_errors.ts";

type FinishRequest = Extract<WriterRequest, { kind: "finish" }>;

/** What writes Parquet, which scans of `--incomplete` and of shards don't need. */
type TableWriter = typeof import("../../provenance/table/table_writer.ts");

async function loadTableWriter(): Promise<TableWriter> {
  return await import(import.meta.resolve("../../provenance/table/table_writer.ts"));
}

/** The one writer of the chunk log and the graph. */
export class Writer {
  readonly #setup: WriterSetup;
  readonly #log: ChunkLogWriter;
  readonly #index: GraphIndex;
  readonly #table: ChunkTable;
  // What chunks of earlier runs say counts only once this run has come to the same.
  readonly #isLive: Uint8Array;
  #nLive = 0;
  readonly #workerLog: WorkerLog;
  /** Datasets of the index in the order of their ids. */
  readonly #datasetOrder: Uint32Array;
  #initChunkOffset = -1;
  #draft: GraphDraft | null = null;
  /** Null if there is to be no table. */
  readonly #tableWriter: Promise<TableWriter> | null;

  constructor(setup: WriterSetup) {
    this.#setup = setup;
    this.#workerLog = WorkerLog.open(setup.workerLog, setup.name);
    this.#index = new GraphIndex(setup.index, setup.indexSeed);
    this.#table = setup.reuse ?? makeChunkTable(this.#index.nQuanta);
    this.#isLive = new Uint8Array(this.#index.nQuanta);
    if (setup.headerChunk === null) {
      this.#log = ChunkLogWriter.resume(setup.chunkLogPath, setup.resumeSize);
    } else {
      this.#log = ChunkLogWriter.create(setup.chunkLogPath, graphPathOf(setup.chunkLogPath));
      this.#log.append(setup.headerChunk);
      failpoint("chunks.header-written");
      this.#log.sync();
      fsyncDirectory(setup.chunkLogPath.replace(/[^/]*$/, "") || ".");
      for (const chunk of makeIndexChunks(setup.index, setup.contentKey)) this.#log.append(chunk);
    }
    // Now, when the scanners have the processors to themselves, and not when all wait for the graph.
    this.#tableWriter = setup.quantaTable && loadTableWriter();
    // Who waits for it is told; nobody may.
    this.#tableWriter?.catch(() => {});
    const { nDatasets } = this.#index;
    this.#datasetOrder = setup.isWritingGraph
      ? sortIds(setup.index.datasetIds, idPlaces(nDatasets))
      : new Uint32Array(0);
  }

  /** Appends the chunks of a batch, and notes which earlier ones hold. */
  append(chunks: Uint8Array | null, reused: Uint32Array): void {
    for (const q of reused) this.#setLive(q);
    if (chunks === null) return;
    failpoint("chunks.before-append");
    const offset = this.#log.append(chunks);
    this.#workerLog.log("DEBUG", `Appended ${chunks.length} bytes at ${offset}.`);
    failpoint("chunks.appended");
    let at = 0;
    while (at < chunks.length) {
      const place = readChunkPrefix(chunks, at, offset + at);
      if (place === null) {
        throw new InvalidChunkLogError(`Cannot append to "${this.#log.path}": a chunk is damaged`);
      }
      const size = chunkSize(place.headSize, place.bodySize);
      if (place.type === ChunkType.INIT) this.#initChunkOffset = place.offset;
      else {
        const head = new ScanHead(
          chunks.subarray(at + CHUNK_PREFIX_SIZE, at + CHUNK_PREFIX_SIZE + place.headSize),
          `"${this.#log.path}"`,
        );
        this.#setLive(enterChunk(this.#table, this.#index, place.offset, size, head));
      }
      at += size;
    }
  }

  #setLive(q: number): void {
    if (this.#isLive[q] === 0) this.#nLive++;
    this.#isLive[q] = 1;
  }

  /** Puts what was appended on the disk. */
  sync(): void {
    this.#log.sync();
  }

  /**
   * Begins the graph.
   *
   * @returns what others have to copy before {@linkcode complete}.
   */
  async beginGraph(
    { outputPath, documents, intSize, nShares }: FinishRequest,
  ): Promise<readonly CopyShare[]> {
    if (this.#nLive !== this.#index.nQuanta || this.#initChunkOffset < 0) {
      throw new Error(
        `Cannot finish graph: ${this.#nLive} of ${this.#index.nQuanta} quanta have a chunk`,
      );
    }
    this.#workerLog.log("INFO", `Making the provenance graph of ${this.#nLive} quanta.`);
    const { quantaTable } = this.#setup;
    this.#draft = GraphDraft.create({
      index: this.#index,
      chunkLogPath: this.#log.path,
      table: this.#table,
      initChunkOffset: this.#initChunkOffset,
      datasetOrder: this.#datasetOrder,
      documents,
      intSize,
      outputPath,
      quantaTable: quantaTable && { ...quantaTable, write: (await this.#tableWriter!).writeTable },
    }, nShares);
    return this.#draft.shares;
  }

  /**
   * Completes the graph, which gets its final name by {@linkcode publish}.
   *
   * @param copied What has become of each share.
   * @returns bytes of the graph; null if it was given up because the stop flag was raised.
   */
  complete(
    copied: readonly (CopiedShare | null)[],
    progress: (text: string) => void,
  ): number | null {
    const isStopped = () => Atomics.load(this.#setup.stopFlag, 0) !== 0;
    const size = this.#draft!.finish(copied, isStopped, progress);
    this.#workerLog.log("INFO", size === null ? "Given up." : `The graph has ${size} bytes.`);
    return size;
  }

  /** Gives the graph its final name and removes the chunk log, unless it is to be kept. */
  publish(keepChunks: boolean): void {
    if (keepChunks) this.#log.sync();
    this.#draft!.publish();
    if (keepChunks) return;
    this.close();
    try {
      Deno.removeSync(this.#log.path);
    } catch (error) {
      throw fileError("remove chunk log", this.#log.path, error);
    }
    failpoint("finish.chunks-removed");
  }

  /** Closes the chunk log. */
  close(): void {
    this.#log[Symbol.dispose]();
    this.#workerLog[Symbol.dispose]();
  }
}
