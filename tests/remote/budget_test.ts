/** How many requests commands need of a store, counted by a proxy: what each quantum costs, not what a run does. */

import assert from "node:assert/strict";
import { aggregateHere } from "../ingest/in_process.ts";
import { setRoot, type Simulated, SIMULATED_ROOT, simulateOn } from "./simulated.ts";
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

const SMALL: Simulated = { nVisits: 2, nDetectors: 4 };
const LARGE: Simulated = { nVisits: 4, nDetectors: 8 };

/** What a run came to. */
interface Counted {
  nQuanta: number;
  /** Requests of a first aggregation. */
  first: number;
  /** Requests of a final one, after `--incomplete` had seen all. */
  final: number;
  kinds: string;
}

async function count(server: Server, run: Simulated): Promise<Counted> {
  const { work, nQuanta } = await simulateOn(server, run);
  await using _ = work;
  const proxy = await startProxyFor(server);
  useVariables(server.variables);
  if (server.kind === "s3") {
    useVariables({ S3_ENDPOINT_URL: `http://127.0.0.1:${proxy.port}` });
  } else {
    setRoot(work.repo, `dav://127.0.0.1:${proxy.port}/${SIMULATED_ROOT}`);
  }
  try {
    await aggregateHere(work, { isIncomplete: true });
    const first = proxy.stats().requests;
    const kinds = JSON.stringify(proxy.stats().byStatus);
    proxy.reset();
    await aggregateHere(work);
    return { nQuanta, first, final: proxy.stats().requests, kinds };
  } finally {
    proxy.stop();
  }
}

for (const [name, start] of SERVERS) {
  const server = start();
  if (typeof server === "string") {
    console.log(`skipped: ${name}: ${server}`);
    continue;
  }
  Deno.test({
    name: `${name}: a successful quantum costs two requests, and none once it is known`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      const small = await count(server, SMALL);
      const large = await count(server, LARGE);
      const nMore = large.nQuanta - small.nQuanta;
      assert.ok(nMore >= 30, String(nMore));
      const perQuantum = (large.first - small.first) / nMore;
      // With --incomplete each directory of a visit is listed, too, where lists are of directories.
      const most = server.kind === "s3" ? 2 : 3;
      assert.ok(
        perQuantum >= 2 && perQuantum <= most,
        `${perQuantum} requests a quantum: ${large.kinds}, ${small.kinds}`,
      );
      const again = (large.final - small.final) / nMore;
      const mostAgain = server.kind === "s3" ? 0.01 : 1;
      assert.ok(again <= mostAgain, `${again} requests a quantum of the final run`);
    },
  });
}

Deno.test.afterAll(stopServers);
