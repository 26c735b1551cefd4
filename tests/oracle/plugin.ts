/**
 * The wheel in the reference's environment: commands of its butler, its own tests, and a workflow of BPS.
 *
 *     deno task test:plugin [tests|bps|commands...]
 *
 * Ends with "N passed, N failed". Where the reference can't be installed it prints "skipped: " and the
 * reason, and succeeds. ORACLE_ROOT names the reference's folder.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { assertGraph, assertIngested, assertState, CASES } from "../conformance/harness.ts";
import { makeBinary, makeWheel } from "../package/wheel.ts";
import { snippet } from "../batch/document.ts";
import { variables } from "../support/environment_table.ts";
import { PROJECT, RUN, temporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { Report } from "./checks.ts";
import { NoReferenceError, Reference } from "./reference.ts";

const CASE = "small-mixed";
/** What a stock BPS line says between `butler` and the graph. */
const STOCK_OPTIONS = ["--long-log", "--log-level=VERBOSE"];
/** Packages that no other test needs, of the release of the reference. */
const BPS_PACKAGES = ["lsst-ctrl-bps", "lsst-ctrl-bps-parsl"];
const TESTED_PACKAGE = "lsst-pipe-base";

/** The reference with the wheel installed beside it, in a folder of its own. */
class PluginLab {
  readonly #reference: Reference;
  readonly data: string;

  private constructor(reference: Reference, data: string) {
    this.#reference = reference;
    this.data = data;
  }

  static async make(data: string): Promise<PluginLab> {
    const reference = await Reference.install(data);
    const wheel = makeWheel({ binary: makeBinary(), target: Deno.build.target });
    const name = wheel.replace(/^.*\//, "");
    Deno.copyFileSync(wheel, join(data, name));
    await reference.expect(
      ["pip", "install", "--quiet", "--no-index", "--target", "/data/site", `/data/${name}`],
    );
    return new PluginLab(reference, data);
  }

  /** Installs packages into a folder beside the wheel; each needs one of its own, for its scripts. */
  async install(folder: "bps" | "parsl", ...words: string[]): Promise<void> {
    const target = ["--target", `/data/${folder}`];
    await this.#reference.expect(["pip", "install", "--quiet", ...target, ...words]);
  }

  /** Version of the reference's packages. */
  async version(): Promise<string> {
    const { stdout } = await this.#reference.expect(
      ["python", "-c", `import importlib.metadata as m; print(m.version("${TESTED_PACKAGE}"))`],
    );
    return stdout.trim();
  }

  /** Runs a command with the wheel, in an environment with some more variables. */
  run(command: readonly string[], variables: Readonly<Record<string, string>> = {}) {
    const all = {
      PYTHONPATH: "/oracle:/data/bps:/data/parsl:/data/site",
      PATH: "/data/first:/data/bps/bin:/data/parsl/bin:/opt/v/bin:/usr/local/bin:/usr/bin:/bin",
      ...variables,
    };
    const words = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    return this.#reference.run(["env", ...words, ...command]);
  }

  /** Runs a command that must end with 0. */
  async expect(command: readonly string[], variables: Readonly<Record<string, string>> = {}) {
    const result = await this.run(command, variables);
    const tail = result.stderr.split("\n").slice(-12).join("\n");
    assert.equal(result.code, 0, `${command.join(" ")}\n${tail}`);
    return result;
  }
}

/** A copy of the fixture that the reference sees as `/data/NAME`. */
async function unpack(lab: PluginLab, name: string) {
  const path = join(lab.data, name);
  Deno.mkdirSync(path);
  return await unpackFixture(CASE, "before", path);
}

/** The commands, found in every way, and the module. */
async function checkCommands(lab: PluginLab, report: Report): Promise<void> {
  const REPLACE = { PROVGRAPH_REPLACE: "1" };
  await report.check(
    "the stock BPS line and ingest-graph run ours with PROVGRAPH_REPLACE=1",
    async () => {
      await using work = await unpack(lab, "replaced");
      const [graph, repo, output] = ["predicted.qg", "repo", "out.qg"].map((n) =>
        `/data/replaced/${n}`
      );
      const { stderr } = await lab.expect([
        ...["butler", ...STOCK_OPTIONS, "aggregate-graph", graph, repo, "-j", "2"],
        ...["--register-dataset-types", "--update-output-chain", "-o", output],
      ], REPLACE);
      assert.match(stderr, /VERBOSE .* provgraph\.aggregate /);
      await assertGraph(work, CASE, { file: "out.qg" });
      assertState(work, CASE, "aggregated");
      await lab.expect(["butler", "ingest-graph", repo, output], REPLACE);
      assertIngested(work, CASES[CASE]);
      const script = [
        "import json, provgraph",
        `source = {"source": "${repo}", "run": "${RUN}"}`,
        'tables = [provgraph.table(**source, format=f) for f in ("arrow", "astropy", "rows")]',
        'log = provgraph.log(**source, id="calibrate", visit=3, detector=1, all_attempts=True)',
        'print(json.dumps([*map(len, tables), sorted({r["attempt"] for r in log})]))',
      ].join("\n");
      const { stdout } = await lab.expect(["python", "-c", script]);
      assert.deepEqual(JSON.parse(stdout), [53, 53, 53, [0, 1, 2]]);
    },
  );
  await report.check(
    "provgraph-aggregate and provgraph-ingest are commands of the butler",
    async () => {
      await using work = await unpack(lab, "added");
      const [graph, repo, output] = ["predicted.qg", "repo", "out.qg"].map((n) =>
        `/data/added/${n}`
      );
      const args = ["provgraph-aggregate", graph, repo, "-o", output];
      await lab.expect(["butler", ...STOCK_OPTIONS, ...args]);
      await assertGraph(work, CASE, { file: "out.qg" });
      const plugins = { DAF_BUTLER_PLUGINS: "/data/site/provgraph/resources.yaml" };
      await lab.expect(["butler", "provgraph-ingest", repo, output], plugins);
      assertIngested(work, CASES[CASE]);
    },
  );
  await report.check("without PROVGRAPH_REPLACE the reference's commands are its own", async () => {
    const { stdout } = await lab.expect(["butler", "aggregate-graph", "--help"]);
    assert.match(stdout, /^Usage: butler aggregate-graph/m);
    const refused = await lab.run(["butler", "provgraph-ingest", "/data/nowhere"]);
    assert.equal(refused.code, 2, refused.stderr);
  });
  await report.check("the stock line works with our program under the name butler", async () => {
    await using work = await unpack(lab, "renamed");
    Deno.mkdirSync(join(lab.data, "first"));
    Deno.symlinkSync("/data/site/bin/provgraph", join(lab.data, "first", "butler"));
    try {
      const [graph, repo] = ["predicted.qg", "repo"].map((name) => `/data/renamed/${name}`);
      const { stderr } = await lab.expect([
        ...["butler", ...STOCK_OPTIONS, "aggregate-graph", graph, repo, "-j", "16"],
        ...["--register-dataset-types", "--update-output-chain"],
      ]);
      assert.match(stderr, /provgraph\.aggregate /);
      assertState(work, CASE, "aggregated");
    } finally {
      Deno.removeSync(join(lab.data, "first"), { recursive: true });
    }
  });
}

/** Names in quotation marks behind what asks the environment, in all sources of the reference. */
const VARIABLES_SCRIPT = `
import json, pathlib, re, lsst.daf.butler
root = pathlib.Path(lsst.daf.butler.__file__).parents[2]
names = set()
for folder in ("daf/butler", "resources", "utils", "pipe/base", "ctrl/mpexec"):
    for path in (root / folder).rglob("*.py"):
        if "tests" not in path.parts:
            text = path.read_text()
            names |= set(re.findall(
                r'(?:environ(?:\\.get|\\.pop)?[\\[(]|getenv\\()\\s*"([A-Z][A-Z0-9_]+)"', text))
            names |= set(re.findall(r'"((?:DAF_BUTLER|LSST|S3|AWS)_[A-Z0-9_]+)"', text))
print(json.dumps(sorted(names)))
`;

async function checkVariables(lab: PluginLab, report: Report): Promise<void> {
  await report.check("schema/environment.md names all variables of the reference", async () => {
    const { stdout } = await lab.expect(["python", "-c", VARIABLES_SCRIPT]);
    const known = variables().map(({ name }) => name);
    const isNamed = (name: string) =>
      known.some((each) => each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each);
    const names: string[] = JSON.parse(stdout);
    assert.ok(names.length > 20, stdout);
    assert.deepEqual(names.filter((name) => !isNamed(name) && !/_TEST_/.test(name)), []);
  });
}

/** The reference's own tests of its aggregator, with ours in its place. */
async function checkReferenceTests(lab: PluginLab, report: Report): Promise<void> {
  const sources = `${TESTED_PACKAGE}==${await lab.version()}`;
  await lab.expect(
    [
      ...["pip", "download", "--quiet", "--no-deps", "--no-binary", TESTED_PACKAGE],
      ...["--dest", "/data/sources", sources],
    ],
    // Its build asks git for a version.
    { GIT_PYTHON_REFRESH: "quiet" },
  );
  await lab.expect(
    [
      "sh",
      "-c",
      "cd /data/sources && tar xzf *.tar.gz --wildcards --strip-components=2 '*/tests/*'",
    ],
  );
  const script = "aggregator_tests.py";
  Deno.copyFileSync(join(PROJECT, "tests/package/python", script), join(lab.data, script));
  const { stdout, stderr } = await lab.run(
    ["python", `/data/${script}`, "/data/sources/test_aggregator.py"],
  );
  console.log(
    stderr.split("\n").filter((line) => / \.\.\. (?:ok|ERROR|FAIL)$/.test(line)).join("\n"),
  );
  await report.check("the reference's tests of its aggregator pass with the plug-in", () => {
    assert.match(
      stdout,
      /^[1-9]\d* calls of the butler\n[1-9]\d* passed, 0 failed$/m,
      stderr.slice(-3000),
    );
  });
}

/** A workflow that BPS prepares and Parsl runs, with the final job that `schema/batch.md` says. */
async function checkBps(lab: PluginLab, report: Report): Promise<void> {
  const version = await lab.version();
  await lab.install("bps", "--no-deps", ...BPS_PACKAGES.map((name) => `${name}==${version}`));
  await lab.install("parsl", "parsl");
  Deno.mkdirSync(join(lab.data, "bps-run"));
  // Each has a repository of its own: a RUN can't be executed twice.
  const configure = async (name: string, finalJob: string) => {
    const repo = `/data/bps-run/${name}-repo`;
    const graph = `/data/bps-run/${name}.qg`;
    await lab.expect([
      ...["python", "/oracle/make_repo.py", repo, "--graph", graph, "--scenario", "ok"],
      ...["--visits", "1", "--detectors", "1", "--skip-execution"],
    ]);
    const text = [
      "wmsServiceClass: lsst.ctrl.bps.parsl.ParslService",
      "computeSite: local",
      "site: {local: {class: lsst.ctrl.bps.parsl.sites.Local, cores: 2}}",
      "operator: oracle",
      `submitPath: /data/bps-run/${name}`,
      `qgraphFile: ${graph}`,
      "payload:",
      "  payloadName: out",
      `  butlerConfig: ${repo}`,
      "  inCollection: inputs",
      "  output: u/oracle/out",
      `  outputRun: ${RUN}`,
      finalJob,
    ].join("\n");
    Deno.writeTextFileSync(join(lab.data, "bps-run", `${name}.yaml`), text);
    return `/data/bps-run/${name}.yaml`;
  };
  const documented = snippet("bps.yaml");
  await report.check("BPS prepares the final job of schema/batch.md as it says", async () => {
    await lab.expect(["bps", "prepare", await configure("prepared", documented)]);
    const script = Deno.readTextFileSync(join(lab.data, "bps-run/prepared/final_job.bash"));
    assert.match(script, /^\$\{PROVGRAPH\} --long-log --log-level=VERBOSE aggregate-graph /m);
    assert.match(script, / -j 4 --register-dataset-types --update-output-chain /);
    assert.match(script, / --output \/data\/bps-run\/prepared\/provenance\.qg/);
    const show = [
      "from lsst.ctrl.bps.parsl.workflow import ParslWorkflow",
      'job = ParslWorkflow.read("/data/bps-run/prepared").final.generic',
      "print(job.retry_unless_exit, job.request_cpus, job.request_memory)",
    ].join("\n");
    const { stdout } = await lab.expect(["python", "-c", show]);
    assert.equal(stdout.trim(), "[2, 3] 4 2048");
  });
  await report.check(
    "a workflow runs to its end, and the final job has recorded all of it",
    async () => {
      const variables = { PROVGRAPH: "/data/site/bin/provgraph" };
      await lab.expect(["bps", "submit", await configure("submitted", documented)], variables);
      const rows = `import provgraph; print([r["status"] for r in provgraph.table(
      "/data/bps-run/submitted/provenance.qg", format="rows")])`;
      const { stdout } = await lab.expect(["python", "-c", rows]);
      assert.equal(stdout.trim(), `[${Array(5).fill("'SUCCESSFUL'").join(", ")}]`);
    },
  );
  await report.check("the stock final job runs ours with PROVGRAPH_REPLACE=1", async () => {
    const config = await configure("stock", "finalJob: {retryUnlessExit: [2, 3]}");
    await lab.expect(["bps", "submit", config], { PROVGRAPH_REPLACE: "1" });
    const folder = join(lab.data, "bps-run/stock");
    assert.match(Deno.readTextFileSync(join(folder, "final_job.bash")), /^butler /m);
    const logs = new Deno.Command("grep", { args: ["-rl", "provgraph.aggregate", folder] })
      .outputSync();
    assert.ok(logs.success, "no log of provgraph");
  });
}

const PARTS = {
  commands: checkCommands,
  variables: checkVariables,
  bps: checkBps,
  tests: checkReferenceTests,
} as const;

async function main(names: readonly string[]): Promise<number> {
  const report = new Report();
  await using work = await temporaryDirectory();
  try {
    const lab = await PluginLab.make(work.path);
    for (const [name, check] of Object.entries(PARTS)) {
      if (names.length > 0 && !names.includes(name)) continue;
      const start = performance.now();
      try {
        await check(lab, report);
      } catch (error) {
        report.fail(name, error);
      }
      console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
    }
  } catch (error) {
    if (!(error instanceof NoReferenceError)) throw error;
    console.log(`skipped: ${error.message}`);
    return 0;
  }
  console.log(`${report.nPassed} passed, ${report.nFailed} failed`);
  return report.nFailed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
