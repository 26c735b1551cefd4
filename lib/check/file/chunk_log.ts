/**
 * Checks a chunk log: framing, checksums, heads; with the data read, every block. Source:
 * `schema/chunk-log.md`.
 *
 * @module
 */

import { readBigEndian } from "../../base/bytes.ts";
import { IdList } from "../../base/id_list.ts";
import { sortIds } from "../../base/sort_ids.ts";
import { compareUuids, UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import { type ReadChunk, readChunks } from "../../chunks/framing.ts";
import { type ChunkLogHeader, parseChunkLogHeader } from "../../chunks/header.ts";
import type { ZstdDecompressor } from "../../codec/codecs.ts";
import type { Zstd } from "../../codec/zstd.ts";
import { readAttemptBlock } from "../../provenance/documents/attempt_blocks.ts";
import { DatasetRecord } from "../../provenance/documents/strict_dataset.ts";
import { QuantumRecord } from "../../provenance/documents/strict_quantum.ts";
import { parseHeader, type QuantumGraphHeader } from "../../qg/header.ts";
import type { FileSource } from "../../storage/file_source.ts";
import type { FileReport } from "./archive.ts";
import { ChunkType } from "../../chunks/chunk_format.ts";
import { DatasetRole, ScanHead } from "../../chunks/scan_head.ts";

/**
 * Checks a chunk log and reports every problem. Memory: one chunk, and 24 bytes a quantum.
 *
 * @returns what it holds.
 */
export function checkChunkLog(
  source: FileSource,
  zstd: Zstd,
  report: FileReport,
  readData: boolean,
): string[] {
  let header: ChunkLogHeader | null = null;
  let blocks: ChunkBlocks | null = null;
  let graphHeader: QuantumGraphHeader | null = null;
  const quanta = new IdList();
  let nChunks = 0;
  const chunks = readChunks(source, ({ startByte, endByte, reason, isTornTail }) => {
    report.add(
      isTornTail ? "torn-tail" : "damaged-chunk",
      `bytes ${startByte} to ${endByte}`,
      isTornTail
        ? `${
          endByte - startByte
        } bytes at its end are no whole chunk; they are cut off and scanned again`
        : `${reason}; the quanta concerned are scanned again`,
    );
  });
  for (const chunk of chunks) {
    report.findings.steps.advance("read", chunk.head.length + chunk.body.length);
    const place = `chunk at byte ${chunk.offset}`;
    try {
      if (chunk.type === ChunkType.HEADER) {
        header ??= parseChunkLogHeader(chunk.head, chunk.body, source.name);
        graphHeader ??= parseHeader(header.graphHeaderText, source.name, "predicted");
        blocks ??= new ChunkBlocks(header, graphHeader, zstd);
      } else if (isScan(chunk.type)) {
        nChunks++;
        if (header === null) continue;
        const head = new ScanHead(chunk.head, place);
        if (chunk.type !== ChunkType.INIT) quanta.push(head.quantumId);
        blocks?.check(chunk, head, place, readData, report);
      }
    } catch (error) {
      report.addError("damaged-chunk", place, error);
    }
  }
  if (header === null) {
    report.add("damaged-document", "header", "it has no sound header, so all is scanned again");
  }
  const nQuanta = graphHeader?.n_quanta;
  return [
    `${countDistinct(quanta.bytes)}${nQuanta === undefined ? "" : ` of ${nQuanta}`} quanta`,
    `${nChunks} chunks`,
  ];
}

/** A quantum scanned again has another chunk. */
function countDistinct(ids: Uint8Array): number {
  const places = Uint32Array.from({ length: ids.length / UUID_SIZE }, (_, i) => i * UUID_SIZE);
  let n = 0;
  let last = -1;
  for (const i of sortIds(ids, places)) {
    if (last < 0 || compareUuids(ids, places[i], ids, last) !== 0) n++;
    last = places[i];
  }
  return n;
}

function isScan(type: number): boolean {
  return type === ChunkType.SCAN || type === ChunkType.BLOCKED || type === ChunkType.INIT;
}

/** Checks the blocks in a chunk's body against its head. */
class ChunkBlocks {
  readonly #intSize: number;
  readonly #labels: ReadonlySet<string>;
  readonly #decompressor: ZstdDecompressor;
  readonly #quantum = new QuantumRecord();
  readonly #dataset = new DatasetRecord();

  constructor({ dictionary }: ChunkLogHeader, header: QuantumGraphHeader, zstd: Zstd) {
    this.#intSize = header.int_size;
    this.#labels = new Set(Object.keys(header.n_task_quanta));
    this.#decompressor = zstd.decompressor(dictionary.length === 0 ? null : dictionary);
  }

  /** @throws {SyntaxError} if sizes or a block are wrong. */
  check(
    { type, body }: ReadChunk,
    head: ScanHead,
    place: string,
    readData: boolean,
    report: FileReport,
  ): void {
    const total = head.quantumSize + head.metadataSize + head.logSize + head.datasetsSize;
    if (total !== body.length) {
      throw new SyntaxError(`its blocks should have ${total} bytes, there are ${body.length}`);
    }
    let at = 0;
    const next = (size: number): Uint8Array | null => {
      if (size === 0) return null;
      const start = at;
      at += size;
      if (
        size <= this.#intSize || readBigEndian(body, start, this.#intSize) !== size - this.#intSize
      ) {
        throw new SyntaxError(
          `the block of ${size} bytes at ${start} has another length before it`,
        );
      }
      return readData
        ? this.#decompressor.decompress(body.subarray(start + this.#intSize, at), "block")
        : null;
    };
    const quantum = next(head.quantumSize);
    const metadata = next(head.metadataSize);
    const log = next(head.logSize);
    if (quantum !== null) this.#checkQuantum(quantum, metadata, log, head, place, report);
    for (let i = 0; i < head.nDatasets; i++) {
      const text = next(head.datasetSize(i));
      if (text === null) continue;
      this.#dataset.read(text);
      const own = this.#dataset.id;
      const id = head.datasetId(i);
      if (compareUuids(own, 0, id, 0) !== 0) {
        report.add(
          "misfiled-block",
          place,
          `it holds dataset ${uuidToText(own)} as ${uuidToText(id)}`,
        );
      }
      // Of an overall input only its readers are known here, and that it is there.
      const isOwn = head.datasetRole(i) !== DatasetRole.INPUT;
      const { isProduced, hasProducer, producer } = this.#dataset;
      if (isOwn && isProduced !== head.wasProduced(i)) {
        report.add(
          "attempts",
          place,
          `"produced" of dataset ${uuidToText(id)} is not as in the head`,
        );
      }
      const isByOther = type !== ChunkType.INIT && isOwn &&
        (!hasProducer || compareUuids(producer, 0, head.quantumId, 0) !== 0);
      if (isByOther) {
        report.add("edges", place, `dataset ${uuidToText(id)} names another producer`);
      }
    }
  }

  #checkQuantum(
    text: Uint8Array,
    metadata: Uint8Array | null,
    log: Uint8Array | null,
    head: ScanHead,
    place: string,
    report: FileReport,
  ): void {
    const quantum = this.#quantum;
    quantum.read(text);
    if (compareUuids(quantum.id, 0, head.quantumId, 0) !== 0) {
      report.add(
        "misfiled-block",
        place,
        `it holds quantum ${uuidToText(quantum.id)} as ${uuidToText(head.quantumId)}`,
      );
    }
    if (this.#labels.size > 0 && !this.#labels.has(quantum.taskLabel)) {
      report.add("unknown-name", place, `the graph has no task "${quantum.taskLabel}"`);
    }
    const id = uuidToText(head.quantumId);
    for (const [kind, block] of [["metadata", metadata], ["log", log]] as const) {
      const n = block === null ? 0 : readAttemptBlock(block, kind).nAttempts;
      if (n !== quantum.nAttempts) {
        report.add(
          "attempts",
          place,
          `quantum ${id} has ${quantum.nAttempts} attempts, its ${kind} ${n}`,
        );
      }
    }
    if (quantum.lastStatus !== head.lastAttemptStatus) {
      report.add(
        "attempts",
        place,
        `the last attempt of quantum ${id} has status ${quantum.lastStatus}, the head says ` +
          head.lastAttemptStatus,
      );
    }
    const nIds = quantum.outputs.bytes.length / UUID_SIZE;
    let nOwn = 0;
    for (let i = 0; i < head.nDatasets; i++) {
      if (head.datasetRole(i) !== DatasetRole.INPUT) nOwn++;
    }
    if (nOwn !== nIds) {
      report.add("edges", place, `quantum ${id} has ${nIds} outputs, the chunk ${nOwn}`);
    }
  }
}
