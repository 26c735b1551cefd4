/** `ingest-graph` and its way back in chains of several file datastores. */

import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import { RefusedError } from "../../lib/base/errors.ts";
import { undoIngest } from "../../lib/ingest/undo.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import {
  assertChain,
  chainCase,
  type ChainState,
  dumpChain,
  expectedChain,
  expectedOfSeveral,
  unpackChain,
} from "../support/chain_state.ts";
import { assertJsonEqual } from "../support/compare.ts";
import { copyOf, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { aggregateHere, context, ingestHere } from "../ingest/in_process.ts";

const aggregated = new Map<string, Promise<TemporaryDirectory>>();

/** A chain that was aggregated once in this file. */
async function aggregatedChain(name: string): Promise<TemporaryDirectory> {
  let tree = aggregated.get(name);
  if (tree === undefined) {
    aggregated.set(
      name,
      tree = unpackChain(name).then(async (work) => {
        await aggregateHere(work);
        return work;
      }),
    );
  }
  return await copyOf(await tree, { link: true });
}

/** Changes the members of a chain. */
function configure(work: TemporaryDirectory, change: (members: Member[]) => void): void {
  const path = `${work.repo}/butler.yaml`;
  const config = parse(Deno.readTextFileSync(path));
  change(config.datastore.datastores);
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, stringify(config));
}

interface Member {
  constraints?: { reject?: string[] };
}

/** Where another process may have ended, and how the next goes on. */
const ENDS: readonly [failpoint: string, how: "graph" | "run"][] = [
  ["forget.committed:2", "graph"],
  ["transfer.done", "graph"],
  ["transfer.done", "run"],
  ["transfer.directory-made:2", "run"],
  ["transfer.done:2", "graph"],
  ["backed.before-commit", "run"],
  ["backed.committed", "run"],
  ["backed.committed:2", "graph"],
  ["directories.done", "run"],
];

for (const [point, how] of ENDS) {
  Deno.test(`an ingest into a chain that ended at ${point} is finished with its ${how}`, async () => {
    await using work = await aggregatedChain("file-file");
    armFailpoints(`${point}=eio`);
    try {
      await assert.rejects(ingestHere(work, { batchSize: 20, transfer: "copy" }));
    } finally {
      armFailpoints(undefined);
    }
    const options = how === "graph" ? {} : { graphPath: null, outputRun: RUN };
    await ingestHere(work, { batchSize: 20, transfer: "copy", ...options });
    assertChain(work, expectedOfSeveral("file-file", dumpChain(work.repo)), point);
  });
}

const REFUSED: readonly [what: string, change: (members: Member[]) => void, message: RegExp][] = [
  [
    "a datastore takes logs and not the graph",
    ([, second]) => second.constraints = { reject: ["run_provenance", "image", "warp", "coadd"] },
    /datastore "second" takes calibrate_config, calibrate_log, .*warp_metadata, but its constraints/,
  ],
  [
    "the first takes logs and not the graph",
    ([first]) => first.constraints = { reject: ["run_provenance"] },
    /datastore "first" takes calibrate_config, /,
  ],
  [
    "none takes the graph",
    (members) => {
      for (const each of members) each.constraints = { reject: ["run_provenance"] };
    },
    /constraints of its datastores reject run_provenance/,
  ],
];

for (const [what, change, message] of REFUSED) {
  Deno.test(`ingest-graph refuses a chain before anything when ${what}`, async () => {
    await using work = await aggregatedChain("file-file");
    configure(work, change);
    const before = dumpChain(work.repo);
    await assert.rejects(ingestHere(work), (error) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.equal(error.exitCode, 2);
      assert.match(error.message, message);
      return true;
    });
    assertChain(work, before, what);
  });
}

Deno.test("a graph goes only to the datastores that take it and what it backs", async () => {
  await using work = await aggregatedChain("file-file");
  const types = ["log", "metadata", "config"].flatMap((kind) =>
    ["calibrate", "consolidate", "summarize", "warp", "coadd", "deepstack"].map((label) =>
      `${label}_${kind}`
    )
  );
  const before = dumpChain(work.repo);
  configure(work, ([first]) => first.constraints = { reject: ["run_provenance", ...types] });
  await ingestHere(work, { batchSize: 20 });
  const { tables, datastores } = dumpChain(work.repo);
  const inGraph = (table: string) =>
    tables[table].filter(({ path }) => String(path).endsWith(".qg")).length;
  assert.equal(inGraph("file_datastore_records"), 0);
  assert.ok(inGraph("second_datastore_records") > 50);
  // What the first does not take is not its.
  assert.deepEqual(
    datastores[0].files.map(({ path }) => path),
    before.datastores[0].files.map(({ path }) => path),
  );
});

/** A state without what stays when an ingest is undone: the dataset type of graphs. */
function withoutGraphType({ chains, tables, datastores }: ChainState): ChainState {
  const others = Object.entries(tables).map(([name, rows]) => [
    name,
    rows.filter((row) => ![row.name, row.dataset_type].includes("run_provenance")),
  ]);
  return { chains, tables: Object.fromEntries(others), datastores };
}

for (const name of ["file-file", "file-file-templates"]) {
  Deno.test(`an ingest into chain ${name} is undone in all its datastores`, async () => {
    await using work = await aggregatedChain(name);
    const before = dumpChain(work.repo);
    await ingestHere(work, { batchSize: 20 });
    const options = { repository: work.repo, outputRun: RUN, batchSize: 20, isDryRun: false };
    const graphPath = work.join("provenance.qg");
    await undoIngest({ ...options, graphPath }, context());
    assertJsonEqual(withoutGraphType(dumpChain(work.repo)), withoutGraphType(before), name);
    await ingestHere(work, { batchSize: 20 });
    const aggregated = expectedChain(chainCase(name), "aggregated");
    assertChain(work, expectedOfSeveral(name, aggregated), name);
  });
}

Deno.test.afterAll(async () => {
  for (const tree of aggregated.values()) (await tree)[Symbol.dispose]();
});
