/** Repositories whose files or index of aliases are on real servers, read by commands. */

import assert from "node:assert/strict";
import { openStorage } from "../../lib/storage/remote/open_storage.ts";
import { MemorySource } from "../support/sources.ts";
import { expectProvgraph } from "../support/fixtures.ts";
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
}

Deno.test.afterAll(stopServers);
