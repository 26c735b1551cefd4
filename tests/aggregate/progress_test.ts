import assert from "node:assert/strict";
import { aggregateGraph } from "../../lib/aggregate/aggregate.ts";
import type { ScannerRequest, WorkerRole } from "../../lib/aggregate/messages.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { SILENT_PROGRESS, type Stage } from "../../lib/base/progress.ts";
import { fixturePath, unpackFixture } from "../support/fixtures.ts";

Deno.test("aggregateGraph() counts blocked quanta as scanned when their blocks are made", async () => {
  await using work = await unpackFixture("small-failed", "before");
  let stages: () => readonly Stage[] = () => [];
  const scanned = (): number => stages().find(({ name }) => name === "scan")!.nDone;
  // Of each request to make blocks: how many were asked for, and how many quanta counted then.
  const asked: { nBlocked: number; nScanned: number }[] = [];
  const makeWorker = (role: WorkerRole): Worker => {
    const worker = new Worker(new URL(`../../workers/${role}.ts`, import.meta.url), {
      type: "module",
    });
    return new Proxy(worker, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const [message] = args as [ScannerRequest];
          if (name === "postMessage" && message.kind === "blocked") {
            asked.push({ nBlocked: message.quanta.length, nScanned: scanned() });
          }
          return value.apply(target, args);
        };
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  };
  const summary = await aggregateGraph({
    graphPath: fixturePath("small-failed", "predicted.qg"),
    repository: work.repo,
    outputPath: work.join("provenance.qg"),
    nScanners: 1,
    isIncomplete: false,
    isDryRun: false,
    registerDatasetTypes: true,
    updateOutputChain: false,
    zstdLevel: 3,
    zstdDictSize: 32768,
    zstdDictNInputs: 512,
    mockStorageClasses: false,
    readAhead: "never",
    promiseIngestGraph: false,
    ingestBatchSize: 10000,
    isStrict: true,
    allowEmpty: false,
    keepChunks: false,
    resume: true,
    chunkLogs: [],
    workerLogs: null,
  }, {
    makeWorker,
    env: Deno.env,
    log: SILENT_LOG,
    progress: {
      watch: (given) => {
        stages = given;
        return SILENT_PROGRESS.watch(given);
      },
    },
    signal: new AbortController().signal,
  });
  assert.equal(summary.nBlocked, asked.reduce((sum, { nBlocked }) => sum + nBlocked, 0));
  assert.ok(summary.nBlocked > 5, `${summary.nBlocked}`);
  let nLeft = summary.nBlocked;
  for (const { nBlocked, nScanned } of asked) {
    assert.ok(nScanned <= summary.nQuanta - nLeft, `${nScanned} scanned, ${nLeft} left`);
    nLeft -= nBlocked;
  }
  assert.equal(scanned(), summary.nQuanta);
});
