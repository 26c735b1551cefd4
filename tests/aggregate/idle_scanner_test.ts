/** What scanners do before they are set up, against the same done in one thread. */

import assert from "node:assert/strict";
import { indexGraph } from "../../lib/aggregate/scan/index_graph.ts";
import { WaitingScanner } from "../../lib/aggregate/idle_scanner.ts";
import { loadChunkLog } from "../../lib/chunks/table.ts";
import { packQuantumIds } from "../../lib/qg/predicted/packed_quantum_ids.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { openFixtureGraph } from "../qg/predicted/support.ts";
import { expectProvgraph, fixturePath, unpackFixture } from "../support/fixtures.ts";

function scannerWorker(graphPath: string): Worker {
  const worker = new Worker(new URL("../../workers/scanner.ts", import.meta.url), {
    type: "module",
  });
  worker.postMessage({ kind: "prepare", graphPath });
  return worker;
}

Deno.test("WaitingScanner reads ids in a scanner, and says null when that has no such graph or died", async () => {
  const path = fixturePath("small-mixed", "predicted.qg");
  using graph = await openFixtureGraph("small-mixed");
  const all = { startByte: 0, endByte: graph.nQuantaBlocksSize };
  const worker = scannerWorker(path);
  const lost = scannerWorker(`${path}.none`);
  try {
    const reader = new WaitingScanner(worker);
    const expected = packQuantumIds(graph, all);
    assert.ok(expected.nQuanta > 50);
    assert.deepEqual(await reader.read(all), expected);
    assert.deepEqual(
      await Promise.all([
        reader.read(all),
        reader.read({ startByte: 1, endByte: 9 }),
        reader.read(all),
      ]),
      [expected, null, expected],
    );
    assert.equal(await new WaitingScanner(lost).read(all), null);
    const waiting = reader.read(all);
    worker.dispatchEvent(new ErrorEvent("error", { message: "died", cancelable: true }));
    assert.equal(await waiting, null);
    assert.equal(await reader.read(all), null);
  } finally {
    worker.terminate();
    lost.terminate();
  }
});

Deno.test("WaitingScanner reads a chunk log as one thread does, and says null when it can't", async () => {
  await using work = await unpackFixture("small-mixed", "before");
  const path = fixturePath("small-mixed", "predicted.qg");
  await expectProvgraph(
    ["aggregate-graph", path, "repo", "-o", "provenance.qg", "--incomplete", "-j", "1"],
    { cwd: work.path },
  );
  const log = work.join("provenance.qg.chunks");
  using graph = await openFixtureGraph("small-mixed");
  const index = indexGraph(graph);
  const expected = () => {
    using source = FileSource.open(log);
    return { log: loadChunkLog(source, index) };
  };
  const worker = scannerWorker(path);
  try {
    using scanner = new WaitingScanner(worker);
    const whole = await scanner.readChunkLog(log, index);
    assert.deepEqual(whole, expected());
    assert.ok(whole!.log!.nChunks > 10);
    // A damaged chunk in the middle, and a torn tail.
    const bytes = Deno.readFileSync(log);
    bytes[bytes.length >> 1] ^= 1;
    Deno.writeFileSync(log, bytes.subarray(0, bytes.length - 3));
    const damaged = await scanner.readChunkLog(log, index);
    assert.deepEqual(damaged, expected());
    assert.equal(damaged!.log!.damages.length, 2);
    Deno.writeFileSync(log, bytes.subarray(0, 3));
    assert.deepEqual(await scanner.readChunkLog(log, index), { log: null });
    Deno.writeTextFileSync(log, "no chunk log");
    assert.equal(await scanner.readChunkLog(log, index), null);
    assert.equal(await scanner.readChunkLog(work.join("nothing"), index), null);
  } finally {
    worker.terminate();
  }
});
