/** A graph of a million quanta behind a web server that is far away. */

import assert from "node:assert/strict";
import { readPage } from "../../lib/explore/page_text.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { parseSelector } from "../../lib/sources/selector.ts";
import { PROVENANCE, zipMembers } from "../qg/support.ts";
import { serveRanges } from "../support/range_server.ts";
import { Browser } from "./chromium.ts";
import { FAILED_EVERY, makeMillionGraph, N_QUANTA, TASKS } from "./million_graph.ts";

const LATENCY_MS = 20;
/** Most bytes of the first view, page included, and most requests of a pasted link to a log. */
const MOST_BYTES = 12e6;
const MOST_REQUESTS = 8;
/** A quantum of three attempts. */
const KNOWN = "019f1af9-b4f6-7645-91be-34eb1e39ef8e";

await using fixture = await openSource(PROVENANCE, null, Deno.env, Deno.cwd());
const selector = parseSelector([KNOWN])!;
const known = {
  id: KNOWN,
  quantum: await fixture.quantum(selector),
  log: (await fixture.attempts("log", selector)).text,
};
const graph = await makeMillionGraph(zipMembers(Deno.readFileSync(PROVENANCE)), known);
const page = await readPage();
const browser = await Browser.start();
Deno.test.afterAll(() => browser[Symbol.asyncDispose]());

/** Opens a place of the graph, and tells how long it took until something is there, milliseconds. */
async function open(port: number, hash: string, isThere: string): Promise<number> {
  await browser.open("about:blank");
  const start = performance.now();
  await browser.open(`http://data.example:${port}/?graph=graph.qg${hash}`);
  await browser.until(isThere);
  return performance.now() - start;
}

/** Whether the tiles have the counts of all quanta. */
const HAS_COUNTS = `[...document.querySelectorAll(".tiles .value")].map((tile) => tile.innerText)
  .join(" ").includes("${(N_QUANTA - N_QUANTA / FAILED_EVERY).toLocaleString("en")} ${
  (N_QUANTA / FAILED_EVERY).toLocaleString("en")
}")`;
const IS_PAUSED = `document.querySelector(".notice button")?.innerText.startsWith("Read all")`;

Deno.test("first view of a million quanta far away: at most 12 MB, and no member whole", async () => {
  await using server = serveRanges(graph.source, { latencyMs: LATENCY_MS, page });
  const ms = await open(server.port, "#/overview", HAS_COUNTS);
  const first = { ...server.counts };
  await browser.until(IS_PAUSED);
  const { nBytes, nRequests } = server.counts;
  console.log(
    `first view: ${ms.toFixed(0)} ms, ${first.nBytes} bytes in ${first.nRequests} requests; ` +
      `then, until it asks: ${nBytes} bytes in ${nRequests} requests`,
  );
  assert.ok(page.length + nBytes <= MOST_BYTES, `${nBytes} bytes`);
  assert.ok(nRequests <= 300, `${nRequests} requests`);
  const large = [...graph.members].filter(([, { start, end }]) => end - start > 2 ** 20);
  assert.ok(large.length >= 4);
  for (const [name, { start, end }] of large) {
    const read = server.ranges.reduce(
      (sum, range) => sum + Math.max(0, Math.min(end, range.end) - Math.max(start, range.start)),
      0,
    );
    assert.ok(read < (end - start) / 2, `${read} bytes of ${name}`);
  }
  const tasks = await browser.evaluate<string[]>(
    `[...document.querySelectorAll(".tasks tbody th")].map((cell) => cell.innerText)`,
  );
  assert.deepEqual(tasks, TASKS);
});

Deno.test("one log of a million quanta by a pasted link: at most 8 requests", async () => {
  await using server = serveRanges(graph.source, { latencyMs: LATENCY_MS, page });
  const there = `document.querySelector(".line") !== null`;
  const ms = await open(server.port, `#/quantum/${KNOWN}?tab=log`, there);
  const { nBytes, nRequests } = server.counts;
  console.log(`one log: ${ms.toFixed(0)} ms, ${nBytes} bytes in ${nRequests} requests`);
  assert.ok(nRequests <= MOST_REQUESTS, `${nRequests} requests`);
  assert.ok(nBytes <= 1e6, `${nBytes} bytes`);
  const text = await browser.evaluate<string>("document.body.innerText");
  assert.ok(text.includes("detector=1") && text.includes("visit=3"), text);
});
