/**
 * Reads and bytes of one look-up in a graph of a million quanta, whose rows are made as they are read:
 * from a file, and behind a server.
 */

import assert from "node:assert/strict";
import { concatBytes, writeBigEndian } from "../../lib/base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { fenceCount, fenceRow } from "../../lib/qg/range_plan.ts";
import { writeAddressHeader, writeAddressRow } from "../../lib/qg/address_file.ts";
import { uuidToText } from "../../lib/base/uuid.ts";
import { CountingSource } from "../../lib/store/byte_source.ts";
import { HttpSource } from "../../lib/store/http_source.ts";
import { expectProvgraph } from "../support/fixtures.ts";
import { block, loadZstd, SparseSource, zipEnd, zipParts } from "./support.ts";

const N_ROWS = 3_500_000; // a million quanta and two and a half datasets each
const ROW_SIZE = 88;
const MAX_READS = 6;
const MAX_BYTES = 400 * 1024;

/** First 6 bytes of each id as a number, ascending; the other bytes follow from the row. */
type Keys = Float64Array;

function idOf(keys: Keys, row: number, target: Uint8Array, at: number): void {
  writeBigEndian(target, at, 6, keys[row]);
  // Rows with equal keys stay in order.
  writeBigEndian(target, at + 6, 4, row);
  writeBigEndian(target, at + 10, 6, (row * 0x9e3779b1) % 2 ** 48);
}

/** A graph whose log blocks are all alike: row `i` has the block at `i * size`. */
async function sparseGraph(keys: Keys, withFences: boolean): Promise<SparseSource> {
  const compressor = (await loadZstd()).compressor(null, 3);
  const json = (text: string): Uint8Array => compressor.compress(encodeUtf8(text));
  const logBlock = block(json(`{"attempts":[${"[],".repeat(20)}null]}`), 8);
  const logs = {
    size: keys.length * logBlock.length,
    fill: (at: number, n: number): Uint8Array => {
      const bytes = new Uint8Array(n);
      for (let i = 0; i < n; i++) bytes[i] = logBlock[(at + i) % logBlock.length];
      return bytes;
    },
  };
  const addressHeader = new Uint8Array(17);
  writeAddressHeader(addressHeader, 0, 8, keys.length, 4);
  const id = new Uint8Array(16);
  const rows = {
    size: keys.length * ROW_SIZE,
    fill: (at: number, n: number): Uint8Array => {
      const first = Math.floor(at / ROW_SIZE);
      const last = Math.ceil((at + n) / ROW_SIZE);
      const bytes = new Uint8Array((last - first) * ROW_SIZE);
      for (let row = first; row < last; row++) {
        idOf(keys, row, id, 0);
        const size = logBlock.length;
        writeAddressRow(bytes, (row - first) * ROW_SIZE, 8, id, 0, row, [
          ...[0, 0, 0, 0],
          ...[row * size, size, 0, 0],
        ]);
      }
      return bytes.subarray(at - first * ROW_SIZE, at - first * ROW_SIZE + n);
    },
  };
  const nFences = withFences ? fenceCount(keys.length) : 0;
  const fences = new Uint8Array(16 * nFences);
  for (let i = 0; i < nFences; i++) idOf(keys, fenceRow(i, nFences, keys.length), fences, 16 * i);

  const header = `{"graph_type":"provenance","output_run":"r","int_size":8}`;
  // A compression dictionary of the usual size; the frames don't use it.
  const dictionary = encodeUtf8('{"dataset_id":"'.repeat(2184));
  const dictHeader = (await loadZstd()).compressor(dictionary, 3).compress(encodeUtf8(header));
  const members: [string, (Uint8Array | typeof logs)[]][] = [
    ["header.json.zst", [dictHeader]],
    ["compression_dict", [dictionary]],
    ["pipeline_graph.json.zst", [new Uint8Array(3_000_000)]],
    ["quanta.mb", []],
    ["datasets.mb", []],
    ["metadata.mb", []],
    ["logs.mb", [logs]],
    ["nodes.addr", [addressHeader, rows]],
    ...(withFences ? [["nodes.fences", [fences]] as [string, Uint8Array[]]] : []),
  ];
  const pieces: (Uint8Array | typeof logs)[] = [];
  const centrals: Uint8Array[] = [];
  let at = 0;
  for (const [name, data] of members) {
    const size = data.reduce((n, p) => n + (p instanceof Uint8Array ? p.length : p.size), 0);
    const whole = data.length === 1 && data[0] instanceof Uint8Array ? data[0] : new Uint8Array(0);
    const { local, central } = zipParts({ name, data: whole }, at, size);
    // zipParts() takes the stored size of what it was given.
    for (const [bytes, place] of [[local, 18], [central, 20]] as const) {
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(place, size, true);
    }
    pieces.push(local, ...data);
    centrals.push(central);
    at += local.length + size;
  }
  const directory = concatBytes(centrals);
  return new SparseSource([...pieces, directory, zipEnd(members.length, at, directory.length)]);
}

/** A generator of numbers in 0..1, the same each time. */
function random(): () => number {
  let state = 0x2545f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const T0 = 0x01a203df2de0; // a time in milliseconds, as the leading 48 bits of version 7

function uniformKeys(): Keys {
  const next = random();
  return Float64Array.from({ length: N_ROWS }, () => Math.floor(next() * 2 ** 48)).sort();
}

/** Ids of version 7, made at an even pace with pauses that are short in comparison. */
function steadyKeys(): Keys {
  const next = random();
  const keys = new Float64Array(N_ROWS);
  let time = T0;
  for (let row = 0; row < N_ROWS; row++) {
    time += -Math.log(1 - next()) * 0.03;
    keys[row] = Math.floor(time);
  }
  return keys;
}

/** Raws with random ids, calibrations from long ago, and outputs made at three different paces. */
function crowdedKeys(): Keys {
  const next = random();
  const keys = new Float64Array(N_ROWS);
  let time = T0;
  for (let row = 0; row < N_ROWS; row++) {
    const kind = row % 10;
    if (kind === 0) keys[row] = Math.floor(next() * 2 ** 48);
    else if (row < N_ROWS / 50) keys[row] = T0 - Math.floor(next() * 3e10);
    else {
      time += (row < N_ROWS / 3 ? 0.3 : row < N_ROWS / 2 ? 0.004 : 0.05) * 2 * next();
      keys[row] = Math.floor(time);
    }
  }
  return keys.sort();
}

/** Rows to look up: both ends, page boundaries, and some in between. */
function rowsToFind(nMore: number): number[] {
  const rows = [0, 1, 743, 744, 745, N_ROWS - 800, N_ROWS - 2, N_ROWS - 1];
  const next = random();
  for (let i = 0; i < nMore; i++) rows.push(Math.floor(next() * N_ROWS));
  return rows;
}

async function worstLookup(keys: Keys, withFences: boolean): Promise<[number, number]> {
  const source = await sparseGraph(keys, withFences);
  const zstd = await loadZstd();
  const id = new Uint8Array(16);
  let worstReads = 0;
  let worstBytes = 0;
  for (const row of rowsToFind(150)) {
    idOf(keys, row, id, 0);
    const counting = new CountingSource(source);
    using graph = await ProvenanceGraph.open(counting, zstd);
    const node = await graph.find(id);
    assert.ok(node !== null, `row ${row}`);
    assert.match(decodeUtf8(await graph.readLog(node.log)), /^\{"attempts":\[\[\],/);
    worstReads = Math.max(worstReads, counting.nReads);
    worstBytes = Math.max(worstBytes, counting.nBytes);
  }
  return [worstReads, worstBytes];
}

const CASES: [string, () => Keys, boolean][] = [
  ["random ids", uniformKeys, false],
  ["ids of one campaign", steadyKeys, false],
  ["random ids, with fences", uniformKeys, true],
  ["ids of many ages, with fences", crowdedKeys, true],
];
for (const [what, makeKeys, withFences] of CASES) {
  Deno.test(`ProvenanceGraph answers within its budget among a million quanta: ${what}`, async () => {
    const [nReads, nBytes] = await worstLookup(makeKeys(), withFences);
    assert.ok(nReads <= MAX_READS, `${nReads} reads`);
    assert.ok(nBytes <= MAX_BYTES, `${nBytes} bytes`);
  });
}

Deno.test("ProvenanceGraph answers in a bounded number of reads whatever the ids are", async () => {
  const [nReads] = await worstLookup(crowdedKeys(), false);
  assert.ok(nReads <= 24, `${nReads} reads`);
});

/** A server on the loopback address that gives ranges of a source, and counts what it gives. */
function serveRanges(source: SparseSource) {
  const counts = { nRequests: 0, nBytes: 0 };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const asked = /^bytes=(\d*)-(\d+)$/.exec(request.headers.get("range") ?? "");
      assert.ok(asked !== null, "a request without range");
      const [first, last] = asked[1] === ""
        ? [source.size - Number(asked[2]), source.size - 1]
        : [Number(asked[1]), Number(asked[2])];
      const bytes = await source.read(first, last + 1 - first);
      counts.nRequests++;
      counts.nBytes += bytes.length;
      return new Response(new Uint8Array(bytes), {
        status: 206,
        headers: { etag: '"one"', "content-range": `bytes ${first}-${last}/${source.size}` },
      });
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/graph.qg`,
    counts,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

for (const [what, makeKeys, withFences] of CASES) {
  Deno.test(`ProvenanceGraph answers within its budget from a server: ${what}`, async () => {
    const keys = makeKeys();
    await using server = serveRanges(await sparseGraph(keys, withFences));
    const zstd = await loadZstd();
    const id = new Uint8Array(16);
    for (const row of rowsToFind(25)) {
      idOf(keys, row, id, 0);
      Object.assign(server.counts, { nRequests: 0, nBytes: 0 });
      using graph = await ProvenanceGraph.open(await HttpSource.open(server.url), zstd);
      const node = await graph.find(id);
      assert.ok(node !== null, `row ${row}`);
      assert.match(decodeUtf8(await graph.readLog(node.log)), /^\{"attempts":\[\[\],/);
      const { nRequests, nBytes } = server.counts;
      assert.ok(nRequests <= MAX_READS, `row ${row}: ${nRequests} requests`);
      assert.ok(nBytes <= MAX_BYTES, `row ${row}: ${nBytes} bytes`);
    }
  });
}

Deno.test("cat prints a log from a server within the budget", async () => {
  const keys = crowdedKeys();
  await using server = serveRanges(await sparseGraph(keys, true));
  const id = new Uint8Array(16);
  idOf(keys, 1_234_567, id, 0);
  const { stdout } = await expectProvgraph(
    ["cat", server.url, "log", uuidToText(id), "--all-attempts", "--raw"],
  );
  assert.match(stdout, /^\{"attempts":\[\[\],.*null\]\}$/);
  const { nRequests, nBytes } = server.counts;
  assert.ok(nRequests <= MAX_READS, `${nRequests} requests`);
  assert.ok(nBytes <= MAX_BYTES, `${nBytes} bytes`);
});
