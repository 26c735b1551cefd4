/**
 * Command lines that are interrupted, each with the tree it starts from and what it makes of it when
 * nothing disturbs it.
 *
 * @module
 */

import { type FailpointName, FAILPOINTS } from "../../lib/storage/failpoints.ts";
import {
  copyTree,
  expectProvgraph,
  type ProcessResult,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

/** Name of the graph that every job writes or ingests. */
export const GRAPH = "provenance.qg";

/** A job before it is measured. */
export interface JobSpec {
  name: string;
  tool: "aggregate" | "ingest" | "undo";
  args: readonly string[];
  /** Lays out the tree that the job starts from. */
  lay: (work: TemporaryDirectory) => Promise<void>;
  /** Run after the job, before a second comparison. */
  followUp?: readonly string[];
  /** Whether failpoints that are passed several times strike at a later pass as well. */
  isThorough?: boolean;
  /**
   * Failpoints at which something lies there that no other job of the tool has there; all by default. A
   * thorough job strikes at all of them, so that every effect is interrupted; the others add their own.
   */
  strikes?: RegExp;
}

/** A job, ready to be interrupted. */
export interface Job extends JobSpec, Disposable {
  /** The tree that it starts from; never worked in. */
  master: TemporaryDirectory;
  before: Snapshot;
  /** What it makes of the tree, and what the follow-up makes of that. */
  after: Snapshot;
  afterFollowUp: Snapshot | null;
  /** Exit code when nothing disturbs it. */
  code: number;
  /** How often each failpoint is passed; those that are not are absent. */
  passes: Map<FailpointName, number>;
  durationMs: number;
}

/**
 * A copy of a job's tree to work in. For aggregations, which change no file of the repository, those are hard
 * links. Ingests get files of their own: removing one of several names of a file changes its ctime, and an
 * ingest that compares the file in another tree just then lets it stay, as one that is being written to.
 */
export async function treeOf(
  job: { master: TemporaryDirectory; tool: JobSpec["tool"] },
): Promise<TemporaryDirectory> {
  const link = job.tool === "aggregate";
  const work = await temporaryDirectory();
  for (const entry of Deno.readDirSync(job.master.path)) {
    const [from, to] = [job.master.join(entry.name), work.join(entry.name)];
    if (entry.isDirectory) copyTree(from, to, { link: link && entry.name === "repo" });
    else {
      Deno.copyFileSync(from, to);
      const { mtime } = Deno.statSync(from);
      Deno.utimeSync(to, mtime!, mtime!);
    }
  }
  return work;
}

/** Lays out a job's tree and runs it undisturbed. */
export async function makeJob(spec: JobSpec): Promise<Job> {
  const master = await temporaryDirectory();
  await spec.lay(master);
  const before = await takeSnapshot(master);
  await using work = await treeOf({ master, tool: spec.tool });
  const trace = `${work.path}.trace`;
  const start = performance.now();
  const result = await runProvgraph(spec.args, {
    cwd: work.path,
    env: {
      PROVGRAPH_FAILPOINTS: FAILPOINTS.map((name) => `${name}=trace`).join(","),
      PROVGRAPH_FAILPOINT_TRACE: trace,
    },
  });
  const durationMs = performance.now() - start;
  if (result.code !== 0) throw new Error(`${spec.name}: ${told(result)}`);
  const passes = new Map<FailpointName, number>();
  for (const name of Deno.readTextFileSync(trace).trim().split("\n") as FailpointName[]) {
    passes.set(name, (passes.get(name) ?? 0) + 1);
  }
  Deno.removeSync(trace);
  const after = await takeSnapshot(work);
  let afterFollowUp: Snapshot | null = null;
  if (spec.followUp !== undefined) {
    await expectProvgraph(spec.followUp, { cwd: work.path });
    afterFollowUp = await takeSnapshot(work);
  }
  return {
    ...spec,
    master,
    before,
    after,
    afterFollowUp,
    code: result.code,
    passes,
    durationMs,
    [Symbol.dispose]: () => master[Symbol.dispose](),
  };
}

/** Exit status and error output of a process, for messages. */
export function told(result: ProcessResult): string {
  return `exit code ${result.code} (${result.signal ?? "no signal"})\n${result.stderr}`;
}

function fixture(name: string, archive: string): (work: TemporaryDirectory) => Promise<void> {
  return async (work) => {
    await unpackFixture(name, archive, work.path);
  };
}

const AGGREGATE = ["aggregate-graph", "predicted.qg", "repo"];
const COMPLETE = [...AGGREGATE, "-o", GRAPH, "-j", "1", "--ingest-batch-size", "20"];

/** Files that a later attempt, or the rest of the execution, is to write. */
const LATER = /\/(calibrate_(log|metadata)\/.*_R00_S0[24]_|(consolidate|warp|coadd|summarize)_)/;

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? filesBelow(path) : [path];
  });
}

/**
 * Takes away what is yet to be executed, lets the tool work on the rest, and brings it back: so the
 * job finds a run that has gone on since.
 *
 * @param whenEarly called when the rest is away, before the tool runs.
 */
export function executedSince(
  name: string,
  args: readonly string[],
  whenEarly: () => void = () => {},
): (work: TemporaryDirectory) => Promise<void> {
  return async (work) => {
    await unpackFixture(name, "before", work.path);
    await using aside = await temporaryDirectory();
    // What stays is not touched: a file that was written anew is another version of it.
    const takenAway = filesBelow(`${work.repo}/${RUN}`).filter((path) => LATER.test(path));
    takenAway.forEach((path, i) => Deno.renameSync(path, aside.join(`${i}`)));
    whenEarly();
    await expectProvgraph(args, { cwd: work.path });
    takenAway.forEach((path, i) => Deno.renameSync(aside.join(`${i}`), path));
  };
}

/** Every way to aggregate. */
export const AGGREGATE_JOBS: readonly JobSpec[] = [
  {
    name: "aggregate-graph -o",
    tool: "aggregate",
    args: COMPLETE,
    lay: fixture("small-mixed", "before"),
    isThorough: true,
  },
  {
    name: "aggregate-graph -o after --incomplete",
    strikes:
      /^(chunks\.(continued|half-appended|appended)|import\.|finish\.(created|chunks-removed)|file\.)/,
    tool: "aggregate",
    args: COMPLETE,
    lay: executedSince("small-mixed", [...COMPLETE, "--incomplete"]),
  },
  {
    name: "aggregate-graph --incomplete",
    strikes:
      /^(chunks\.(created|half-appended|synced)|import\.|aggregate\.(chain-updated|before-unlock))/,
    tool: "aggregate",
    args: [...COMPLETE, "--incomplete"],
    lay: fixture("small-failed", "before"),
    followUp: COMPLETE,
  },
  {
    name: "aggregate-graph --promise-ingest-graph",
    strikes: /^(aggregate\.types-registered|import\.|finish\.synced|file\.)/,
    tool: "aggregate",
    args: [...AGGREGATE, "-o", GRAPH, "-j", "2", "--promise-ingest-graph"],
    lay: fixture("small-failed", "before"),
  },
  {
    name: "aggregate-graph -o again after retries",
    strikes:
      /^(chunks\.(created|appended)|import\.|finish\.(created|synced|directory-synced|chunks-removed)|file\.)/,
    tool: "aggregate",
    args: COMPLETE,
    lay: executedSince("small-mixed", COMPLETE),
  },
  {
    name: "aggregate-graph without output",
    strikes: /^(aggregate\.(run-registered|chain-updated)|import\.)/,
    tool: "aggregate",
    args: [...AGGREGATE, "-j", "1", "--ingest-batch-size", "7"],
    lay: fixture("small-failed", "before"),
  },
];

const SCAN = ["scan", "predicted.qg", "repo", "-j", "1", "--zstd-dict-size", "4000"];
const MERGE = [...COMPLETE, "--chunks", "shards/*.chunks"];

/** A run of which other nodes have scanned two of three shards. */
async function scannedElsewhere(work: TemporaryDirectory): Promise<void> {
  await unpackFixture("small-mixed", "before", work.path);
  for (const i of [0, 2]) {
    await expectProvgraph([...SCAN, "--shard", `${i}/3`, "--chunks", `shards/${i}.chunks`], {
      cwd: work.path,
    });
  }
}

/** Scans of shards, and aggregations that take them over. */
export const SHARD_JOBS: readonly JobSpec[] = [
  {
    name: "scan --shard",
    tool: "aggregate",
    args: [...SCAN, "--shard", "1/2", "--chunks", "shards/1.chunks"],
    lay: fixture("small-mixed", "before"),
    followUp: MERGE,
    isThorough: true,
  },
  {
    name: "scan --shard of a shard scanned before",
    strikes: /^(chunks\.(created|continued|half-appended|synced)|file\.)/,
    tool: "aggregate",
    args: [...SCAN, "--shard", "0/3", "--chunks", "shards/0.chunks"],
    lay: scannedElsewhere,
    followUp: MERGE,
  },
  {
    name: "aggregate-graph --chunks",
    strikes:
      /^(chunks\.(created|half-appended|appended)|import\.|finish\.(created|half-written|chunks-removed)|file\.)/,
    tool: "aggregate",
    args: MERGE,
    lay: scannedElsewhere,
  },
];

function ingest(batchSize: number, transfer: string, graph = GRAPH): string[] {
  return [
    "ingest-graph",
    "repo",
    graph,
    "--batch-size",
    String(batchSize),
    "--transfer",
    transfer,
  ];
}

/** Ways to take an ingest back. */
export const UNDO_JOBS: readonly JobSpec[] = [
  {
    name: "ingest-graph --undo",
    tool: "undo",
    args: ["ingest-graph", "repo", GRAPH, "--undo", "--output-run", RUN, "--batch-size", "20"],
    lay: async (work) => {
      await unpackFixture("small-mixed", "aggregated", work.path);
      await expectProvgraph(ingest(20, "move"), { cwd: work.path });
    },
    followUp: ingest(20, "move"),
    isThorough: true,
  },
];

const INSIDE = `repo/${RUN}/graphs/mine.qg`;

/** Every way to ingest. */
export const INGEST_JOBS: readonly JobSpec[] = [
  {
    name: "ingest-graph --transfer move",
    tool: "ingest",
    args: ingest(20, "move"),
    lay: fixture("small-mixed", "aggregated"),
    isThorough: true,
  },
  {
    name: "ingest-graph --transfer move of promised datasets",
    strikes: /^(forget\.|backed\.|delete\.(one|batch)|source\.)/,
    tool: "ingest",
    args: ingest(7, "move"),
    lay: fixture("small-failed", "aggregated-promise"),
  },
  {
    name: "ingest-graph --transfer move --in-place",
    strikes: /^(forget\.|transfer\.|backed\.|delete\.one|directories\.one)/,
    tool: "ingest",
    args: [...ingest(20, "move"), "--in-place"],
    lay: fixture("small-mixed", "aggregated"),
  },
  {
    name: "ingest-graph --transfer copy",
    strikes: /^(transfer\.|backed\.|delete\.batch|directories\.done)/,
    tool: "ingest",
    args: ingest(7, "copy"),
    lay: fixture("small-failed", "aggregated"),
  },
  {
    name: "ingest-graph --transfer copy of promised datasets",
    strikes: /^(forget\.|backed\.|delete\.one)/,
    tool: "ingest",
    args: ingest(20, "copy"),
    lay: fixture("small-mixed", "aggregated-promise"),
  },
  {
    name: "ingest-graph --transfer symlink",
    strikes: /^(transfer\.|backed\.committed|directories\.done)/,
    tool: "ingest",
    args: ingest(20, "symlink"),
    lay: fixture("small-failed", "aggregated"),
  },
  {
    name: "ingest-graph --transfer hardlink",
    strikes: /^(transfer\.|backed\.committed|directories\.done)/,
    tool: "ingest",
    args: ingest(20, "hardlink"),
    lay: fixture("small-failed", "aggregated"),
  },
  {
    name: "ingest-graph --transfer auto of a graph inside",
    tool: "ingest",
    args: ingest(20, "auto", INSIDE),
    lay: async (work) => {
      await unpackFixture("small-failed", "aggregated", work.path);
      Deno.mkdirSync(`${work.repo}/${RUN}/graphs`);
      Deno.renameSync(work.join(GRAPH), work.join(INSIDE));
    },
  },
  {
    name: "ingest-graph --resume without a graph",
    tool: "ingest",
    args: ["ingest-graph", "repo", "--output-run", RUN, "--resume", "--batch-size", "7"],
    lay: async (work) => {
      await unpackFixture("small-failed", "aggregated", work.path);
      const { signal } = await runProvgraph(ingest(7, "move"), {
        cwd: work.path,
        env: { PROVGRAPH_FAILPOINTS: "backed.committed:3=kill" },
      });
      if (signal !== "SIGKILL") throw new Error("the process was not killed");
    },
  },
];
