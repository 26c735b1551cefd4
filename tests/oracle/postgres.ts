/**
 * The reference and this tool on one PostgreSQL server: both do the same job on copies of one registry,
 * crosswise, and both write to one registry at the same time.
 *
 *     deno run -A tests/oracle/postgres.ts
 *
 * @module
 */

import { join } from "node:path";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { UUID_SIZE } from "../../lib/base/uuid.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import { assertJsonEqual, expectedIngested, logsNeverWritten } from "../support/compare.ts";
import { dumpStatePostgres } from "../support/dump_state_postgres.ts";
import { copyTree, expectProvgraph, RUN, temporaryDirectory } from "../support/fixtures.ts";
import { pixelBatch, registerPixels } from "../support/pixels.ts";
import { PostgresServer } from "../support/postgres_server.ts";
import { Report } from "./checks.ts";
import { NoReferenceError, Reference } from "./reference.ts";

const NAMESPACE = "made";

/** Registers dataset types and datasets of its own while others write; says how long it waited. */
const OTHER_CLIENT = `
import sys, time
from lsst.daf.butler import Butler, DatasetType
longest = 0.0
n = 0
with Butler.from_config(sys.argv[1], writeable=True, run="u/other/run") as butler:
    ids = [r.dataId for r in butler.query_dimension_records("visit_detector_region")]
    print("ready", flush=True)
    for k in range(4):
        start = time.monotonic()
        kind = DatasetType(f"other_{k}", ["visit", "detector"], "StructuredDataDict", universe=butler.dimensions)
        butler.registry.registerDatasetType(kind)
        for i, data_id in enumerate(ids):
            butler.put({"value": i}, kind, data_id)
            n += 1
            longest = max(longest, time.monotonic() - start)
            start = time.monotonic()
print(n, longest)
`;

/** A directory with a repository whose registry is in a database of its own. */
class Work {
  readonly path: string;
  readonly inside: string;

  constructor(
    readonly server: PostgresServer,
    readonly data: string,
    readonly name: string,
    readonly database: string,
  ) {
    this.path = join(data, name);
    this.inside = `/data/${name}`;
  }

  /** The same with another name; nobody may be connected. */
  async copy(name: string): Promise<Work> {
    const work = new Work(this.server, this.data, name, `db_${name}`);
    await this.server.sql(`CREATE DATABASE ${work.database} TEMPLATE ${this.database}`);
    copyTree(this.path, work.path);
    const config = join(work.path, "repo/butler.yaml");
    Deno.writeTextFileSync(
      config,
      Deno.readTextFileSync(config).replace(
        this.server.tcpUrl(this.database),
        this.server.tcpUrl(work.database),
      ),
    );
    return work;
  }
}

/** All comparisons; each is one check of the report. */
export async function comparePostgres(
  reference: Reference,
  report: Report,
  data: string,
): Promise<void> {
  await using server = await PostgresServer.start();
  await server.sql("CREATE DATABASE db_base");
  await server.sql("CREATE EXTENSION btree_gist", "db_base");
  const base = new Work(server, data, "base", "db_base");
  Deno.mkdirSync(base.path);
  await reference.expect([
    "python",
    "/oracle/make_repo.py",
    `${base.inside}/repo`,
    "--graph",
    `${base.inside}/predicted.qg`,
    "--db",
    server.tcpUrl(base.database),
    "--namespace",
    NAMESPACE,
    "--scenario",
    "mixed",
    "--seed",
    "5",
  ]);
  const theirs = await base.copy("refr1");
  const ours = await base.copy("ours1");
  await reference.expect([
    "butler",
    "aggregate-graph",
    `${theirs.inside}/predicted.qg`,
    `${theirs.inside}/repo`,
    "-o",
    `${theirs.inside}/graph.qg`,
  ]);
  await expectProvgraph(["aggregate-graph", "predicted.qg", "repo", "-o", "graph.qg"], {
    cwd: ours.path,
  });
  const state = (work: Work) => reference.script("dump_state.py", `${work.inside}/repo`);
  const [aggregated, ourAggregated] = [await state(theirs), await state(ours)];
  await report.check(
    "postgres: state after aggregate-graph",
    () => assertJsonEqual(ourAggregated, aggregated, "state"),
  );
  await report.check("postgres: state as our test code reads it", async () => {
    const found = await dumpStatePostgres(server, ours.database, join(ours.path, "repo"), {
      namespace: NAMESPACE,
    });
    assertJsonEqual(found, ourAggregated, "state");
  });
  const graph = await reference.script("dump_graph.py", `${theirs.inside}/graph.qg`);

  const theirGraphForUs = await theirs.copy("cro11");
  const ourGraphForThem = await ours.copy("cro21");
  const ingestTheirs = async (work: Work) => {
    const args = ["ingest-graph", `${work.inside}/repo`, `${work.inside}/graph.qg`];
    const { code, stderr } = await reference.run(["butler", ...args]);
    // It may stumble over a directory that never existed, at the very end (oracle notes).
    if (code !== 0 && !/os\.rmdir[\s\S]*FileNotFoundError/.test(stderr)) {
      throw new Error(`reference: ${args.join(" ")}: status ${code}\n${stderr.slice(-1500)}`);
    }
  };
  const ingestOurs = (work: Work) =>
    expectProvgraph(["ingest-graph", "repo", "graph.qg"], { cwd: work.path });
  await ingestTheirs(theirs);
  await ingestTheirs(ourGraphForThem);
  await ingestOurs(ours);
  await ingestOurs(theirGraphForUs);
  const ingested = await state(theirs);
  const expected = expectedIngested(ingested, aggregated, logsNeverWritten(graph), RUN);
  for (
    const [work, what, wanted] of [
      [ours, "our ingest-graph, our graph", expected],
      [theirGraphForUs, "our ingest-graph, their graph", expected],
      [ourGraphForThem, "their ingest-graph, our graph", ingested],
    ] as [Work, string, JsonValue][]
  ) {
    await report.check(`postgres: state after ${what}`, async () => {
      assertJsonEqual(await state(work), wanted, "state");
    });
  }
  await report.check("postgres: everything can be read back", async () => {
    const found = await reference.script("read_back.py", `${ours.inside}/repo`, RUN);
    const kinds = Object.keys(found as Record<string, JsonValue>);
    if (kinds.length < 4) throw new Error(`read back only ${kinds.join(", ")}`);
  });
  await report.check("postgres: a Python butler writes while we do", async () => {
    await writeTogether(reference, await base.copy("both1"));
  });
}

/** A Python butler and this tool, each in a RUN of its own, at the same time. */
async function writeTogether(reference: Reference, work: Work): Promise<void> {
  Deno.writeTextFileSync(join(work.data, "other_client.py"), OTHER_CLIENT);
  const config = loadRepositoryConfig(join(work.path, "repo"), { get: () => undefined });
  await using registry = await openRegistry(config, { writeable: true });
  const run = "u/ours/run";
  const type = await registerPixels(registry, run);
  let isDone = false;
  const other = reference.expect(["python", "/data/other_client.py", `${work.inside}/repo`])
    .finally(() => {
      isDone = true;
    });
  let nBatches = 0;
  let longestSeconds = 0;
  while (!isDone) {
    const start = performance.now();
    const batch = pixelBatch(run, type, 2000, 2000 * nBatches++);
    await registry.importDatasets(batch);
    await registry.ingestDatasets(batch);
    longestSeconds = Math.max(longestSeconds, (performance.now() - start) / 1000);
  }
  const [n, theirLongest] = (await other).stdout.trim().split("\n").at(-1)!.split(" ").map(Number);
  const ids = await registry.datasetIds(run);
  const theirs = await registry.datasetIds("u/other/run");
  if (n < 40 || theirs.length !== n * UUID_SIZE || ids.length !== nBatches * 2000 * UUID_SIZE) {
    throw new Error(
      `${theirs.length / UUID_SIZE} of ${n} datasets of theirs, ${ids.length / UUID_SIZE} of ` +
        `${nBatches * 2000} of ours`,
    );
  }
  console.log(
    `        ${n} datasets of theirs, longest wait ${theirLongest.toFixed(2)} s; ` +
      `${nBatches} batches of ours, longest ${longestSeconds.toFixed(2)} s`,
  );
  // One batch, and what a Python butler takes for a dataset of its own.
  if (theirLongest > longestSeconds + 2) throw new Error("they waited for longer than a batch");
}

if (import.meta.main) {
  const report = new Report();
  const work = await temporaryDirectory();
  try {
    await comparePostgres(await Reference.install(work.path), report, work.path);
    console.log(`${report.nPassed} passed, ${report.nFailed} failed`);
  } catch (error) {
    if (!(error instanceof NoReferenceError)) throw error;
    console.log(`skipped: ${error.message}`);
  } finally {
    work[Symbol.dispose]();
  }
  Deno.exitCode = report.nFailed === 0 ? 0 : 1;
}
