/** The shared cases of storages, on real servers. */

import { openStorage } from "../../lib/storage/remote/open_storage.ts";
import { STORAGE_CASES } from "../support/storage_cases.ts";
import { type Server, startS3, startWebDav, stopServers } from "./servers.ts";

const SERVERS: readonly (readonly [string, () => Server | string])[] = [
  ["S3", startS3],
  ["WebDAV of Apache", () => startWebDav("apache")],
];

for (const [name, start] of SERVERS) {
  const server = start();
  if (typeof server === "string") {
    console.log(`skipped: ${name}: ${server}`);
    continue;
  }
  STORAGE_CASES.forEach(([title, run], i) => {
    Deno.test({
      name: `${name}: ${title}`,
      sanitizeResources: false,
      sanitizeOps: false,
      fn: async () => {
        using storage = await openStorage(`${server.root}/case-${i}/datastore`, {
          env: server.env,
        });
        await run(storage);
      },
    });
  });
}

Deno.test.afterAll(stopServers);
