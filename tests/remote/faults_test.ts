/** What becomes of an aggregation when requests fail, and how many it takes when none does. */

import assert from "node:assert/strict";
import { aggregateHere } from "../ingest/in_process.ts";
import { assertGraphEqual, assertStateEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import type { TemporaryDirectory } from "../support/fixtures.ts";
import { dumpRemote, expectedGraph, expectedRemote, unpackRemote } from "./remote_case.ts";
import {
  type FaultRule,
  type RequestProxy,
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

/** Faults after which the result is the same as without them. */
const PASSING: readonly (readonly [string, FaultRule[]])[] = [
  [
    "status 500, 502, 503, 504 and 429 now and then",
    [500, 502, 503, 504, 429].map((status) => ({
      rate: 0.03,
      action: "status",
      status,
    })),
  ],
  ["connections that break before the answer", [{ rate: 0.1, action: "drop" }]],
  ["bodies that break", [{ kind: "GET", rate: 0.1, action: "truncate", bytes: 20 }]],
  ["answers that are lost", [{ rate: 0.1, action: "drop-after" }]],
  ["one 404 for a metadata file that is there", [{
    kind: "GET",
    key: "_metadata/",
    after: 3,
    times: 1,
    action: "status",
    status: 404,
  }]],
];

/** Faults that end the run, by which nothing is taken for absent; the next run completes it. */
const ENDING: readonly (readonly [string, FaultRule[], RegExp])[] = [
  [
    "403 in mid-run",
    [{ kind: "GET", key: "_log/", after: 3, action: "status", status: 403 }],
    /403/,
  ],
  [
    "a store that stays overloaded",
    [{ kind: "GET", key: "calibrate_metadata/", action: "status", status: 400 }],
    /400/,
  ],
];

/** A repository whose files are asked for through a proxy. */
async function behindProxy(server: Server) {
  const proxy = await startProxyFor(server);
  const work = await unpackRemote(server);
  useVariables(server.variables);
  if (server.kind === "s3") {
    useVariables({ S3_ENDPOINT_URL: `http://127.0.0.1:${proxy.port}` });
  } else {
    const config = work.join("repo", "butler.yaml");
    const text = Deno.readTextFileSync(config);
    Deno.writeTextFileSync(config, text.replace(`:${server.port}/`, `:${proxy.port}/`));
  }
  return {
    work,
    proxy,
    [Symbol.asyncDispose]: async () => {
      proxy.stop();
      await work[Symbol.asyncDispose]();
    },
  };
}

async function assertComplete(work: TemporaryDirectory, server: Server): Promise<void> {
  assertStateEqual(dumpRemote(work, server), expectedRemote(server, "aggregated"));
  assertGraphEqual(await dumpGraph(work.join("provenance.qg")), expectedGraph(server));
}

/** How often each log and metadata file was asked for that is there. */
function requestsOfFiles(proxy: RequestProxy): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key, status, kind } of proxy.entries) {
    if (!/_(?:log|metadata)\/.*\.(?:json|yaml)$/.test(key) || kind.includes("list")) continue;
    if (status === 200) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

for (const [name, start] of SERVERS) {
  const server = start();
  if (typeof server === "string") {
    console.log(`skipped: ${name}: ${server}`);
    continue;
  }
  const test = (title: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${name}: ${title}`, sanitizeResources: false, sanitizeOps: false, fn });

  test("each log and metadata file is asked for once", async () => {
    await using lab = await behindProxy(server);
    await aggregateHere(lab.work, { nScanners: 2 }, Deno.env);
    const counts = requestsOfFiles(lab.proxy);
    assert.ok(counts.size > 40, `${counts.size} files`);
    assert.deepEqual([...counts].filter(([, n]) => n !== 1), []);
    await assertComplete(lab.work, server);
  });

  test("a final run after --incomplete asks for no file of a quantum that is done", async () => {
    await using lab = await behindProxy(server);
    await aggregateHere(lab.work, { nScanners: 2, isIncomplete: true }, Deno.env);
    const done = requestsOfFiles(lab.proxy);
    lab.proxy.reset();
    await aggregateHere(lab.work, { nScanners: 2 }, Deno.env);
    const again = [...requestsOfFiles(lab.proxy).keys()]
      .filter((key) => key.includes("_metadata/") && done.has(key));
    // Metadata that are there are those of quanta that are done, but for what dictionaries are made of.
    assert.deepEqual(again, []);
    await assertComplete(lab.work, server);
  });

  for (const [title, rules] of PASSING) {
    test(`the result is the same with ${title}`, async () => {
      await using lab = await behindProxy(server);
      lab.proxy.setRules(rules);
      await aggregateHere(lab.work, { nScanners: 2 }, Deno.env);
      assert.ok(Object.keys(lab.proxy.stats().faults).length > 0, "no fault was made");
      await assertComplete(lab.work, server);
    });
  }

  for (const [title, rules, message] of ENDING) {
    test(`${title}: one clear error, and the next run completes`, async () => {
      await using lab = await behindProxy(server);
      lab.proxy.setRules(rules);
      await assert.rejects(
        aggregateHere(lab.work, { nScanners: 2 }, Deno.env),
        (error: Error & { exitCode?: number }) => {
          assert.match(error.message, message);
          assert.equal(error.exitCode, 1, error.message);
          return true;
        },
      );
      lab.proxy.setRules([]);
      await aggregateHere(lab.work, { nScanners: 2 }, Deno.env);
      await assertComplete(lab.work, server);
    });
  }
}

Deno.test.afterAll(stopServers);
