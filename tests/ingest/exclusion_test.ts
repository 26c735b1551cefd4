/** Two processes on one RUN: one is refused, whichever graph it has, and the content stays. */

import assert from "node:assert/strict";
import { ProvgraphError } from "../../lib/base/errors.ts";
import { copyOf, RUN, spawnProvgraph, type TemporaryDirectory } from "../support/fixtures.ts";
import { ingestHere } from "./in_process.ts";
import { listTree } from "./support.ts";
import {
  assertContentKept,
  originalsOf,
  registeredGraph,
  TARGET,
  unpackTwoGraphs,
} from "./two_graphs.ts";

const master = await unpackTwoGraphs();
Deno.test.afterAll(() => master[Symbol.dispose]());

/** Everything in a repository, with sizes and times, that a refused command must leave as it is. */
function contentOf(work: TemporaryDirectory): string[] {
  return listTree(work.repo).filter((path) => !path.includes("sqlite3-journal")).map((path) => {
    const { size, mtime, ino } = Deno.lstatSync(`${work.repo}/${path}`);
    return path.endsWith("/") ? path : `${path} ${size} ${mtime?.getTime()} ${ino}`;
  });
}

/** Starts an ingest that stops itself at a failpoint, and waits until it has. */
async function startStopped(
  work: TemporaryDirectory,
  graph: string,
  failpoint: string,
): Promise<Deno.ChildProcess> {
  const child = spawnProvgraph(
    ["ingest-graph", "repo", graph, "--transfer", "copy", "--batch-size", "20", "-q"],
    { cwd: work.path, env: { PROVGRAPH_FAILPOINTS: `${failpoint}=stop` } },
  );
  for (;;) {
    const stat = Deno.readTextFileSync(`/proc/${child.pid}/stat`);
    const state = stat.slice(stat.lastIndexOf(")") + 2)[0];
    if (state === "T") return child;
    assert.notEqual(state, "Z", "the process has ended before the failpoint");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Exit code of an ingest within this process, and what it said. */
async function ingestCode(
  work: TemporaryDirectory,
  graph: string,
): Promise<{ code: number; message: string }> {
  try {
    const { nKept } = await ingestHere(work, {
      graphPath: work.join(graph),
      transfer: "copy",
      batchSize: 20,
    });
    return { code: nKept > 0 ? 3 : 0, message: "" };
  } catch (error) {
    if (!(error instanceof ProvgraphError)) throw error;
    return { code: error.exitCode, message: `${error.message}\n${error.hint}` };
  }
}

interface Stop {
  failpoint: string;
  first: string;
  second: string;
  /** Exit code of the second process that sees the first one's lock, and why. */
  refused: [code: number, message: RegExp];
  /** Exit codes of the second process that doesn't, and of the first one when it goes on. */
  blind: number;
  afterwards: number;
}

const LOCKED: Stop["refused"] = [1, /only one process.*process \d+ on host .* since/s];
const OTHER_GRAPH: Stop["refused"] = [2, /has another provenance graph already/];

const STOPS: Stop[] = [
  {
    // It has forgotten a batch: the second one is as far, finishes, and keeps what its graph lacks.
    failpoint: "forget.committed",
    first: "late.qg",
    second: "early.qg",
    refused: LOCKED,
    blind: 3,
    afterwards: 1,
  },
  {
    failpoint: "transfer.copied",
    first: "early.qg",
    second: "late.qg",
    refused: LOCKED,
    blind: 0,
    afterwards: 1,
  },
  {
    // The first one's graph has the name already.
    failpoint: "transfer.named",
    first: "late.qg",
    second: "early.qg",
    refused: LOCKED,
    blind: 2,
    afterwards: 0,
  },
  {
    failpoint: "backed.committed",
    first: "late.qg",
    second: "early.qg",
    refused: OTHER_GRAPH,
    blind: 2,
    afterwards: 0,
  },
];

for (const { failpoint, first, second, refused, blind, afterwards } of STOPS) {
  Deno.test(`ingest-graph of ${second} is refused while that of ${first} is at ${failpoint}`, async () => {
    await using work = await copyOf(master, { link: true });
    const before = originalsOf(work);
    const child = await startStopped(work, first, failpoint);
    const content = contentOf(work);

    const seeing = await ingestCode(work, second);
    assert.equal(seeing.code, refused[0], seeing.message);
    assert.match(seeing.message, refused[1]);
    assert.deepEqual(contentOf(work), content, "refused, but something was changed");

    // As where locks don't reach: nothing but the database and exclusive names keep them apart.
    Deno.removeSync(`${work.repo}/${TARGET}.lock`);
    const other = await ingestCode(work, second);
    assert.equal(other.code, blind, other.message);
    if (blind === 2) {
      assert.deepEqual(
        contentOf(work),
        content.filter((line) => !line.includes(".qg.lock ")),
        "refused, but something was changed",
      );
    }
    Deno.kill(child.pid, "SIGCONT");
    const { code, stderr } = await child.output();
    assert.equal(code, afterwards, new TextDecoder().decode(stderr));
    assertContentKept(work, before, registeredGraph(work), master);

    // Whatever is left to be done, whoever comes finishes it with the graph that won.
    await ingestHere(work, { graphPath: null, outputRun: RUN });
    assertContentKept(work, before, registeredGraph(work), master);
  });
}
