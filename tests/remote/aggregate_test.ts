/** `aggregate-graph` over roots on real servers: the same states as the reference leaves. */

import { aggregateHere } from "../ingest/in_process.ts";
import { assertGraphEqual, assertStateEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { dumpRemote, expectedGraph, expectedRemote, unpackRemote } from "./remote_case.ts";
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

  for (const state of ["incomplete", "promise", "aggregated"] as const) {
    test(`aggregate-graph leaves what the reference leaves: ${state}`, async () => {
      await using work = await unpackRemote(server);
      await aggregateHere(work, {
        nScanners: 2,
        isIncomplete: state === "incomplete",
        promiseIngestGraph: state === "promise",
      }, Deno.env);
      assertStateEqual(dumpRemote(work, server), expectedRemote(server, state), state);
      if (state !== "aggregated") return;
      assertGraphEqual(await dumpGraph(work.join("provenance.qg")), expectedGraph(server));
    });
  }

  test("a final run after --incomplete leaves the same", async () => {
    await using work = await unpackRemote(server);
    await aggregateHere(work, { isIncomplete: true }, Deno.env);
    await aggregateHere(work, {}, Deno.env);
    assertStateEqual(dumpRemote(work, server), expectedRemote(server, "aggregated"));
    assertGraphEqual(await dumpGraph(work.join("provenance.qg")), expectedGraph(server));
  });
}

Deno.test.afterAll(stopServers);
