/** `aggregate-graph` over roots on real servers: the same states as the reference leaves. */

import assert from "node:assert/strict";
import { FileSource } from "../../lib/storage/file_source.ts";
import { openStorage } from "../../lib/storage/remote/open_storage.ts";
import { expectProvgraph } from "../support/fixtures.ts";
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

  test("predicted graph and output may be URIs; a work folder keeps what was scanned", async () => {
    await using work = await unpackRemote(server);
    const uri = `${server.root}/graphs`;
    using storage = await openStorage(uri, { env: server.env });
    await storage.put("in/predicted.qg", FileSource.open(work.join("predicted.qg")), {
      mustBeNew: true,
    });
    Deno.removeSync(work.join("predicted.qg"));
    await expectProvgraph([
      "aggregate-graph",
      `${uri}/in/predicted.qg`,
      "repo",
      ...["-o", `${uri}/out/provenance.qg`, "--work", "here", "-j", "1"],
    ], { cwd: work.path, env: server.variables });
    assert.deepEqual([...Deno.readDirSync(work.join("here"))], []);
    const stored = await storage.readWhole("out/provenance.qg", 2 ** 30);
    Deno.writeFileSync(work.join("provenance.qg"), stored!.bytes);
    assertGraphEqual(await dumpGraph(work.join("provenance.qg")), expectedGraph(server));
    for (const command of [["info"], ["ls", "quanta", "--limit", "3"], ["report"]]) {
      const args = [command[0], `${uri}/out/provenance.qg`, ...command.slice(1)];
      const local = [command[0], "provenance.qg", ...command.slice(1)];
      const options = { cwd: work.path, env: server.variables };
      const there = await expectProvgraph(args, options);
      const here = await expectProvgraph(local, options);
      const plain = (text: string) => text.replaceAll(/\S*provenance\.qg/g, "GRAPH");
      assert.equal(plain(there.stdout), plain(here.stdout));
    }
  });

  test("a final run after --incomplete leaves the same", async () => {
    await using work = await unpackRemote(server);
    await aggregateHere(work, { isIncomplete: true }, Deno.env);
    await aggregateHere(work, {}, Deno.env);
    assertStateEqual(dumpRemote(work, server), expectedRemote(server, "aggregated"));
    assertGraphEqual(await dumpGraph(work.join("provenance.qg")), expectedGraph(server));
  });
}

Deno.test.afterAll(stopServers);
