/** Shards of a run on real servers, scanned and merged: what an aggregation leaves, by as many requests. */

import assert from "node:assert/strict";
import { scanShard } from "../../lib/aggregate/shards/scan_shard.ts";
import { aggregateHere, aggregateOptions, context } from "../ingest/in_process.ts";
import { assertGraphEqual, assertStateEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { expectProvgraph, type TemporaryDirectory } from "../support/fixtures.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { dumpRemote, expectedGraph, expectedRemote, unpackRemote } from "./remote_case.ts";
import { setRoot, SIMULATED_ROOT, simulateOn } from "./simulated.ts";
import {
  type Server,
  startProxyFor,
  startS3,
  startWebDav,
  stopServers,
  useVariables,
} from "./servers.ts";

const SERVERS: readonly (readonly [string, () => Server | string])[] = [
  ["S3", startS3],
  ["WebDAV", () => startWebDav("apache")],
];
const N_SHARDS = 3;

async function scanAll(work: TemporaryDirectory): Promise<number> {
  let nSuccessful = 0;
  for (let index = 0; index < N_SHARDS; index++) {
    const summary = await scanShard({
      ...aggregateOptions(work),
      nScanners: 2,
      shard: { index, count: N_SHARDS },
      chunkLogPath: work.join("chunks", `${index}.chunks`),
      allowEmpty: false,
    }, context(SILENT_LOG, Deno.env));
    nSuccessful += summary.nSuccessful;
  }
  return nSuccessful;
}

for (const [name, start] of SERVERS) {
  const server = start();
  if (typeof server === "string") {
    console.log(`skipped: ${name}: ${server}`);
    continue;
  }
  const test = (title: string, fn: () => Promise<void>) =>
    Deno.test({
      name: `${name}: ${title}`,
      sanitizeResources: false,
      sanitizeOps: false,
      fn: async () => {
        useVariables(server.variables);
        await fn();
      },
    });

  test("shards that are scanned and merged leave what the reference leaves", async () => {
    await using work = await unpackRemote(server);
    assert.ok(await scanAll(work) > 10);
    await aggregateHere(work, { chunkLogs: [work.join("chunks", "*.chunks")] }, Deno.env);
    assertStateEqual(dumpRemote(work, server), expectedRemote(server, "aggregated"));
    assertGraphEqual(await dumpGraph(work.join("provenance.qg")), expectedGraph(server));
  });

  test("a quantum costs two requests in a shard, and next to none when shards are merged", async () => {
    const costs: { nQuanta: number; scans: number; merge: number }[] = [];
    for (const run of [{ nVisits: 2, nDetectors: 4 }, { nVisits: 4, nDetectors: 8 }]) {
      const { work, nQuanta } = await simulateOn(server, run);
      await using _ = work;
      const proxy = await startProxyFor(server);
      if (server.kind === "s3") {
        useVariables({ S3_ENDPOINT_URL: `http://127.0.0.1:${proxy.port}` });
      } else {
        setRoot(work.repo, `dav://127.0.0.1:${proxy.port}/${SIMULATED_ROOT}`);
      }
      assert.equal(await scanAll(work), nQuanta);
      const scans = proxy.stats().requests;
      proxy.reset();
      await aggregateHere(work, { chunkLogs: [work.join("chunks", "*.chunks")] }, Deno.env);
      costs.push({ nQuanta, scans, merge: proxy.stats().requests });
      proxy.stop();
    }
    const [small, large] = costs;
    const nMore = large.nQuanta - small.nQuanta;
    // What the dictionary is made of is read besides, up to sixteen files a task.
    const perQuantum = (large.scans - small.scans) / nMore;
    assert.ok(perQuantum >= 2 && perQuantum < 2.3, JSON.stringify(costs));
    const mostAgain = server.kind === "s3" ? 0.01 : 1;
    assert.ok((large.merge - small.merge) / nMore <= mostAgain, JSON.stringify(costs));
  });

  test("scan takes a predicted graph at a URI", async () => {
    await using work = await unpackRemote(server);
    const tree = work.join("graph");
    Deno.mkdirSync(tree);
    Deno.renameSync(work.join("predicted.qg"), `${tree}/predicted.qg`);
    server.load(tree, "graphs");
    const options = { cwd: work.path, env: server.variables };
    const uri = `${server.root}/graphs/predicted.qg`;
    const args = ["scan", uri, "repo", "--shard", "0/2", "--chunks", "0.chunks", "-j", "1"];
    const { stderr } = await expectProvgraph(args, options);
    assert.match(stderr, /Shard 0\/2 of RUN/);
    Deno.renameSync(`${tree}/predicted.qg`, work.join("predicted.qg"));
    await aggregateHere(work, { chunkLogs: [work.join("0.chunks")] }, Deno.env);
    assertStateEqual(dumpRemote(work, server), expectedRemote(server, "aggregated"));
  });
}

Deno.test.afterAll(stopServers);
