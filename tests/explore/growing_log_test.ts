import assert from "node:assert/strict";
import { GrowingLogDocuments } from "../../lib/browser/growing_log_source.ts";
import type { GrowingBytes } from "../../lib/browser/growing_bytes.ts";
import { readQuantum } from "../../lib/provenance/documents/quantum.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { parseSelector } from "../../lib/sources/selector.ts";
import { expectProvgraph, unpackFixture } from "../support/fixtures.ts";
import { CODECS } from "./codecs.ts";

const work = await unpackFixture("small-mixed", "before");
Deno.test.afterAll(() => work[Symbol.asyncDispose]());
await expectProvgraph(
  ["aggregate-graph", "predicted.qg", "repo", "-o", "run.qg", "--keep-chunks"],
  { cwd: work.path },
);
const PATH = work.join("run.qg.chunks");
const LOG = await Deno.readFile(PATH);
const decoder = new TextDecoder();

/** Quanta of the whole log, by id. */
const EXPECTED = new Map<string, string>();
{
  await using source = await openSource(PATH, null, Deno.env, Deno.cwd());
  for await (const bytes of source.quanta()) {
    EXPECTED.set(readQuantum(bytes).quantumId, decoder.decode(bytes));
  }
}

/** A file whose content a test sets. */
function file(content: Uint8Array): GrowingBytes & { content: Uint8Array } {
  return {
    name: "run.qg.chunks",
    content,
    read(offset, length) {
      const { content } = this;
      return Promise.resolve({
        bytes: content.slice(offset, offset + length),
        size: content.length,
      });
    },
  };
}

/** Follows a file; what is known of it is replaced when the log is begun anew. */
function follow(bytes: GrowingBytes) {
  const log = new GrowingLogDocuments(bytes, CODECS);
  const quanta = new Map<string, string>();
  let nRestarts = 0;
  return {
    log,
    quanta,
    nRestarts: () => nRestarts,
    read: () =>
      log.readNew((bytes) => {
        quanta.set(readQuantum(bytes).quantumId, decoder.decode(bytes));
      }, () => {
        nRestarts++;
        quanta.clear();
      }),
  };
}

Deno.test("a log that grows byte by byte is followed to the same quanta", async () => {
  const bytes = file(LOG.slice(0, 0));
  const followed = follow(bytes);
  for (let size = 0; size < LOG.length; size += 997) {
    bytes.content = LOG.slice(0, size);
    await followed.read();
  }
  bytes.content = LOG;
  await followed.read();
  assert.deepEqual(followed.quanta, EXPECTED);
  assert.equal(followed.nRestarts(), 0);
});

Deno.test("a tail that a killed aggregation left is taken back, and reading goes on behind it", async () => {
  const bytes = file(LOG.slice(0, LOG.length / 2));
  const followed = follow(bytes);
  await followed.read();
  const { nRead } = followed.log.state;
  assert.ok(nRead < bytes.content.length, "there is a torn tail");
  bytes.content = LOG.slice(0, nRead);
  await followed.read();
  bytes.content = LOG;
  await followed.read();
  assert.deepEqual(followed.quanta, EXPECTED);
  assert.equal(followed.nRestarts(), 0);
});

Deno.test("a log that was begun anew is read anew", async () => {
  const bytes = file(LOG);
  const followed = follow(bytes);
  await followed.read();
  bytes.content = LOG.slice(0, LOG.length / 3);
  await followed.read();
  assert.equal(followed.nRestarts(), 1);
  assert.ok(followed.quanta.size < EXPECTED.size);
  bytes.content = LOG;
  await followed.read();
  assert.deepEqual(followed.quanta, EXPECTED);
});

Deno.test("damage costs the quantum that it is in", async () => {
  const content = LOG.slice();
  content[Math.floor(content.length * 0.7)] ^= 0xff;
  const followed = follow(file(content));
  await followed.read();
  assert.equal(followed.quanta.size, EXPECTED.size - 1);
  assert.ok(followed.log.state.nDamaged > 0);
});

Deno.test("a log of a followed run is what cat prints", async () => {
  const followed = follow(file(LOG));
  await followed.read();
  await using source = await openSource(PATH, null, Deno.env, Deno.cwd());
  let nLogs = 0;
  for (const id of EXPECTED.keys()) {
    const selector = parseSelector([id])!;
    const expected = await Promise.resolve().then(() => source.attempts("log", selector))
      .catch(() => null);
    const found = await followed.log.attempts("log", selector).catch(() => null);
    assert.deepEqual(found?.text, expected?.text);
    if (found !== null) nLogs++;
  }
  assert.ok(nLogs > 0);
});

Deno.test("datasets of a followed run know who wrote and reads them", async () => {
  const followed = follow(file(LOG));
  await followed.read();
  await using source = await openSource(PATH, null, Deno.env, Deno.cwd());
  const expected = await source.traceSource();
  for (const [id] of [...EXPECTED].slice(0, 5)) {
    const quantum = await followed.log.quantum(id);
    assert.deepEqual(quantum, await expected.quantum(id));
    for (const dataset of [...quantum.outputs.values()].flat()) {
      assert.deepEqual(await followed.log.dataset(dataset), await expected.dataset(dataset));
    }
  }
});

/** What the command line finds in the whole log, found in the followed one. */
const SELECTORS: [words: string, isFound: boolean][] = [
  ["calibrate visit=3 detector=1", true],
  ["consolidate visit=1", true],
  ["summarize", true],
  ["image visit=3 detector=1", true],
  ["raw visit=2 detector=4", true],
  ["calibrate_log visit=3 detector=1", true],
  ["calibrate_config", true],
  ["calibrate visit=99 detector=1", false],
  ["calibrate visit=3", false],
  ["calibrate patch=3", false],
  ["nothing visit=3", false],
];
for (const [words, isFound] of SELECTORS) {
  Deno.test(`a followed run is searched by data ID: ${words}`, async () => {
    const followed = follow(file(LOG));
    await followed.read();
    await using source = await openSource(PATH, null, Deno.env, Deno.cwd());
    const selector = parseSelector(words.split(" "))!;
    const trace = await source.traceSource();
    const ask = (of: { locate: typeof trace.locate }) =>
      Promise.resolve().then(() => of.locate(selector))
        .catch((error: Error) => error.constructor.name);
    const expected = await ask(trace);
    assert.equal(typeof expected !== "string", isFound, String(expected));
    assert.deepEqual(await ask(followed.log), expected);
  });
}
