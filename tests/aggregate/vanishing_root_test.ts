/** A disk that goes away while files are looked at: nothing on it is taken for absent. */

import assert from "node:assert/strict";
import { aggregateGraph } from "../../lib/aggregate/aggregate.ts";
import type { WorkerRole } from "../../lib/aggregate/messages.ts";
import { scanShard } from "../../lib/aggregate/shards/scan_shard.ts";
import { AttemptStatus } from "../../lib/provenance/quantum_status.ts";
import { aggregateOptions, context } from "../ingest/in_process.ts";
import {
  expectProvgraph,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { makeWorkerHere } from "../support/worker_here.ts";
import type { ScanShardOptions } from "../../lib/aggregate/shards/shard_run.ts";

/** A run of which all quanta succeeded, with its datastore on a disk of its own. */
async function withDisk(): Promise<TemporaryDirectory> {
  const work = await temporaryDirectory();
  await expectProvgraph(["simulate", work.path, "--visits", "12", "--detectors", "9"]);
  const config = work.join("repo", "butler.yaml");
  const text = Deno.readTextFileSync(config);
  Deno.writeTextFileSync(config, `${text}\ndatastore:\n  root: ${work.join("disk")}\n`);
  mount(work);
  return work;
}

function mount(work: TemporaryDirectory): void {
  Deno.symlinkSync(work.repo, work.join("disk"));
}

/** Scanners that lose the disk when the third batch is sent to one. */
function losingDisk(work: TemporaryDirectory) {
  const scanners = {
    nBatches: 0,
    make: (role: WorkerRole): Worker => {
      const worker = makeWorkerHere(role);
      const post = worker.postMessage.bind(worker);
      worker.postMessage = ((message: { kind: string }, moved: Transferable[] = []) => {
        if (message.kind === "scan" && ++scanners.nBatches === 3) {
          Deno.removeSync(work.join("disk"));
        }
        post(message, moved);
      }) as Worker["postMessage"];
      return worker;
    },
  };
  return scanners;
}

function isMissingDisk(error: Error & { exitCode?: number }): boolean {
  assert.match(error.message, /the root of the datastore of .*"[^"]*disk", is not there/);
  assert.equal(error.exitCode, 1);
  return true;
}

for (const isIncomplete of [false, true]) {
  const option = isIncomplete ? ", --incomplete" : "";
  Deno.test(`a disk goes away while files are looked at${option}`, async () => {
    using work = await withDisk();
    const scanners = losingDisk(work);
    const options = aggregateOptions(work, { isIncomplete });
    await assert.rejects(
      aggregateGraph(options, { ...context(), makeWorker: scanners.make }),
      isMissingDisk,
    );
    assert.ok(scanners.nBatches > 3, `${scanners.nBatches} batches`);
    mount(work);
    const { nQuanta, nByStatus } = await aggregateGraph(aggregateOptions(work), context());
    assert.deepEqual(nByStatus, { [AttemptStatus.SUCCESSFUL]: nQuanta });
  });
}

Deno.test("a disk goes away while a shard is scanned", async () => {
  using work = await withDisk();
  const scanners = losingDisk(work);
  const { nScanners, zstdLevel, zstdDictSize, zstdDictNInputs, ...others } = aggregateOptions(work);
  const options: ScanShardOptions = {
    graphPath: others.graphPath,
    repository: others.repository,
    shard: { index: 0, count: 1 },
    chunkLogPath: work.join("a.chunks"),
    mockStorageClasses: false,
    readAhead: "never",
    isStrict: false,
    allowEmpty: false,
    resume: true,
    ...{ nScanners, zstdLevel, zstdDictSize, zstdDictNInputs },
  };
  await assert.rejects(
    scanShard(options, { ...context(), makeWorker: scanners.make }),
    isMissingDisk,
  );
  assert.ok(scanners.nBatches > 3, `${scanners.nBatches} batches`);
  assert.throws(() => Deno.lstatSync(options.chunkLogPath), Deno.errors.NotFound);
  mount(work);
  const { nQuanta, nSuccessful } = await scanShard(options, context());
  assert.equal(nSuccessful, nQuanta);
});
