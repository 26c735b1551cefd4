/**
 * Reads and bytes of one look-up in a graph of a million quanta, whose rows are made as they are read:
 * from a file, and behind a server.
 */

import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/json_text.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { uuidToText } from "../../lib/base/uuid.ts";
import { CountingSource } from "../support/sources.ts";
import { HttpSource } from "../../lib/storage/http_source.ts";
import { expectProvgraph } from "../support/fixtures.ts";
import { serveRanges } from "../support/range_server.ts";
import {
  crowdedKeys,
  idOf,
  type Keys,
  N_ROWS,
  random,
  sparseGraph,
  steadyKeys,
  uniformKeys,
} from "./sparse_graph.ts";
import { loadZstd } from "./support.ts";

const MAX_READS = 6;
const MAX_BYTES = 400 * 1024;

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

for (const [scheme, uri] of [["s3", "s3://bucket/graph.qg"]] as const) {
  Deno.test(`cat prints a log of a million quanta at ${scheme}: within the budget`, async () => {
    const keys = crowdedKeys();
    await using server = serveRanges(await sparseGraph(keys, true));
    const id = new Uint8Array(16);
    idOf(keys, 1_234_567, id, 0);
    const { stdout } = await expectProvgraph(
      ["cat", uri, "log", uuidToText(id), "--all-attempts", "--raw"],
      {
        env: {
          S3_ENDPOINT_URL: new URL(server.url).origin,
          AWS_ACCESS_KEY_ID: "key",
          AWS_SECRET_ACCESS_KEY: "not-looked-at",
        },
      },
    );
    assert.match(stdout, /^\{"attempts":\[\[\],.*null\]\}$/);
    const { nRequests, nBytes } = server.counts;
    assert.ok(nRequests > 0 && nRequests <= MAX_READS, `${nRequests} requests`);
    assert.ok(nBytes <= MAX_BYTES, `${nBytes} bytes`);
  });
}
