/** Repositories whose files or index of aliases are on real servers, read by commands. */

import assert from "node:assert/strict";
import { openStorage } from "../../lib/storage/remote/open_storage.ts";
import { MemorySource } from "../support/sources.ts";
import { expectProvgraph, runProvgraph } from "../support/fixtures.ts";
import { unpackRemote } from "./remote_case.ts";
import { type Server, startS3, startWebDav, stopServers } from "./servers.ts";

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
  Deno.test({
    name: `${name}: a repository is found by an index of aliases at a URI`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using work = await unpackRemote(server);
      using storage = await openStorage(`${server.root}/index`, { env: server.env });
      const index = new TextEncoder().encode(`campaign: ${work.repo}\n`);
      await storage.put("repos.yaml", new MemorySource(index), { mustBeNew: false });
      const env = {
        ...server.variables,
        DAF_BUTLER_REPOSITORY_INDEX: `${server.root}/index/repos.yaml`,
      };
      const options = { cwd: work.path, env };
      const named = await expectProvgraph(["info", "campaign", "--json"], options);
      assert.equal(JSON.parse(named.stdout).kind, "repository");
    },
  });

  Deno.test({
    name: `${name}: commands that can't do it refuse a remote datastore by name`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using work = await unpackRemote(server);
      const scan = ["scan", "predicted.qg", "repo", "--shard", "0/2", "--chunks", "x"];
      const result = await runProvgraph(scan, { cwd: work.path, env: server.variables });
      assert.equal(result.code, 2, result.stderr);
      assert.match(result.stderr, /is in a remote store, which this command doesn't support yet/);
    },
  });
}

Deno.test.afterAll(stopServers);
