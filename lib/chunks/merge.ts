/**
 * Merges chunk logs of one predicted graph: of shards scanned on different nodes, or of a run begun
 * twice. Blocks are copied as they are where the dictionaries agree, and compressed anew otherwise.
 *
 * @module
 */

import { graphPathOf } from "./chunk_log_path.ts";
import { ByteBuilder, equalBytes, readBigEndian } from "../base/bytes.ts";
import { EnvironmentError, RefusedError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { ZstdCompressor, ZstdDecompressor } from "../codec/codecs.ts";
import type { Zstd } from "../codec/zstd.ts";
import { ScanStatus } from "../provenance/quantum_status.ts";
import { parseHeader } from "../qg/header.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { FileSource } from "../storage/file_source.ts";
import { identityOf } from "../storage/regular_file.ts";
import { TemporaryFile } from "../storage/temporary_file.ts";
import { type BlockCompressors, blockCompressors } from "./block_stage.ts";
import { type ChunkLogHeader, makeHeaderChunk } from "./header.ts";
import type { MergeSummary } from "./merge_summary.ts";
import { appendScanChunk, type ChunkDataset } from "./scan_chunk.ts";
import { type ChunkLogPass, visitChunkLog } from "./table.ts";
import { ChunkLogWriter } from "./writer.ts";
import { fileError } from "../storage/file_errors.ts";
import { CHUNK_PREFIX_SIZE, chunkSize, isChunkSound, readChunkPrefix } from "./chunk_format.ts";
import { ScanHead } from "./scan_head.ts";

/** A log that takes part. */
interface MergedLog {
  path: string;
  /** Device and inode: another file that takes its name meanwhile must not be read by its offsets. */
  identity: string;
  header: ChunkLogHeader;
}

const FLUSH_SIZE = 1 << 20;

/** Which chunk of each quantum is taken. Memory: 25 bytes a quantum, however many logs there are. */
interface Choice {
  /** Number of the log, or -1. */
  log: Int32Array;
  offset: Float64Array;
  size: Uint32Array;
  scanStatus: Uint8Array;
  /** Newest of the times of its files, nanoseconds. */
  newest: BigInt64Array;
}

/**
 * Merges chunk logs into a new one, which appears under its name complete and durable or not at all.
 * Of several chunks of a quantum the one with the newest files wins: whether it still holds is found
 * out when it is used. Each log is passed over twice and only one is open at a time.
 *
 * @param paths May name one file several times, and the output itself. Of equal chunks the one of the
 *   log named first is taken.
 * @param fingerprint That of the predicted graph; logs of another are refused.
 * @param dictionary The dictionary of the merged log; by default the one that most chunks have.
 * @returns null if no log has a sound header: then nothing is written.
 * @throws {RefusedError} if a log belongs to another graph.
 * @throws {InvalidChunkLogError} if a file is no chunk log.
 * @throws {EnvironmentError} if a log is replaced or changed meanwhile.
 */
export function mergeChunkLogs(
  paths: readonly string[],
  outputPath: string,
  index: GraphIndex,
  fingerprint: string,
  zstd: Zstd,
  zstdLevel: number,
  dictionary?: Uint8Array,
): MergeSummary | null {
  const summary: MergeSummary = {
    nLogs: 0,
    nQuanta: 0,
    nReplaced: 0,
    nRecompressed: 0,
    emptyPaths: [],
    damages: [],
  };
  const logs: MergedLog[] = [];
  const choice = makeChoice(index.nQuanta);
  for (const path of paths) {
    const identity = identityAt(path);
    if (logs.some((log) => log.identity === identity)) continue;
    const pass = choose(choice, logs.length, path, index, summary);
    if (pass === null) {
      summary.emptyPaths.push(path);
      continue;
    }
    if (pass.header.fingerprint !== fingerprint) {
      throw new RefusedError(
        `Cannot merge chunk log "${path}": it belongs to another predicted graph`,
        { hint: "give the chunk logs of this graph only, or another --output" },
      );
    }
    for (const damage of pass.damages) summary.damages.push({ path, damage });
    logs.push({ path, identity, header: withSharedDictionary(pass.header, logs) });
  }
  if (logs.length === 0) return null;
  summary.nLogs = logs.length;
  using temporary = TemporaryFile.create(outputPath, graphPathOf(outputPath));
  const writer = ChunkLogWriter.begin(temporary.path, temporary.file);
  const header = {
    ...logs[0].header,
    dictionary: dictionary ?? commonestDictionary(logs, choice),
  };
  writer.append(makeHeaderChunk(header));
  for (const quanta of byLog(choice, logs.length)) {
    copyChosen(
      writer,
      logs[choice.log[quanta[0]]],
      quanta,
      choice,
      header,
      zstd,
      zstdLevel,
      summary,
    );
  }
  writer.sync();
  temporary.publish();
  return summary;
}

function makeChoice(nQuanta: number): Choice {
  return {
    log: new Int32Array(nQuanta).fill(-1),
    offset: new Float64Array(nQuanta),
    size: new Uint32Array(nQuanta),
    scanStatus: new Uint8Array(nQuanta),
    newest: new BigInt64Array(nQuanta),
  };
}

function identityAt(path: string): string {
  try {
    return identityOf(Deno.statSync(path));
  } catch (error) {
    throw fileError("read chunk log", path, error);
  }
}

/** Enters the chunks of a log that are better than what earlier ones have. */
function choose(
  choice: Choice,
  k: number,
  path: string,
  index: GraphIndex,
  summary: MergeSummary,
): ChunkLogPass | null {
  using source = FileSource.open(path);
  return visitChunkLog(source, index, (q, head, offset, size) => {
    const isOwn = choice.log[q] === k;
    if (head.flags !== 0) {
      // What was wrong with its files is told by scanning it again, never forgotten.
      if (isOwn) {
        choice.log[q] = -1;
        summary.nQuanta--;
      }
      return;
    }
    const newest = head.log.mtimeNs > head.metadata.mtimeNs
      ? head.log.mtimeNs
      : head.metadata.mtimeNs;
    if (choice.log[q] < 0) summary.nQuanta++;
    else if (!isOwn) {
      summary.nReplaced++;
      if (!isBetter(head.scanStatus, newest, choice, q)) return;
    }
    choice.log[q] = k;
    choice.offset[q] = offset;
    choice.size[q] = size;
    choice.scanStatus[q] = head.scanStatus;
    choice.newest[q] = newest;
  });
}

/** A success beats everything else; then the files that were written last. */
function isBetter(scanStatus: number, newest: bigint, choice: Choice, q: number): boolean {
  const hasSucceeded = scanStatus === ScanStatus.SUCCESSFUL;
  const hadSucceeded = choice.scanStatus[q] === ScanStatus.SUCCESSFUL;
  return hasSucceeded === hadSucceeded ? newest > choice.newest[q] : hasSucceeded;
}

/** The header with the very array of an equal dictionary, so that many logs hold one. */
function withSharedDictionary(header: ChunkLogHeader, logs: readonly MergedLog[]): ChunkLogHeader {
  const same = logs.find((log) => equalBytes(log.header.dictionary, header.dictionary));
  return same === undefined ? header : { ...header, dictionary: same.header.dictionary };
}

function commonestDictionary(logs: readonly MergedLog[], { log }: Choice): Uint8Array {
  const counts = new Map<Uint8Array, number>();
  for (const { header } of logs) counts.set(header.dictionary, 0);
  for (const k of log) {
    if (k < 0) continue;
    const { dictionary } = logs[k].header;
    counts.set(dictionary, counts.get(dictionary)! + 1);
  }
  return [...counts].reduce((a, b) => b[1] > a[1] ? b : a)[0];
}

/** The chosen quanta of each log that has any, in the order of its file. */
function* byLog({ log, offset }: Choice, nLogs: number): Generator<Uint32Array> {
  const starts = new Uint32Array(nLogs + 1);
  for (const k of log) if (k >= 0) starts[k + 1]++;
  for (let k = 0; k < nLogs; k++) starts[k + 1] += starts[k];
  const quanta = new Uint32Array(starts[nLogs]);
  const ends = starts.slice();
  log.forEach((k, q) => {
    if (k >= 0) quanta[ends[k]++] = q;
  });
  for (let k = 0; k < nLogs; k++) {
    if (starts[k] === ends[k]) continue;
    yield quanta.subarray(starts[k], ends[k]).sort((a, b) => offset[a] - offset[b]);
  }
}

/** Copies what was chosen of one log. */
function copyChosen(
  writer: ChunkLogWriter,
  { path, identity, header }: MergedLog,
  quanta: Uint32Array,
  choice: Choice,
  merged: ChunkLogHeader,
  zstd: Zstd,
  zstdLevel: number,
  summary: MergeSummary,
): void {
  using source = FileSource.open(path);
  const isSame = identityAt(path) === identity;
  const recompressor = equalBytes(header.dictionary, merged.dictionary) ? null : new Recompressor(
    zstd.decompressor(header.dictionary),
    blockCompressors(zstd, merged.dictionary, zstdLevel),
    parseHeader(header.graphHeaderText, path, "predicted").int_size,
  );
  const out = new ByteBuilder();
  for (const q of quanta) {
    const isInside = choice.offset[q] + choice.size[q] <= source.size;
    const chunk = isInside ? source.readSync(choice.offset[q], choice.size[q]) : null;
    if (chunk === null || !isSame || !isWholeChunk(chunk)) {
      throw new EnvironmentError(`Cannot merge chunk log "${path}": it was replaced meanwhile`, {
        hint: "run the same command again",
      });
    }
    if (recompressor === null) out.bytes(chunk);
    else {
      recompressor.append(out, chunk, path);
      summary.nRecompressed++;
    }
    if (out.length >= FLUSH_SIZE) {
      writer.append(out.view());
      out.reset();
    }
  }
  writer.append(out.view());
}

function isWholeChunk(chunk: Uint8Array): boolean {
  const place = readChunkPrefix(chunk, 0, 0);
  return place !== null && chunkSize(place.headSize, place.bodySize) === chunk.length &&
    isChunkSound(chunk);
}

/** Writes chunks again with another dictionary. */
class Recompressor {
  readonly #from: ZstdDecompressor;
  readonly #to: BlockCompressors;
  readonly #intSize: number;

  constructor(from: ZstdDecompressor, to: BlockCompressors, intSize: number) {
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
    const next = (size: number, to: ZstdCompressor): Uint8Array | null => {
      if (size === 0) return null;
      const length = readBigEndian(chunk, at, this.#intSize);
      const frame = chunk.subarray(at + this.#intSize, Math.min(at + this.#intSize + length, end));
      at += size;
      return to.compress(this.#from.decompress(frame, `block of "${path}"`));
    };
    const quantumFrame = next(head.quantumSize, this.#to.small);
    const metadataFrame = next(head.metadataSize, this.#to.large);
    const logFrame = next(head.logSize, this.#to.large);
    const datasets: ChunkDataset[] = [];
    for (let i = 0; i < head.nDatasets; i++) {
      datasets.push({
        id: head.datasetId(i).slice(0, UUID_SIZE),
        frame: next(head.datasetSize(i), this.#to.small)!,
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
      proofs: head.proofs,
      quantumFrame,
      metadataFrame,
      logFrame,
      datasets,
    });
  }
}
