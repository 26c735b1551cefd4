/** Two processes on one RUN: one is refused, whichever graph it has, and the content stays. */

import assert from "node:assert/strict";
import { ProvgraphError } from "../../lib/base/errors.ts";
import type { Log } from "../../lib/base/log.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { copyOf, RUN, spawnProvgraph, type TemporaryDirectory } from "../support/fixtures.ts";
import { ingestHere } from "../ingest/in_process.ts";
import { listTree } from "../ingest/support.ts";
import {
  assertContentKept,
  originalsOf,
  registeredGraph,
  TARGET,
  unpackTwoGraphs,
} from "../ingest/two_graphs.ts";

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

/** Calls back once, when a message is logged. */
function atMessage(start: string, act: () => void): Log {
  let isDone = false;
  return {
    ...SILENT_LOG,
    log: (_level, text) => {
      if (isDone || !text.startsWith(start)) return;
      isDone = true;
      act();
    },
  };
}

const BEFORE_EFFECTS = "Querying for existing datasets";
const BEFORE_TRANSFER = "Ingesting the provenance quantum graph";

/** What becomes of the path that was given, once the graph was checked. */
const REPLACEMENTS: Record<string, (work: TemporaryDirectory) => void> = {
  "replaced by another graph": (work) =>
    Deno.renameSync(work.join("early.qg"), work.join("late.qg")),
  "written to": (work) => {
    const other = Deno.readFileSync(work.join("early.qg"));
    using file = Deno.openSync(work.join("late.qg"), { write: true, truncate: true });
    file.writeSync(other);
  },
};

for (const [what, change] of Object.entries(REPLACEMENTS)) {
  for (const transfer of ["copy", "move"] as const) {
    for (const when of [BEFORE_EFFECTS, BEFORE_TRANSFER]) {
      const moment = when === BEFORE_EFFECTS ? "before anything is changed" : "before the transfer";
      Deno.test(`ingest-graph --transfer ${transfer} of a graph that is ${what} ${moment}`, async () => {
        await using work = await copyOf(master, { link: true });
        for (const name of ["early.qg", "late.qg"]) {
          Deno.removeSync(work.join(name));
          Deno.copyFileSync(master.join(name), work.join(name));
        }
        const before = originalsOf(work);
        const content = contentOf(work);
        const options = { graphPath: work.join("late.qg"), transfer };
        let code = 0;
        try {
          await ingestHere(work, options, atMessage(when, () => change(work)));
        } catch (error) {
          assert.ok(error instanceof ProvgraphError, String(error));
          code = error.exitCode;
        }
        // A copy is made from the file that was opened; if only its name leads elsewhere, it is whole.
        const isWhole = transfer === "copy" && when === BEFORE_TRANSFER &&
          what.startsWith("replaced");
        assert.equal(code, isWhole ? 0 : 1);
        if (when === BEFORE_EFFECTS) assert.deepEqual(contentOf(work), content);
        assertContentKept(work, before, registeredGraph(work), master);
        if (isWhole) {
          assert.deepEqual(
            Deno.readFileSync(`${work.repo}/${registeredGraph(work)}`),
            Deno.readFileSync(master.join("late.qg")),
          );
          return;
        }
        assert.equal(registeredGraph(work), null);
        // The same command takes what is there now.
        await ingestHere(work, options);
        assertContentKept(work, before, registeredGraph(work), master);
      });
    }
  }
}
