/** `schema/chunk-log.md` against the code: bytes are decoded here by the tables of the document. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ByteBuilder } from "../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { uuidFromText, uuidToText } from "../../lib/base/uuid.ts";
import { makeHeaderChunk } from "../../lib/chunks/header.ts";
import { ScanStatus } from "../../lib/provenance/quantum_status.ts";
import { appendScanChunk, BROKEN_LOG, BROKEN_METADATA } from "../../lib/chunks/scan_chunk.ts";
import { PROJECT } from "../support/fixtures.ts";
import { datasetUuid, quantumUuid } from "../qg/predicted/support.ts";
import { QUANTUM_PROOFS_SIZE } from "../../lib/provenance/originals/proof_sizes.ts";
import {
  DATASET_ENTRY_SIZE,
  DatasetRole,
  NO_FILE,
  SCAN_HEAD_SIZE,
} from "../../lib/chunks/scan_head.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_LOG_VERSION,
  CHUNK_PREFIX_SIZE,
  ChunkType,
} from "../../lib/chunks/chunk_format.ts";

const DOCUMENT = Deno.readTextFileSync(join(PROJECT, "schema/chunk-log.md"));

/** Rows of the tables whose first header cells are these, as arrays of cells. */
function table(...header: string[]): string[][] {
  const rows: string[][] = [];
  let isInside = false;
  for (const line of DOCUMENT.split("\n")) {
    const cells = line.startsWith("|") ? line.split("|").slice(1, -1).map((c) => c.trim()) : [];
    if (cells.length === 0) isInside = false;
    else if (header.every((cell, i) => cells[i] === cell)) isInside = true;
    else if (isInside && !/^-+$/.test(cells[0])) rows.push(cells);
  }
  assert.ok(rows.length > 0, `no table ${header.join(" | ")}`);
  return rows;
}

/** The layout tables in the order of the document: prefix, head, entry, files. */
function layouts(): string[][][] {
  const result: string[][][] = [];
  for (const row of table("Offset", "Type", "Field")) {
    if (row[0] === "0") result.push([]);
    result[result.length - 1].push(row);
  }
  return result;
}

const SIZES: Record<string, number> = {
  ...{ u8: 1, i8: 1, u16: 2, u32: 4, i64: 8, uuid: 16 },
  stamp: 8,
  digest: 16,
};

/** Values of the fields of a layout, and how many bytes it covers without gaps. */
function decode(
  layout: string[][],
  bytes: Uint8Array,
): { fields: Record<string, unknown>; size: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields: Record<string, unknown> = {};
  let end = 0;
  for (const [offset, type, field] of layout) {
    const at = Number(offset);
    assert.equal(at, end, `${field} follows without a gap`);
    end = at + SIZES[type];
    const value = type === "uuid"
      ? uuidToText(bytes, at)
      : type === "stamp" || type === "digest"
      ? bytes.slice(at, end).toHex()
      : type === "i64"
      ? view.getBigInt64(at, true)
      : type === "u32"
      ? view.getUint32(at, true)
      : type === "u16"
      ? view.getUint16(at, true)
      : type === "i8"
      ? view.getInt8(at)
      : view.getUint8(at);
    if (field === "–") assert.equal(Number(value), 0);
    else fields[field] = value;
  }
  return { fields, size: end };
}

/** Names and numbers of a table `Number | <what>`. */
function numbers(first: string, second: string): Record<string, number> {
  return Object.fromEntries(table(first, second).map(([number, name]) => [name, Number(number)]));
}

Deno.test("chunk-log.md has the magic bytes, version and sizes of the code", () => {
  const magic = /Magic: `([0-9a-f ]+)`/.exec(DOCUMENT)![1];
  assert.deepEqual(magic.split(" ").map((digits) => parseInt(digits, 16)), [...CHUNK_LOG_MAGIC]);
  assert.equal(Number(/Format\s+version:\s+\*\*(\d+)\*\*/.exec(DOCUMENT)![1]), CHUNK_LOG_VERSION);
  assert.ok(DOCUMENT.includes(`magic, ${CHUNK_LOG_MAGIC.length} bytes`));
  assert.ok(DOCUMENT.includes(`prefix, ${CHUNK_PREFIX_SIZE} bytes`));
  const head = /Head,\s+(\d+)\s+bytes\s+and\s+(\d+)\s+for\s+each\s+dataset/.exec(DOCUMENT)!;
  assert.deepEqual([Number(head[1]), Number(head[2])], [SCAN_HEAD_SIZE, DATASET_ENTRY_SIZE]);
});

Deno.test("chunk-log.md has the numbers of types, statuses, roles and flags of the code", () => {
  assert.deepEqual(numbers("Type", "Name"), ChunkType);
  assert.deepEqual(numbers("Number", "Scan status"), ScanStatus);
  assert.deepEqual(numbers("Number", "Role"), DatasetRole);
  const flags = table("Offset", "Type", "Field").find(([, , field]) => field === "flags")![3];
  assert.match(
    flags,
    new RegExp(`${BROKEN_LOG}: the log file .*; ${BROKEN_METADATA}: the metadata`),
  );
});

Deno.test("chunk-log.md describes scan chunks byte by byte", () => {
  const out = new ByteBuilder();
  const frame = (size: number) => new Uint8Array(size).fill(size);
  appendScanChunk(out, ChunkType.SCAN, 8, {
    quantumId: uuidFromText(quantumUuid(1)),
    scanStatus: ScanStatus.FAILED,
    lastAttemptStatus: -2,
    flags: 3,
    log: { sizeBytes: 2 ** 40, mtimeNs: 1795361287772000000n },
    metadata: NO_FILE,
    proofs: Uint8Array.from({ length: QUANTUM_PROOFS_SIZE }, (_, i) => i + 1),
    quantumFrame: frame(10),
    metadataFrame: frame(20),
    logFrame: frame(30),
    datasets: [
      { id: uuidFromText(datasetUuid(1)), frame: frame(40), wasProduced: true, role: 2 },
      { id: uuidFromText(datasetUuid(2)), frame: frame(50), wasProduced: false, role: 3 },
    ],
  });
  const chunk = out.take();
  const [prefixLayout, headLayout, entryLayout, filesLayout] = layouts();
  const prefix = decode(prefixLayout, chunk);
  assert.equal(prefix.size, CHUNK_PREFIX_SIZE);
  const headSize = SCAN_HEAD_SIZE + 2 * DATASET_ENTRY_SIZE + QUANTUM_PROOFS_SIZE;
  const marker = /bytes `([0-9a-f ]+)` \("PGCk"\)/.exec(DOCUMENT)![1];
  assert.deepEqual(
    marker.split(" ").map((digits) => parseInt(digits, 16)),
    [...encodeUtf8("PGCk")],
  );
  assert.deepEqual([...chunk.subarray(0, 4)], [...encodeUtf8("PGCk")]);
  assert.deepEqual(prefix.fields, {
    marker: 0x6b434750,
    type: ChunkType.SCAN,
    head_size: headSize,
    body_size: 5 * 8 + 10 + 20 + 30 + 40 + 50,
    data_crc32: crc32(chunk.subarray(CHUNK_PREFIX_SIZE)),
    prefix_crc32: crc32(chunk.subarray(0, 20)),
  });
  const head = decode(headLayout, chunk.subarray(CHUNK_PREFIX_SIZE));
  assert.equal(head.size, SCAN_HEAD_SIZE);
  assert.deepEqual(head.fields, {
    quantum_id: quantumUuid(1),
    scan_status: ScanStatus.FAILED,
    last_attempt_status: -2,
    flags: 3,
    n_datasets: 2,
    quantum_size: 18,
    metadata_size: 28,
    log_size: 38,
    log_file_size: 2n ** 40n,
    log_file_mtime: 1795361287772000000n,
    metadata_file_size: -1n,
    metadata_file_mtime: 0n,
  });
  const entries = [0, 1].map((i) =>
    decode(
      entryLayout,
      chunk.subarray(CHUNK_PREFIX_SIZE + SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE),
    )
  );
  assert.ok(entries.every(({ size }) => size === DATASET_ENTRY_SIZE));
  assert.deepEqual(entries.map(({ fields }) => fields), [
    { dataset_id: datasetUuid(1), size: 48, produced: 1, role: 2 },
    { dataset_id: datasetUuid(2), size: 58, produced: 0, role: 3 },
  ]);
  const filesAt = CHUNK_PREFIX_SIZE + headSize - QUANTUM_PROOFS_SIZE;
  const files = decode(filesLayout, chunk.subarray(filesAt));
  assert.equal(files.size, QUANTUM_PROOFS_SIZE);
  const hex = (first: number, n: number) =>
    Uint8Array.from({ length: n }, (_, i) => first + i).toHex();
  assert.deepEqual(files.fields, {
    log_file_stamp: hex(1, 8),
    log_file_digest: hex(9, 16),
    metadata_file_stamp: hex(25, 8),
    metadata_file_digest: hex(33, 16),
  });
  // Blocks in the order that the document says, each with its big-endian length.
  let at = CHUNK_PREFIX_SIZE + headSize;
  for (const size of [10, 20, 30, 40, 50]) {
    assert.deepEqual([...chunk.subarray(at, at + 9)], [0, 0, 0, 0, 0, 0, 0, size, size]);
    at += 8 + size;
  }
  assert.equal(at, chunk.length);
});

Deno.test("chunk-log.md lists the keys of the header", () => {
  const chunk = makeHeaderChunk({
    fingerprint: "0".repeat(64),
    graphHeaderText: encodeUtf8("{}"),
    dictionary: new Uint8Array(3),
    pipelineGraphFrame: new Uint8Array(4),
  });
  const [prefixLayout] = layouts();
  const { head_size: headSize } = decode(prefixLayout, chunk).fields as { head_size: number };
  const head = JSON.parse(
    new TextDecoder().decode(chunk.subarray(CHUNK_PREFIX_SIZE, CHUNK_PREFIX_SIZE + headSize)),
  );
  assert.deepEqual(Object.keys(head), table("Key", "Type").map(([key]) => key.replaceAll("`", "")));
  assert.deepEqual(
    [head.header_size, head.dictionary_size, head.pipeline_graph_size],
    [2, 3, 4],
  );
});
