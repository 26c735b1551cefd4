import assert from "node:assert/strict";
import { ByteBuilder, readBigEndian } from "../../lib/base/bytes.ts";
import { InvalidChunkLogError } from "../../lib/base/errors.ts";
import { uuidFromText } from "../../lib/base/uuid.ts";
import {
  appendScanChunk,
  BROKEN_LOG,
  BROKEN_METADATA,
  type ScanChunk,
} from "../../lib/chunks/scan_chunk.ts";
import { randomBytes } from "../storage/support.ts";
import { datasetUuid, quantumUuid } from "../qg/predicted/support.ts";
import { QUANTUM_PROOFS_SIZE } from "../../lib/provenance/originals/proof_sizes.ts";
import {
  DATASET_ENTRY_SIZE,
  DatasetRole,
  NO_FILE,
  SCAN_HEAD_SIZE,
  ScanHead,
} from "../../lib/chunks/scan_head.ts";
import {
  CHUNK_PREFIX_SIZE,
  ChunkType,
  isChunkSound,
  readChunkPrefix,
} from "../../lib/chunks/chunk_format.ts";

const id = (text: string) => uuidFromText(text);

const FULL: ScanChunk = {
  quantumId: id(quantumUuid(5)),
  scanStatus: 1,
  lastAttemptStatus: -2,
  flags: BROKEN_LOG | BROKEN_METADATA,
  log: { sizeBytes: 2 ** 40 + 3, mtimeNs: 1795361287772000000n },
  metadata: { sizeBytes: 0, mtimeNs: -1n },
  proofs: randomBytes(QUANTUM_PROOFS_SIZE, 9),
  quantumFrame: randomBytes(100, 1),
  metadataFrame: randomBytes(5, 2),
  logFrame: randomBytes(3000, 3),
  datasets: [
    {
      id: id(datasetUuid(1)),
      frame: randomBytes(40, 4),
      wasProduced: true,
      role: DatasetRole.OTHER,
    },
    { id: id(datasetUuid(2)), frame: new Uint8Array(0), wasProduced: false, role: DatasetRole.LOG },
    {
      id: id(datasetUuid(3)),
      frame: randomBytes(41, 5),
      wasProduced: true,
      role: DatasetRole.INPUT,
    },
  ],
};
const EMPTY: ScanChunk = {
  quantumId: new Uint8Array(16),
  scanStatus: 4,
  lastAttemptStatus: -4,
  flags: 0,
  log: NO_FILE,
  metadata: NO_FILE,
  proofs: null,
  quantumFrame: null,
  metadataFrame: null,
  logFrame: null,
  datasets: [],
};

/** Splits sealed chunks, and each body into frames as the head says. */
function decode(bytes: Uint8Array, intSize: number): { type: number; chunk: ScanChunk }[] {
  const result: { type: number; chunk: ScanChunk }[] = [];
  let at = 0;
  while (at < bytes.length) {
    const place = readChunkPrefix(bytes, at, at)!;
    const bodyStart = at + CHUNK_PREFIX_SIZE + place.headSize;
    const end = bodyStart + place.bodySize;
    assert.ok(isChunkSound(bytes.subarray(at, end)));
    const head = new ScanHead(bytes.subarray(at + CHUNK_PREFIX_SIZE, bodyStart), "test");
    let next = bodyStart;
    const frame = (size: number): Uint8Array | null => {
      if (size === 0) return null;
      assert.equal(readBigEndian(bytes, next, intSize), size - intSize);
      next += size;
      return bytes.slice(next - size + intSize, next);
    };
    const chunk: ScanChunk = {
      quantumId: head.quantumId.slice(),
      scanStatus: head.scanStatus,
      lastAttemptStatus: head.lastAttemptStatus,
      flags: head.flags,
      log: head.log,
      metadata: head.metadata,
      proofs: head.proofs?.slice() ?? null,
      quantumFrame: frame(head.quantumSize),
      metadataFrame: frame(head.metadataSize),
      logFrame: frame(head.logSize),
      datasets: Array.from({ length: head.nDatasets }, (_, i) => ({
        id: head.datasetId(i).slice(),
        frame: frame(head.datasetSize(i))!,
        wasProduced: head.wasProduced(i),
        role: head.datasetRole(i),
      })),
    };
    assert.equal(next, end);
    assert.equal(
      head.datasetsSize,
      chunk.datasets.reduce((sum, dataset) => sum + intSize + dataset.frame.length, 0),
    );
    result.push({ type: place.type, chunk });
    at = end;
  }
  return result;
}

Deno.test("ScanHead reads what appendScanChunk() writes, with length prefixes of any width", () => {
  for (const intSize of [2, 4, 5, 8, 16]) {
    const out = new ByteBuilder();
    appendScanChunk(out, ChunkType.SCAN, intSize, FULL);
    appendScanChunk(out, ChunkType.BLOCKED, intSize, EMPTY);
    appendScanChunk(out, ChunkType.INIT, intSize, { ...FULL, logFrame: null });
    assert.deepEqual(decode(out.view(), intSize), [
      { type: ChunkType.SCAN, chunk: FULL },
      { type: ChunkType.BLOCKED, chunk: EMPTY },
      { type: ChunkType.INIT, chunk: { ...FULL, logFrame: null } },
    ]);
  }
});

Deno.test("appendScanChunk() writes the same bytes when its buffer was used before", () => {
  const out = new ByteBuilder();
  appendScanChunk(out, ChunkType.SCAN, 8, FULL);
  const first = out.take();
  out.reset();
  out.bytes(new Uint8Array(20_000).fill(0xee));
  out.reset();
  appendScanChunk(out, ChunkType.SCAN, 8, FULL);
  assert.deepEqual(out.take(), first);
});

Deno.test("ScanHead throws when the head's length doesn't fit its counts", () => {
  const out = new ByteBuilder();
  appendScanChunk(out, ChunkType.SCAN, 8, FULL);
  const headSize = SCAN_HEAD_SIZE + 3 * DATASET_ENTRY_SIZE + QUANTUM_PROOFS_SIZE;
  const head = out.view(CHUNK_PREFIX_SIZE).slice(0, headSize);
  new ScanHead(head, "x");
  for (const size of [0, 1, SCAN_HEAD_SIZE - 1, SCAN_HEAD_SIZE, headSize - 1]) {
    assert.throws(() => new ScanHead(head.subarray(0, size), '"a.chunks"'), (error: Error) => {
      assert.ok(error instanceof InvalidChunkLogError);
      assert.match(error.message, /"a\.chunks".* \d+ bytes/);
      return true;
    });
  }
  for (const count of [0, 2, 4, 6, 0xffffffff]) {
    const changed = head.slice();
    new DataView(changed.buffer).setUint32(20, count, true);
    assert.throws(() => new ScanHead(changed, "x"), InvalidChunkLogError);
  }
});
