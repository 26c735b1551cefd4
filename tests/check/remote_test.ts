/** `check` of repositories whose files are in a store: it finds what it finds where they are on disks. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { Findings } from "../../lib/check/findings.ts";
import { checkRepository } from "../../lib/check/repository/repository.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import { ingestHere } from "../ingest/in_process.ts";
import { failure } from "../support/fake_s3.ts";
import { copyOf, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import {
  AggregatedRepositories,
  graphPath,
  PREFIX,
  type StoredRepository,
  unsetVariables,
} from "../support/s3_repository.ts";
import type { CheckedRepository } from "../../lib/check/repository/chain.ts";
import type { CheckRepositoryOptions } from "../../lib/check/repository/context.ts";

const repositories = new AggregatedRepositories("small-mixed");

type Asked = Partial<Pick<CheckRepositoryOptions, "graph" | "readData">>;

async function check({ work, store }: StoredRepository, asked: Asked) {
  const findings = new Findings();
  const checked = await checkRepository(
    { repository: work.repo, run: RUN, graph: null, readData: false, ...asked },
    store.env,
    findings,
  );
  return told(findings, checked, work);
}

/** What is found, without places. */
function told(findings: Findings, checked: CheckedRepository, work: TemporaryDirectory) {
  const plain = (text: string) =>
    text.replaceAll(work.path, "").replaceAll(/s3:\/\/fake-bucket\/some\/where/g, "/repo");
  return {
    problems: findings.problems
      .map(({ kind, where, what }) => `${kind}: ${plain(where)}: ${plain(what)}`).sort(),
    counts: Object.fromEntries(findings.counts),
    notes: findings.notes.map(plain),
    state: checked.state,
    nDatasets: checked.nDatasets,
    nFiles: checked.nFiles,
  };
}

/** The same of a copy of the repository whose files are on a disk. */
async function checkOnDisk({ work, store }: StoredRepository, asked: Asked) {
  await using copy = await copyOf(work);
  const path = join(copy.repo, "butler.yaml");
  const config = parse(Deno.readTextFileSync(path));
  Deno.removeSync(path);
  config.datastore.root = "<butlerRoot>";
  Deno.writeTextFileSync(path, stringify(config));
  store.save(PREFIX, copy.repo);
  const findings = new Findings();
  const checked = await checkRepository(
    { repository: copy.repo, run: RUN, graph: null, readData: false, ...asked },
    Deno.env,
    findings,
  );
  return told(findings, checked, copy);
}

function ingest({ work, store }: StoredRepository) {
  const options = { batchSize: 20, transfer: "copy" } as const;
  return ingestHere(work, options, undefined, store.env);
}

async function interrupt(repository: StoredRepository, point: string): Promise<void> {
  armFailpoints(`${point}=eio`);
  try {
    await assert.rejects(ingest(repository));
  } finally {
    armFailpoints(undefined);
  }
}

function keyOf({ store }: StoredRepository, text: string): string {
  return [...store.objects.keys()].sort().find((key) => key.includes(text))!;
}

/** States of a repository, and kinds of problems that are found in them. */
const STATES: readonly [
  what: string,
  make: (repository: StoredRepository) => Promise<unknown> | void,
  kinds: readonly string[],
][] = [
  ["aggregated", () => {}, []],
  ["ingested", ingest, []],
  [
    "interrupted when datasets were forgotten",
    (repository) => interrupt(repository, "forget.committed"),
    ["interrupted-forget"],
  ],
  [
    "interrupted when the graph was stored",
    (repository) => interrupt(repository, "transfer.done"),
    ["unregistered-graph"],
  ],
  [
    "interrupted between batches",
    (repository) => interrupt(repository, "backed.committed:2"),
    ["interrupted-ingest"],
  ],
  [
    "interrupted before originals were deleted",
    async (repository) => {
      repository.store.intercept = ({ kind }) =>
        kind === "BULK" ? failure(403, "AccessDenied") : null;
      await assert.rejects(ingest(repository));
      repository.store.intercept = () => null;
    },
    ["orphaned-original"],
  ],
  [
    "without a file that a record names",
    async (repository) => {
      await ingest(repository);
      repository.store.objects.delete(keyOf(repository, `${RUN}/packages/`));
    },
    ["registered-without-file"],
  ],
  [
    "with a file that nothing names",
    async (repository) => {
      await ingest(repository);
      repository.store.put(`${PREFIX}${RUN}/packages/odd.txt`, new Uint8Array(3));
    },
    ["file-without-record"],
  ],
  [
    "without its graph",
    async (repository) => {
      await ingest(repository);
      repository.store.objects.delete(PREFIX + graphPath(RUN));
    },
    ["missing-graph"],
  ],
  [
    "with another original than the graph has",
    async (repository) => {
      const key = keyOf(repository, "calibrate_log/");
      await ingest(repository);
      repository.store.put(key, new TextEncoder().encode("[]"));
    },
    ["newer-original"],
  ],
];

for (const [what, make, kinds] of STATES) {
  Deno.test({
    name: `check finds in a store what it finds on a disk: a RUN ${what}`,
    // Connections stay open for later requests.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using repository = await repositories.take();
      await make(repository);
      const isGiven = what === "aggregated" || what.includes("forgotten");
      const path = repository.work.join("provenance.qg");
      const graph = isGiven ? { path, argument: "provenance.qg" } : null;
      const asked = { graph, readData: what === "ingested" };
      repository.store.requests.length = 0;
      const found = await check(repository, asked);
      // Lists tell what is there, not a request for each file.
      const { HEAD: nLooks = 0 } = repository.store.counts();
      assert.ok(nLooks < 10, `${nLooks} looks at single files`);
      const onDisk = await checkOnDisk(repository, asked);
      // Directories without files are none in a store.
      delete onDisk.counts["empty-directory"];
      onDisk.problems = onDisk.problems.filter((text) => !text.startsWith("empty-directory"));
      assert.deepEqual(found, onDisk);
      for (const kind of kinds) assert.ok(kind in found.counts, `${kind} in ${found.problems}`);
      if (kinds.length === 0) assert.deepEqual(found.counts, {});
    },
  });
}

Deno.test.afterAll(async () => {
  await repositories[Symbol.asyncDispose]();
  unsetVariables();
});
