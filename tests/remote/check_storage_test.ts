/** `check-storage` of real servers, healthy ones and those with a fault. */

import assert from "node:assert/strict";
import { MemorySource } from "../support/sources.ts";
import { openStorage } from "../../lib/storage/remote/open_storage.ts";
import { runHere } from "../cli/check_support.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { unpackRemote } from "./remote_case.ts";
import { withoutRanges } from "./without_ranges.ts";
import {
  environmentOf,
  type FaultRule,
  type Server,
  startProxyFor,
  startS3,
  startWebDav,
  stopServers,
} from "./servers.ts";

const SERVERS: readonly (readonly [string, () => Server | string])[] = [
  ["S3", startS3],
  ["WebDAV", () => startWebDav("apache")],
];

/** Where requests of a server go through another port. */
function through(server: Server, port: number): { root: string; variables: Server["variables"] } {
  return server.kind === "s3"
    ? {
      root: server.root,
      variables: { ...server.variables, S3_ENDPOINT_URL: `http://127.0.0.1:${port}` },
    }
    : { root: `dav://127.0.0.1:${port}`, variables: server.variables };
}

async function check(place: string, variables: Server["variables"], ...flags: string[]) {
  const args = ["check-storage", place, "--json", ...flags];
  const { code, stdout, stderr } = await runHere(args, { env: environmentOf(variables) });
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) assertMatchesSchema("check-storage", line);
  const steps = lines.filter(({ message_type }) => message_type === "step");
  return {
    code,
    stderr,
    lines,
    steps,
    toMend: steps.filter(({ state }) => state === "mend"),
    capabilities: lines.find(({ message_type }) => message_type === "capabilities"),
  };
}

async function pathsBelow(place: string, server: Server): Promise<string[]> {
  using storage = await openStorage(place, { env: server.env });
  const paths: string[] = [];
  for await (const { path } of storage.list("")) paths.push(path);
  return paths;
}

async function place(server: Server, name: string): Promise<string> {
  const uri = `${server.root}/${name}`;
  using storage = await openStorage(uri, { env: server.env });
  await storage.put("mine/large.bin", new MemorySource(new Uint8Array(100_000)), {
    mustBeNew: false,
  });
  return uri;
}

/** Faults of one kind of request, the step that shows it, and what it says. */
const FAULTS: readonly (readonly [string, FaultRule, string, RegExp])[] = [
  ["nothing may be written", { kind: "PUT", action: "status", status: 403 }, "write", /403/],
  [
    "nothing may be listed",
    { kind: "GET\\?list-type|PROPFIND.*", action: "status", status: 403 },
    "reach",
    /403/,
  ],
  [
    "nothing may be deleted",
    { kind: "POST\\?delete|DELETE", action: "status", status: 403 },
    "delete",
    /403/,
  ],
];

for (const [name, start] of SERVERS) {
  const server = start();
  if (typeof server === "string") {
    console.log(`skipped: ${name}: ${server}`);
    continue;
  }
  const test = (title: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${name}: ${title}`, sanitizeResources: false, sanitizeOps: false, fn });

  test("a healthy place has nothing to mend, and is as it was", async () => {
    const uri = await place(server, "healthy");
    const { code, steps, capabilities } = await check(uri, server.variables);
    assert.equal(code, 0, JSON.stringify(steps));
    assert.deepEqual([...new Set(steps.map(({ state }) => state))], ["ok"]);
    assert.equal(capabilities.reads_ranges, true);
    assert.equal(capabilities.writes_conditionally, true);
    assert.equal(capabilities.bulk_delete, server.kind === "s3" ? 1000 : 1);
    assert.ok(Math.abs(capabilities.clock_offset_seconds) <= 2);
    assert.deepEqual(await pathsBelow(uri, server), ["mine/large.bin"]);
  });

  test("--no-write sends no request that changes anything", async () => {
    const uri = await place(server, "unwritten");
    const proxy = await startProxyFor(server);
    const { root, variables } = through(server, proxy.port);
    const { code, steps } = await check(
      uri.replace(server.root, root),
      variables,
      "--no-write",
    );
    proxy.stop();
    assert.equal(code, 0, JSON.stringify(steps));
    const kinds = Object.keys(proxy.stats().byKind);
    assert.ok(kinds.length > 0);
    assert.deepEqual(kinds.filter((kind) => /^(?:PUT|POST|DELETE|MKCOL|MOVE|COPY)/.test(kind)), []);
    assert.equal(steps.find((step) => step.name === "read-range").state, "ok");
  });

  test("a repository's remote root is checked", async () => {
    await using work = await unpackRemote(server);
    const { code, lines } = await check(work.repo, server.variables);
    assert.equal(code, 0);
    const name = server.kind === "s3" ? "s3" : "webdav";
    assert.deepEqual(lines.at(-1).places, [`${server.root}/${name}`]);
  });

  for (const [title, rule, step, message] of FAULTS) {
    test(`${title}: that step has to be mended`, async () => {
      const uri = await place(server, "faulty");
      const proxy = await startProxyFor(server);
      proxy.setRules([rule]);
      const { root, variables } = through(server, proxy.port);
      const { code, toMend } = await check(uri.replace(server.root, root), variables);
      proxy.stop();
      assert.equal(code, 3);
      assert.deepEqual(toMend.map((one) => one.name), [step], JSON.stringify(toMend));
      assert.match(toMend[0].detail, message);
      assert.notEqual(toMend[0].hint, null);
      const left = await pathsBelow(uri, server);
      // What can't be deleted is named.
      const ours = left.filter((path) => path.includes(".provgraph-check-"));
      const probes = ours.filter((path) => path.startsWith(".provgraph-check-"));
      assert.equal(probes.length, step === "delete" ? 1 : 0, left.join());
      if (step === "delete") assert.ok(toMend[0].hint.includes(probes[0]), toMend[0].hint);
      using storage = await openStorage(uri, { env: server.env });
      await storage.deleteMany(ours);
    });
  }

  test("a server that ignores ranges is told", async () => {
    const uri = await place(server, "no-ranges");
    await using proxy = withoutRanges(server.port);
    const { root, variables } = through(server, proxy.port);
    const { code, toMend, capabilities } = await check(uri.replace(server.root, root), variables);
    assert.equal(code, 3);
    assert.deepEqual(toMend.map((one) => one.name), ["read-range"], JSON.stringify(toMend));
    assert.match(
      toMend[0].detail,
      /by ranges: asked for bytes -65536, the server sends 69632 bytes/,
    );
    assert.equal(capabilities.reads_ranges, false);
    assert.deepEqual(await pathsBelow(uri, server), ["mine/large.bin"]);
  });

  if (server.kind === "s3") {
    for (
      const [title, uri, change, message] of [
        ["a wrong key", server.root, { AWS_SECRET_ACCESS_KEY: "wrong" }, /SignatureDoesNotMatch/],
        [
          "an unknown key",
          server.root,
          { AWS_ACCESS_KEY_ID: "nobody" },
          /InvalidAccessKeyId|XAdminUserNotFound/,
        ],
        ["no bucket", "s3://no-such-bucket/x", {}, /bucket "no-such-bucket" isn't there/],
      ] as const
    ) {
      test(`${title} has to be mended`, async () => {
        const { code, toMend } = await check(uri, { ...server.variables, ...change });
        assert.equal(code, 3);
        assert.equal(toMend.length, 1);
        assert.match(toMend[0].detail, message);
        assert.doesNotMatch(JSON.stringify(toMend), /testsecret1/);
      });
    }
  } else {
    test("a directory that the server may not write to has to be mended", async () => {
      const uri = await place(server, "read-only");
      const directory = `${server.folder}/objects/read-only`;
      Deno.chownSync(directory, 0, 0);
      const { code, toMend } = await check(uri, server.variables);
      assert.equal(code, 3);
      assert.equal(toMend[0].name, "write");
      assert.match(toMend[0].detail, /the server answers [45]\d\d/);
    });
  }
}

Deno.test.afterAll(stopServers);
