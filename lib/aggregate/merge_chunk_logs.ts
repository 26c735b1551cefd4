/**
 * Merges chunk logs of one predicted graph: of shards scanned on different nodes, or of a run begun
 * twice. Blocks are copied as they are where the dictionaries agree, and compressed anew otherwise.
 * Source: design notes, section 3.
 *
 * @module
 */

import { ByteBuilder, readBigEndian } from "../base/bytes.ts";
import { RefusedError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { loadChunkLog, type LoadedChunkLog } from "../provenance/chunk_table.ts";
import { makeHeaderChunk } from "../provenance/chunk_log_header.ts";
import type { GraphIndex } from "../provenance/graph_index.ts";
import { ScanStatus } from "../provenance/quantum_status.ts";
import { appendScanChunk, type ChunkDataset, ScanHead } from "../provenance/scan_chunk.ts";
import { parseHeader } from "../qg/header.ts";
import {
  CHUNK_PREFIX_SIZE,
  type ChunkDamage,
  ChunkLogWriter,
  chunkSize,
  readChunkPrefix,
} from "../store/chunk_log.ts";
import { renameDurably, temporaryPath } from "../store/durable_file.ts";
import { FileSource } from "../store/file_source.ts";
import type { Zstd, ZstdCompressor, ZstdDecompressor } from "../store/zstd.ts";

/** What a merge came to. */
export interface MergeSummary {
  /** Quanta that have a chunk in the merged log. */
  nQuanta: number;
  /** Chunks left out because another log had a newer one of the same quantum. */
  nReplaced: number;
  /** Chunks compressed anew because their log has another dictionary. */
  nRecompressed: number;
  /** Damage in any of the logs; the quanta concerned are scanned again later. */
  damages: { path: string; damage: ChunkDamage }[];
}

interface OpenLog {
  path: string;
  source: FileSource;
  loaded: LoadedChunkLog;
}

const FLUSH_SIZE = 1 << 20;

/**
 * Merges chunk logs into a new one, which appears under its name complete and durable or not at all.
 * Of several chunks of a quantum the one with the newest files wins: whether it still holds is found
 * out when it is used. Memory: 66 bytes a quantum for each log.
 *
 * @param fingerprint That of the predicted graph; logs of another are refused.
 * @throws {RefusedError} if a log belongs to another graph or holds nothing.
 * @throws {InvalidChunkLogError} if a file is no chunk log.
 */
export function mergeChunkLogs(
  paths: readonly string[],
  outputPath: string,
  index: GraphIndex,
  fingerprint: string,
  zstd: Zstd,
  zstdLevel: number,
): MergeSummary {
  const logs: OpenLog[] = [];
  try {
    for (const path of paths) logs.push(openLog(path, index, fingerprint));
    const summary: MergeSummary = { nQuanta: 0, nReplaced: 0, nRecompressed: 0, damages: [] };
    for (const { path, loaded } of logs) {
      for (const damage of loaded.damages) summary.damages.push({ path, damage });
    }
    const temporary = temporaryPath(outputPath);
    try {
      using writer = ChunkLogWriter.create(temporary);
      writeMerged(writer, logs, index, zstd, zstdLevel, summary);
      writer.sync();
    } catch (error) {
      Deno.removeSync(temporary);
      throw error;
    }
    renameDurably(temporary, outputPath);
    return summary;
  } finally {
    for (const { source } of logs) source.close();
  }
}

function openLog(path: string, index: GraphIndex, fingerprint: string): OpenLog {
  const source = FileSource.open(path);
  try {
    const loaded = loadChunkLog(source, index);
    if (loaded === null) {
      throw new RefusedError(`Cannot merge chunk log "${path}": it holds no header`, {
        hint: "scan that shard again",
      });
    }
    if (loaded.header.fingerprint !== fingerprint) {
      throw new RefusedError(
        `Cannot merge chunk log "${path}": it belongs to another predicted graph`,
      );
    }
    return { path, source, loaded };
  } catch (error) {
    source.close();
    throw error;
  }
}

function writeMerged(
  writer: ChunkLogWriter,
  logs: readonly OpenLog[],
  index: GraphIndex,
  zstd: Zstd,
  zstdLevel: number,
  summary: MergeSummary,
): void {
  const { graphHeaderText, dictionary } = logs[0].loaded.header;
  const intSize = parseHeader(graphHeaderText, logs[0].path, "predicted").int_size;
  writer.append(makeHeaderChunk(logs[0].loaded.header));
  const recompressors = logs.map(({ loaded }) =>
    equalBytes(loaded.header.dictionary, dictionary) ? null : new Recompressor(
      zstd.decompressor(loaded.header.dictionary),
      zstd.compressor(dictionary, zstdLevel),
      intSize,
    )
  );
  const out = new ByteBuilder();
  for (let q = 0; q < index.nQuanta; q++) {
    const holders = logs.filter(({ loaded }) => loaded.table.chunkOffset[q] >= 0);
    if (holders.length === 0) continue;
    const best = holders.reduce((a, b) => isNewer(b.loaded, a.loaded, q) ? b : a);
    summary.nQuanta++;
    summary.nReplaced += holders.length - 1;
    const { chunkOffset, chunkSize } = best.loaded.table;
    const chunk = best.source.readSync(chunkOffset[q], chunkSize[q]);
    const recompressor = recompressors[logs.indexOf(best)];
    if (recompressor === null) out.bytes(chunk);
    else {
      recompressor.append(out, chunk, best.path);
      summary.nRecompressed++;
    }
    if (out.length >= FLUSH_SIZE) {
      writer.append(out.view());
      out.reset();
    }
  }
  writer.append(out.view());
}

/** A success beats everything else; then the files that were written last. */
function isNewer(a: LoadedChunkLog, b: LoadedChunkLog, q: number): boolean {
  const succeeded = (log: LoadedChunkLog) => log.table.scanStatus[q] === ScanStatus.SUCCESSFUL;
  if (succeeded(a) !== succeeded(b)) return succeeded(a);
  const newest = ({ table: { identities } }: LoadedChunkLog) =>
    identities[q * 4 + 1] > identities[q * 4 + 3] ? identities[q * 4 + 1] : identities[q * 4 + 3];
  return newest(a) > newest(b);
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Writes chunks again with another dictionary. */
class Recompressor {
  readonly #from: ZstdDecompressor;
  readonly #to: ZstdCompressor;
  readonly #intSize: number;

  constructor(from: ZstdDecompressor, to: ZstdCompressor, intSize: number) {
    this.#from = from;
    this.#to = to;
    this.#intSize = intSize;
  }

  append(out: ByteBuilder, chunk: Uint8Array, path: string): void {
    const place = readChunkPrefix(chunk, 0, 0)!;
    const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
    const head = new ScanHead(chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart), `"${path}"`);
    let at = bodyStart;
    const end = chunkSize(place.headSize, place.bodySize);
    const next = (size: number): Uint8Array | null => {
      if (size === 0) return null;
      const length = readBigEndian(chunk, at, this.#intSize);
      const frame = chunk.subarray(at + this.#intSize, Math.min(at + this.#intSize + length, end));
      at += size;
      return this.#to.compress(this.#from.decompress(frame, `block of "${path}"`));
    };
    const quantumFrame = next(head.quantumSize);
    const metadataFrame = next(head.metadataSize);
    const logFrame = next(head.logSize);
    const datasets: ChunkDataset[] = [];
    for (let i = 0; i < head.nDatasets; i++) {
      datasets.push({
        id: head.datasetId(i).slice(0, UUID_SIZE),
        frame: next(head.datasetSize(i))!,
        wasProduced: head.wasProduced(i),
        role: head.datasetRole(i),
      });
    }
    appendScanChunk(out, place.type, this.#intSize, {
      quantumId: head.quantumId,
      scanStatus: head.scanStatus,
      lastAttemptStatus: head.lastAttemptStatus,
      flags: head.flags,
      log: head.log,
      metadata: head.metadata,
      quantumFrame,
      metadataFrame,
      logFrame,
      datasets,
    });
  }
}
