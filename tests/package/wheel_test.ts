/** The wheel, installed into an empty environment of Python. */

import assert from "node:assert/strict";
import {
  expectProvgraph,
  fixturePath,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { execute } from "./project.ts";
import { runOffline, useForDemo } from "./usage.ts";
import { makeBinary, makeWheel } from "./wheel.ts";

const { target } = Deno.build;
const BINARY = makeBinary();
const WHEEL = makeWheel({ binary: BINARY, target });
const GRAPH = fixturePath("small-mixed", "provenance.qg");

/** An environment with the wheel and nothing else. */
async function makeEnvironment() {
  const work = await temporaryDirectory();
  execute("python3", ["-m", "venv", work.join("venv")]);
  execute(work.join("venv/bin/python"), ["-m", "pip", "install", "--no-index", "--quiet", WHEEL]);
  return work;
}

Deno.test("the wheel installs into an empty environment and works there without network", async () => {
  await using work = await makeEnvironment();
  await useForDemo({ command: [work.join("venv/bin/provgraph")] });
});

Deno.test("the module runs commands, reads tables and logs, and says what went wrong", async () => {
  await using work = await makeEnvironment();
  const script = `
import json, provgraph, subprocess, sys
graph = ${JSON.stringify(GRAPH)}
rows = provgraph.table(graph, "quanta", status=["FAILED", "BLOCKED"], task="calibrate", format="rows")
datasets = provgraph.table(graph, "datasets", limit=3, format="rows")
log = provgraph.log(graph, "calibrate", visit=3, detector=1, attempt=0)
attempts = {record["attempt"] for record in provgraph.log(graph, "calibrate", visit=3, detector=1, all_attempts=True)}

errors = []
for call in (
    lambda: provgraph.run("cat", graph, "log", "nothing", capture_output=True),
    lambda: provgraph.log(graph, "calibrate", visit=99, detector=1),
    lambda: provgraph.table(graph, "files"),
    lambda: provgraph.table(graph, format="csv"),
):
    try:
        call()
    except Exception as error:
        errors.append([type(error).__name__, getattr(error, "code", None), str(error).splitlines()[-1]])
as_module = subprocess.run([sys.executable, "-m", "provgraph", "--version"], capture_output=True, text=True)
print(json.dumps({
    "version": provgraph.__version__,
    "statuses": sorted({row["status"] for row in rows}),
    "columns": list(rows[0]),
    "n_datasets": len(datasets),
    "n_records": len(log),
    "members": sorted(log[0]),
    "n_attempts": len(attempts),
    "errors": errors,
    "as_module": as_module.stdout.splitlines()[0],
}))
`;
  const { code, stdout, stderr } = await runOffline(
    [work.join("venv/bin/python"), "-c", script],
    { cwd: work.path, env: {} },
  );
  assert.equal(code, 0, stderr);
  const told = JSON.parse(stdout);
  const listed = await expectProvgraph(["ls", GRAPH, "quanta", "--json", "--limit", "1"]);
  const { data_id, message_type: _, ...rest } = JSON.parse(listed.stdout);
  assert.deepEqual(told.statuses, ["FAILED"]);
  assert.deepEqual([...told.columns].sort(), Object.keys({ ...rest, ...data_id }).sort());
  assert.equal(told.n_datasets, 3);
  const log = await expectProvgraph(
    ["cat", GRAPH, "log", "calibrate", "visit=3", "detector=1", "--attempt", "0", "--json"],
  );
  assert.equal(told.n_records, JSON.parse(log.stdout).length);
  assert.ok(
    ["message", "levelname", "asctime", "MDC"].every((name) => told.members.includes(name)),
  );
  assert.equal(told.n_attempts, 3);
  assert.equal(told.as_module, `provgraph ${told.version}`);
  const [run, noLog, noKind, noFormat] = told.errors as [string, number | null, string][];
  assert.deepEqual(run.slice(0, 2), ["ProvgraphError", 2]);
  assert.deepEqual(noLog.slice(0, 2), ["ProvgraphError", 2]);
  assert.match(noLog[2], /visit=99/);
  assert.match(noKind[2], /no kind 'files'; there are: quanta, datasets/);
  assert.match(noFormat[2], /no format 'csv'/);
});

Deno.test("a wheel in a folder of its own finds its command", async () => {
  await using work = await temporaryDirectory();
  const site = work.join("site");
  const args = ["-m", "pip", "install", "--no-index", "--quiet", "--target", site, WHEEL];
  execute("python3", args);
  const script = "import provgraph; print(provgraph.find_binary())";
  const { stdout } = await runOffline(["python3", "-c", script], {
    cwd: work.path,
    env: { PYTHONPATH: site, PATH: Deno.env.get("PATH") ?? "" },
  });
  assert.equal(stdout.trim(), `${site}/bin/provgraph`);
});

Deno.test("the same source makes the same binary, and the same binary the same wheel", () => {
  const first = Deno.readFileSync(WHEEL);
  const binary = Deno.readFileSync(BINARY);
  makeBinary();
  // Too long for a message of what differs.
  assert.ok(isSame(Deno.readFileSync(BINARY), binary), "the binary differs");
  assert.equal(makeWheel({ binary: BINARY, target }), WHEEL);
  assert.ok(isSame(Deno.readFileSync(WHEEL), first), "the wheel differs");
});

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

Deno.test("the wheel is tagged for the oldest glibc that its binary needs", {
  ignore: Deno.build.os !== "linux",
}, () => {
  const text = new TextDecoder("latin1").decode(Deno.readFileSync(BINARY));
  const needed = [...text.matchAll(/\0GLIBC_2\.(\d+)(?=\0)/g)].map(([, minor]) => Number(minor));
  assert.ok(needed.length > 5, `only ${needed.length} versions of glibc found`);
  const tagged = Number(/manylinux_2_(\d+)_/.exec(WHEEL)?.[1]);
  assert.equal(Math.max(...needed), tagged);
});

Deno.test("with our program first on PATH as butler, the stock BPS line is ours", async () => {
  await using work = await unpackFixture("small-mixed", "before");
  Deno.mkdirSync(work.join("bin"));
  Deno.symlinkSync(BINARY, work.join("bin", "butler"));
  const line = "butler --long-log --log-level=VERBOSE aggregate-graph predicted.qg repo -j 16 " +
    "--register-dataset-types --update-output-chain ";
  const { code, stderr } = await runOffline(["sh", "-c", line], {
    cwd: work.path,
    env: { PATH: `${work.join("bin")}:/usr/bin:/bin` },
  });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /provgraph\.aggregate .*53 quanta: 23 SUCCESSFUL/);
});

Deno.test("a wheel holds licences of all that it is made of", () => {
  const listed = execute("python3", ["-m", "zipfile", "-l", WHEEL]);
  assert.match(listed, /dist-info\/licenses\/LICENSE/);
  assert.match(listed, /dist-info\/licenses\/THIRD_PARTY_LICENSES/);
});
