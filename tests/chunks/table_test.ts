import assert from "node:assert/strict";
import { ByteBuilder, concatBytes } from "../../lib/base/bytes.ts";
import { InvalidChunkLogError } from "../../lib/base/errors.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { uuidFromText } from "../../lib/base/uuid.ts";
import { graphFingerprint } from "../../lib/chunks/fingerprint.ts";
import { makeHeaderChunk, parseChunkLogHeader } from "../../lib/chunks/header.ts";
import { loadChunkLog, type LoadedChunkLog } from "../../lib/chunks/table.ts";
import { ScanStatus } from "../../lib/provenance/quantum_status.ts";
import { appendScanChunk, BROKEN_LOG } from "../../lib/chunks/scan_chunk.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { inTemporaryDirectory, randomBytes } from "../storage/support.ts";
import { datasetUuid, quantumUuid, testIndex } from "../qg/predicted/support.ts";
import { QUANTUM_PROOFS_SIZE } from "../../lib/provenance/originals/proof_sizes.ts";
import { DatasetRole, NO_FILE } from "../../lib/chunks/scan_head.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  ChunkType,
  makeChunk,
} from "../../lib/chunks/chunk_format.ts";

const INDEX = testIndex([
  { inputs: [0], outputs: [1, 2] },
  { inputs: [1], outputs: [3] },
  { inputs: [2, 3], outputs: [4] },
]);
const HEADER_TEXT = encodeUtf8('{"graph_type":"predicted"}');
const DICTIONARY = randomBytes(64);
const PIPELINE_FRAME = randomBytes(33);
const HEADER = makeHeaderChunk({
  fingerprint: "f".repeat(64),
  graphHeaderText: HEADER_TEXT,
  dictionary: DICTIONARY,
  pipelineGraphFrame: PIPELINE_FRAME,
});

/** Stamps that are told apart by the size of the log file; none for odd sizes. */
function proofsOf(logSize: number): Uint8Array | null {
  if (logSize % 2 === 1) return null;
  return new Uint8Array(QUANTUM_PROOFS_SIZE).fill(logSize);
}

/** Chunk of quantum `q`, told apart by the size of its log file. */
function scanChunk(
  q: number,
  logSize: number,
  type: number = ChunkType.SCAN,
  { firstDataset, flags = 0 }: { firstDataset?: number; flags?: number } = {},
): Uint8Array<ArrayBuffer> {
  const out = new ByteBuilder();
  const outputs = [[1, 2], [3], [4]][q] ?? [99];
  appendScanChunk(out, type, 8, {
    quantumId: uuidFromText(quantumUuid(q)),
    scanStatus: logSize % 2 === 0 ? ScanStatus.SUCCESSFUL : ScanStatus.FAILED,
    lastAttemptStatus: -1,
    flags,
    log: { sizeBytes: logSize, mtimeNs: 12345000000n + BigInt(logSize) },
    metadata: NO_FILE,
    proofs: proofsOf(logSize),
    quantumFrame: randomBytes(50 + q, q),
    metadataFrame: randomBytes(10, q),
    logFrame: randomBytes(logSize, q),
    datasets: [firstDataset ?? outputs[0], ...outputs.slice(1)].map((d) => ({
      id: uuidFromText(datasetUuid(d)),
      frame: randomBytes(30, d),
      wasProduced: true,
      role: DatasetRole.OTHER,
    })),
  });
  return out.take();
}

function load(...parts: Uint8Array[]): LoadedChunkLog | null {
  return inTemporaryDirectory((directory) => {
    const path = `${directory}/a.chunks`;
    Deno.writeFileSync(path, concatBytes([CHUNK_LOG_MAGIC, ...parts]));
    using source = FileSource.open(path);
    return loadChunkLog(source, INDEX);
  });
}

Deno.test("loadChunkLog() enters place, status, identity and sizes of each chunk", () => {
  const chunks = [scanChunk(1, 20), scanChunk(0, 7)];
  const loaded = load(HEADER, ...chunks)!;
  assert.equal(loaded.nChunks, 2);
  assert.deepEqual(loaded.damages, []);
  assert.deepEqual(loaded.header, {
    version: 2,
    fingerprint: "f".repeat(64),
    graphHeaderText: HEADER_TEXT,
    dictionary: DICTIONARY,
    pipelineGraphFrame: PIPELINE_FRAME,
  });
  const start = CHUNK_LOG_MAGIC.length + HEADER.length;
  assert.equal(loaded.soundSize, start + chunks[0].length + chunks[1].length);
  const { table } = loaded;
  assert.deepEqual([...table.chunkOffset], [start + chunks[0].length, start, -1]);
  assert.deepEqual([...table.chunkSize], [chunks[1].length, chunks[0].length, 0]);
  assert.deepEqual([...table.scanStatus], [ScanStatus.FAILED, ScanStatus.SUCCESSFUL, 0]);
  assert.deepEqual([...table.lastAttemptStatus], [-1, -1, 0]);
  assert.deepEqual([...table.identities.subarray(0, 8)], [
    7n,
    12345000007n,
    -1n,
    0n,
    20n,
    12345000020n,
    -1n,
    0n,
  ]);
  const stamp = 0x1414141414141414n;
  assert.deepEqual([...table.stamps], [0n, 0n, stamp, stamp, 0n, 0n]);
  assert.deepEqual([...table.quantumSize], [58, 59, 0]);
  assert.deepEqual([...table.metadataSize], [18, 18, 0]);
  assert.deepEqual([...table.logSize], [15, 28, 0]);
  assert.deepEqual([...table.datasetsSize], [76, 38, 0]);
});

Deno.test("loadChunkLog() takes the last sound chunk when a quantum has several", () => {
  const chunks = [scanChunk(0, 1), scanChunk(1, 2), scanChunk(0, 4), scanChunk(0, 6)];
  chunks[3][CHUNK_PREFIX_SIZE + 90] ^= 1;
  const { table, nChunks, damages } = load(HEADER, ...chunks, scanChunk(2, 8, ChunkType.BLOCKED))!;
  assert.deepEqual([table.identities[0], table.identities[4], table.identities[8]], [4n, 2n, 8n]);
  assert.equal(nChunks, 3);
  assert.deepEqual(damages.map(({ reason, isTornTail }) => [reason, isTornTail]), [
    ["checksum mismatch", false],
  ]);
});

Deno.test("loadChunkLog() leaves out quanta whose last chunk tells of broken files", () => {
  const broken = (q: number) => scanChunk(q, 8, ChunkType.SCAN, { flags: BROKEN_LOG });
  const { table, nChunks, damages, soundSize } = load(
    HEADER,
    scanChunk(0, 2),
    broken(0),
    broken(1),
    scanChunk(1, 2),
    scanChunk(2, 2),
    scanChunk(2, 4),
    broken(2),
    broken(2),
  )!;
  assert.deepEqual([...table.chunkOffset].map((offset) => offset < 0), [true, false, true]);
  assert.equal(nChunks, 1);
  assert.deepEqual(damages, []);
  assert.ok(soundSize > table.chunkOffset[1]);
});

Deno.test("loadChunkLog() says where sound chunks end when the tail is torn", () => {
  const whole = [HEADER, scanChunk(0, 2), scanChunk(1, 2)];
  const sizes = whole.map((part) => part.length);
  const loaded = load(whole[0], whole[1], whole[2].subarray(0, -1))!;
  assert.equal(loaded.soundSize, CHUNK_LOG_MAGIC.length + sizes[0] + sizes[1]);
  assert.deepEqual(loaded.damages.map(({ isTornTail }) => isTornTail), [true]);
  assert.equal(loaded.table.chunkOffset[1], -1);
});

Deno.test("loadChunkLog() reports chunks that don't belong to the graph and goes on", () => {
  const foreign = scanChunk(7, 2);
  const wrongQuantum = scanChunk(0, 2, ChunkType.SCAN, { firstDataset: 3 }); // its first dataset is another's
  const wrongHead = makeChunk(ChunkType.SCAN, randomBytes(71), new Uint8Array(0));
  const wrongBody = scanChunk(0, 4);
  const shorter = makeChunk(
    ChunkType.SCAN,
    wrongBody.subarray(CHUNK_PREFIX_SIZE, CHUNK_PREFIX_SIZE + 72 + 48),
    wrongBody.subarray(CHUNK_PREFIX_SIZE + 72 + 48, -1),
  );
  const { nChunks, damages, table } = load(
    HEADER,
    foreign,
    wrongQuantum,
    wrongHead,
    shorter,
    scanChunk(1, 2),
  )!;
  assert.equal(nChunks, 1);
  assert.ok(table.chunkOffset[1] > 0);
  assert.deepEqual(damages.map(({ reason }) => reason), [
    `quantum ${quantumUuid(7)} is not in the graph`,
    `quantum ${quantumUuid(0)} is not in the graph`,
    "the sizes in its head don't fit",
    "the sizes in its head don't fit",
  ]);
  assert.ok(damages.every(({ startByte, endByte }) => startByte < endByte));
});

Deno.test("loadChunkLog() skips chunks of unknown types and of init quanta", () => {
  const loaded = load(
    HEADER,
    makeChunk(77, randomBytes(5), randomBytes(6)),
    makeChunk(ChunkType.INIT, randomBytes(5), new Uint8Array(0)),
    scanChunk(2, 2),
  )!;
  assert.equal(loaded.nChunks, 1);
  assert.deepEqual(loaded.damages, []);
});

Deno.test("loadChunkLog() returns null when there is no sound header", () => {
  assert.equal(load(), null);
  assert.equal(load(scanChunk(0, 2)), null);
  const damaged = HEADER.slice();
  damaged[40] ^= 1;
  assert.equal(load(damaged, scanChunk(0, 2)), null);
  assert.equal(load(HEADER.subarray(0, 30)), null);
});

Deno.test("parseChunkLogHeader() refuses other versions and sizes that don't fit", () => {
  const parse = (head: string, body = "") =>
    parseChunkLogHeader(encodeUtf8(head), encodeUtf8(body), "a.chunks");
  const sizes = (header: unknown, dictionary: unknown, pipeline: unknown) =>
    `"header_size":${header},"dictionary_size":${dictionary},"pipeline_graph_size":${pipeline}`;
  assert.deepEqual(
    parse(`{"more":[1],${sizes(2, 1, 3)},"fingerprint":"ab","version":1}`, "{}dppp"),
    {
      version: 1,
      fingerprint: "ab",
      graphHeaderText: encodeUtf8("{}"),
      dictionary: encodeUtf8("d"),
      pipelineGraphFrame: encodeUtf8("ppp"),
    },
  );
  const cases: [head: string, message: RegExp][] = [
    [`{"version":3,${sizes(0, 0, 0)}}`, /version is 3, expected 1 to 2/],
    [`{"version":0,${sizes(0, 0, 0)}}`, /version is 0/],
    [`{"version":1.5,${sizes(0, 0, 0)}}`, /version is 1.5/],
    [`{${sizes(0, 0, 0)}}`, /version is undefined/],
    ['{"version":1,"header_size":0,"dictionary_size":0}', /sizes in its header don't fit/],
    [`{"version":1,${sizes(1, 0, 0)}}`, /don't fit/],
    [`{"version":1,${sizes(-1, 1, 0)}}`, /don't fit/],
    [`{"version":1,${sizes(0, "NaN", 0)}}`, /don't fit/],
    [`{"version":1,${sizes(0, '"0"', 0)}}`, /don't fit/],
    ["[]", /no JSON object/],
    ["", /no JSON object/],
    ['{"version":1', /no JSON object/],
  ];
  for (const [head, message] of cases) {
    assert.throws(() => parse(head), (error: Error) => {
      assert.ok(error instanceof InvalidChunkLogError, head);
      assert.match(error.message, message);
      assert.match(error.message, /"a\.chunks"/);
      return true;
    });
  }
});

Deno.test("graphFingerprint() differs when any of its parts does", () => {
  const prints = [
    graphFingerprint(encodeUtf8("a"), encodeUtf8("b"), 1),
    graphFingerprint(encodeUtf8("a"), encodeUtf8("b"), 2),
    graphFingerprint(encodeUtf8("a"), encodeUtf8("c"), 1),
    graphFingerprint(encodeUtf8("ab"), encodeUtf8(""), 1),
    graphFingerprint(encodeUtf8(""), encodeUtf8("ab"), 1),
  ];
  assert.equal(new Set(prints).size, prints.length);
  for (const print of prints) assert.match(print, /^[0-9a-f]{64}$/);
});
