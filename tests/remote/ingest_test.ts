/** `ingest-graph` into roots on real servers: the same states as the reference leaves. */

import assert from "node:assert/strict";
import { assertJsonEqual, assertStateEqual } from "../support/compare.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import { expectProvgraph, RUN } from "../support/fixtures.ts";
import { aggregateHere, ingestHere } from "../ingest/in_process.ts";
import {
  dumpRemote,
  dumpRemoteChain,
  expectedIngestedRemote,
  expectedIngestedRemoteChain,
  expectedRemoteChain,
  unpackRemote,
} from "./remote_case.ts";
import { type Server, startS3, startWebDav, stopServers, useVariables } from "./servers.ts";

const SERVERS: readonly (readonly [string, () => Server | string])[] = [
  ["S3", startS3],
  ["WebDAV", () => startWebDav("apache")],
];

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

  test("ingest-graph leaves what the reference leaves, and finds nothing left to do", async () => {
    await using work = await unpackRemote(server);
    await aggregateHere(work, {}, Deno.env);
    const summary = await ingestHere(work, { batchSize: 20 });
    assertStateEqual(dumpRemote(work, server), expectedIngestedRemote(server), "ingested");
    assert.equal(summary.movedSource?.state, "deleted");
    assert.equal(summary.nKept, 0);
    const again = await ingestHere(work, { graphPath: null, outputRun: summary.run });
    assert.ok(again.isAlreadyDone);
    assertStateEqual(dumpRemote(work, server), expectedIngestedRemote(server), "again");
  });

  test("check tells how far an ingest got, its repair finishes it, and it can be undone", async () => {
    await using work = await unpackRemote(server);
    await aggregateHere(work, {}, Deno.env);
    const before = dumpRemote(work, server);
    armFailpoints("backed.committed:2=eio");
    try {
      await assert.rejects(ingestHere(work, { batchSize: 20, transfer: "copy" }));
    } finally {
      armFailpoints(undefined);
    }
    const options = { cwd: work.path, env: server.variables };
    const command = ["check", "repo", "--run", RUN];
    const found = await expectProvgraph(command, { ...options, code: 3 });
    assert.match(found.stdout, /^interrupted-ingest: /m);
    const repaired = await expectProvgraph([...command, "--repair"], options);
    assert.match(repaired.stdout, /^repaired: finished the ingest/m);
    assertStateEqual(dumpRemote(work, server), expectedIngestedRemote(server), "repaired");
    await expectProvgraph(["ingest-graph", "repo", "provenance.qg", "--undo"], options);
    assert.deepEqual(dumpRemote(work, server).files, before.files);
  });

  if (server.kind !== "s3") continue;
  test("aggregate-graph and ingest-graph in a chain with local files leave the same", async () => {
    await using work = await unpackRemote(server, "s3-file");
    await aggregateHere(work, {}, Deno.env);
    const aggregated = expectedRemoteChain("s3-file", "aggregated");
    assertJsonEqual(dumpRemoteChain(work, server, "s3-file"), aggregated, "aggregated");
    await ingestHere(work, { batchSize: 20, transfer: "copy" });
    const ingested = expectedIngestedRemoteChain("s3-file");
    assertJsonEqual(dumpRemoteChain(work, server, "s3-file"), ingested, "ingested");
    const options = { cwd: work.path, env: server.variables };
    await expectProvgraph(["ingest-graph", "repo", "provenance.qg", "--undo"], options);
    const { datastores } = dumpRemoteChain(work, server, "s3-file");
    assertJsonEqual(datastores, aggregated.datastores, "undone");
  });
}

Deno.test.afterAll(stopServers);
