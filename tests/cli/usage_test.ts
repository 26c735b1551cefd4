/** The command line itself: options, logs, exit codes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  expectProvgraph,
  fixturePath,
  IS_BINARY,
  PROJECT,
  runProvgraph,
  spawnProvgraph,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const GRAPH = fixturePath("small-mixed", "provenance.qg");

Deno.test("--licenses prints the program's own, and where the others are", async () => {
  const { stdout } = await expectProvgraph(["--licenses"]);
  assert.ok(stdout.includes(Deno.readTextFileSync(`${PROJECT}/LICENSE`)));
  assert.match(stdout, IS_BINARY ? /^commander \d/m : /deno task compile/);
});

Deno.test("help and version go to stdout with exit code 0", async () => {
  const version = JSON.parse(Deno.readTextFileSync(join(PROJECT, "deno.json"))).version;
  assert.ok((await expectProvgraph(["--version"])).stdout.startsWith(`provgraph ${version}\n`));
  const { stdout } = await expectProvgraph(["--help"]);
  assert.match(stdout, /aggregate-graph.*ingest-graph.*cat.*Exit codes:\n +0 +done/s);
  for (const command of ["aggregate-graph", "ingest-graph", "cat"]) {
    const { stdout, stderr } = await expectProvgraph([command, "--help"]);
    assert.match(stdout, /Usage: provgraph .*Examples:/s);
    assert.equal(stderr, "");
    assert.equal((await expectProvgraph(["help", command])).stdout, stdout);
  }
});

Deno.test("aggregate-graph and ingest-graph have every option of the reference", async () => {
  const aggregate = (await expectProvgraph(["aggregate-graph", "--help"])).stdout;
  const options = "-o, --output|-j, --processes|--incomplete|--complete|--dry-run|" +
    "--interactive-status|--no-interactive-status|--log-status-interval|" +
    "--register-dataset-types|--no-register-dataset-types|--update-output-chain|" +
    "--no-update-output-chain|--worker-log-dir|--worker-log-level|--zstd-level|--zstd-dict-size|" +
    "--zstd-dict-n-inputs|--mock-storage-classes|--no-mock-storage-classes|" +
    "--promise-ingest-graph|--no-promise-ingest-graph|--ingest-batch-size|--defensive-ingest|" +
    "--strict|-h, --help";
  for (const option of options.split("|")) assert.ok(aggregate.includes(`  ${option}`), option);
  const ingest = (await expectProvgraph(["ingest-graph", "--help"])).stdout;
  for (
    const option of ["-t, --transfer", "--batch-size", "--output-run", "--resume", "--dry-run"]
  ) {
    assert.ok(ingest.includes(`  ${option}`), option);
  }
});

Deno.test("a command line that can't work ends with 2 and one message", async () => {
  const aggregate = ["aggregate-graph", "a.qg", "repo"];
  const cases: [string[], RegExp][] = [
    [["frobnicate"], /unknown command 'frobnicate'/],
    [["aggregate-grap"], /Did you mean aggregate-graph/],
    [["aggregate-graph"], /missing required argument 'predicted-graph'/],
    [["aggregate-graph", "a.qg"], /missing required argument 'repo'/],
    [[...aggregate, "extra"], /too many arguments/],
    [[...aggregate, "--bogus"], /unknown option '--bogus'/],
    [[...aggregate, "-j", "0"], /at least 1/],
    [[...aggregate, "-j", "two"], /not an integer/],
    [[...aggregate, "-j", "1.5"], /not an integer/],
    [[...aggregate, "--read-ahead", "sometimes"], /Allowed choices are auto, always, never/],
    [[...aggregate, "--ingest-batch-size", "0"], /at least 1/],
    [[...aggregate, "--zstd-level", "99"], /at most 22/],
    [[...aggregate, "--zstd-dict-size", "-1"], /at least 0/],
    [[...aggregate, "--log-status-interval", "0"], /at least 1/],
    [[...aggregate, "--output"], /argument missing/],
    [["ingest-graph"], /missing required argument 'repo'/],
    [["ingest-graph", "repo", "p.qg", "--batch-size", "0"], /at least 1/],
    [["ingest-graph", "repo", "p.qg", "-t", "teleport"], /Allowed choices are auto, link/],
    [["cat", "x", "nonsense"], /Allowed choices are log, metadata/],
    [["cat", "x"], /it is not said which/],
    [["--log-level", "LOUD", ...aggregate], /level "LOUD" is unknown/],
    [["cat", GRAPH, "log", "--attempt", "x", "01"], /not an integer/],
    [["cat", GRAPH, "log"], /no ID is given/],
    [["cat", GRAPH, "header", "01"], /there is only one/],
    [["cat", GRAPH, "header", "--attempt", "0"], /it has none/],
    [["cat", GRAPH, "log", "01", "--attempt", "0", "--all-attempts"], /excludes/],
    [["cat", GRAPH, "log", "01", "--raw", "--format", "json"], /excludes/],
    [["cat", GRAPH, "log", "visit=1"], /does not begin with a label/],
    [["cat", GRAPH, "--run", "other", "header"], /is of RUN/],
  ];
  for (const [args, message] of cases) {
    const result = await runProvgraph(args);
    assert.equal(result.code, 2, `${args.join(" ")}\n${result.stderr}`);
    assertOneError(result, message);
  }
  const { code, stdout, stderr } = await runProvgraph([]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /Usage: provgraph/);
});

Deno.test("the batch system's command line is taken as it is, parallelism variables are ignored", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const args = "--long-log --log-level=VERBOSE aggregate-graph predicted.qg repo -j 2 " +
    "--register-dataset-types --update-output-chain --output out.qg";
  const { stderr, stdout } = await expectProvgraph(args.split(" "), {
    cwd: work.path,
    env: {
      LSST_RESOURCES_NUM_WORKERS: "nonsense",
      LSST_RESOURCES_EXECUTOR: "none",
      LSST_S3_USE_THREADS: "False",
    },
  });
  assert.equal(stdout, "");
  const line =
    /^(?:INFO|VERBOSE) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 provgraph\.aggregate \(\)\([\w.]+:\d+\) - ./;
  const lines = stderr.trimEnd().split("\n");
  for (const text of lines) assert.match(text, line);
  assert.ok(lines.some((text) => text.startsWith("VERBOSE ")));
  for (
    const part of [
      "53 quanta: 23 SUCCESSFUL, 6 FAILED, 1 ABORTED_SUCCESS, 23 BLOCKED",
      "Datasets ingested: 91",
      // Not every runtime of a binary tells it.
      ...(IS_BINARY ? [] : ["peak memory"]),
    ]
  ) assert.ok(stderr.includes(part), stderr);
});

Deno.test("log options work before and after the command, and files get both forms", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const { stderr } = await expectProvgraph([
    "aggregate-graph",
    "predicted.qg",
    "repo",
    "--dry-run",
    "--no-log-tty",
    "--log-label",
    "label=x:1,site=here",
    "--log-file",
    "log.txt,log.json",
    "--log-level",
    "lsst.pipe.base=VERBOSE",
  ], { cwd: work.path });
  assert.equal(stderr, "");
  const text = Deno.readTextFileSync(work.join("log.txt")).trimEnd().split("\n");
  assert.equal(text[0], "provgraph.aggregate INFO: Reading predicted quantum graph.");
  const records = Deno.readTextFileSync(work.join("log.json")).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(records.length, text.length);
  assert.ok(records.some(({ levelname }) => levelname === "VERBOSE"));
  const [first] = records;
  assert.deepEqual(first.MDC, { LABEL: "x:1", SITE: "here" });
  assert.deepEqual([first.name, first.levelno, first.levelname], [
    "provgraph.aggregate",
    20,
    "INFO",
  ]);
  for (const record of records) assertMatchesSchema("log-record", record);
  // A binary holds JavaScript, line by line that of the source.
  assert.match(first.filename, /^aggregate\.[jt]s$/);
  assert.equal(first.funcName, "aggregate");
});

Deno.test("levels: -q is silent, a name of its own counts more than the general one", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const args = ["aggregate-graph", "predicted.qg", "repo", "--dry-run"];
  const run = async (...levels: string[]) =>
    (await expectProvgraph([...levels, ...args], { cwd: work.path })).stderr;
  assert.equal(await run("-q"), "");
  assert.equal(await run("--log-level", "WARNING"), "");
  assert.equal(await run("--log-level", ".=DEBUG", "--log-level", "provgraph.aggregate=ERROR"), "");
  assert.match(await run("--log-level", "error,lsst.pipe.base.quantum_graph=verbose"), /VERBOSE:/);
});

Deno.test("of --incomplete and --complete the last one counts", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const args = ["aggregate-graph", "predicted.qg", "repo", "--dry-run"];
  const run = async (...flags: string[]) =>
    (await expectProvgraph([...args, ...flags], { cwd: work.path })).stderr;
  assert.match(await run("--complete", "--incomplete"), /abandoned/);
  assert.doesNotMatch(await run("--incomplete", "--complete"), /abandoned/);
});

Deno.test("files may be given as URIs, other schemes are refused", async () => {
  const { stdout } = await expectProvgraph(["cat", `file://${GRAPH}`, "header"]);
  assert.match(stdout, /"graph_type": "provenance"/);
  assertOneError(await runProvgraph(["cat", "gs://bucket/x.qg", "header"]), /hint: .*S3 /);
  const predicted = await runProvgraph(["aggregate-graph", "gs://bucket/x.qg", "repo"]);
  assert.equal(predicted.code, 2);
  assertOneError(predicted, /scheme "gs" is not supported/);
});

Deno.test("cat reads a graph over HTTP as from a file, and names a server that isn't there", async () => {
  const bytes = Deno.readFileSync(GRAPH);
  let url: string;
  {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => {
        const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range")!)!;
        const start = from === "" ? Math.max(0, bytes.length - Number(to)) : Number(from);
        const end = from === "" ? bytes.length : Math.min(Number(to) + 1, bytes.length);
        return new Response(bytes.slice(start, end), {
          status: 206,
          headers: { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` },
        });
      },
    );
    url = `http://127.0.0.1:${server.addr.port}/x.qg`;
    for (const words of [["header"], ["log", "calibrate", "visit=1", "detector=4"]]) {
      const near = await expectProvgraph(["cat", GRAPH, ...words]);
      assert.equal((await expectProvgraph(["cat", url, ...words])).stdout, near.stdout);
    }
  }
  const gone = await runProvgraph(["cat", url, "header"]);
  assert.equal(gone.code, 1);
  assertOneError(gone, /Cannot read "http:/);
});

Deno.test("a stack is printed for --debug only", async () => {
  const quiet = await runProvgraph(["cat", "nowhere.qg", "header"]);
  assertOneError(quiet, /nowhere\.qg/);
  const loud = await runProvgraph(["--debug", "cat", "nowhere.qg", "header"]);
  assert.equal(loud.code, 2);
  assert.match(loud.stderr, /\n\s+at .*\.[jt]s:\d+/);
});

Deno.test("a reader that went away is no error", async () => {
  const commands = [
    ["cat", GRAPH, "config", "calibrate"],
    ["ls", GRAPH, "datasets", "--json"],
    ["check", GRAPH, "--json", "-q"],
    ["man"],
    ["help", "aggregate-graph"],
  ];
  for (const command of commands) {
    const child = spawnProvgraph(command);
    await child.stdout.cancel();
    const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
    assert.deepEqual([code, stderr], [0, ""], command.join(" "));
  }
});

Deno.test.afterAll(removeUnpacked);
