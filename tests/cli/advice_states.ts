/** States in which `check` gives each of its advices. */

import { dirname } from "node:path";
import type { AdviceName } from "../../lib/inspect/check_advice.ts";
import type { ProblemKind } from "../../lib/inspect/check_findings.ts";
import { fixturePath, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { buildZip, PREDICTED, zipMembers } from "../qg/support.ts";
import { EditedGraph } from "../inspect/check_support.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture, replaceFile, row, sql } from "./support.ts";

/** Path of the registered graph, relative to the repository. */
export const GRAPH = `${RUN}/run_provenance/run_provenance_${RUN.replaceAll("/", "_")}.qg`;
/** Seconds since 1970 of graphs here: everything else is older or newer on purpose. */
const GRAPH_TIME = 946_684_800;

/** A state, and what is said in it. */
export interface State {
  /** What has happened. */
  name: string;
  kind: ProblemKind;
  /** Null: nothing is advised. */
  advice: AdviceName | null;
  make(): Promise<Made>;
  /**
   * Whether the problem itself stays, as nobody but its owner can judge it; then the advice isn't given
   * again.
   */
  stays?: boolean;
}

/** A state that was made. */
export interface Made {
  work: TemporaryDirectory;
  /** Of `check`. */
  args: string[];
  /** What people put for words in capitals. */
  words: Record<string, string>;
  /** Arguments of the check afterwards, if others. */
  argsAfter?: string[];
}

function usual(work: TemporaryDirectory, more: string[] = []): Made {
  return { work, args: [work.repo, "--run", RUN, ...more], words: words(work) };
}

function words(work: TemporaryDirectory): Record<string, string> {
  Deno.mkdirSync(work.join("aside"), { recursive: true });
  return {
    PREDICTED_GRAPH: PREDICTED,
    REPO: work.repo,
    GRAPH: work.join("new.qg"),
    DIRECTORY: work.join("aside"),
    COPY_OF_THE_FILE: work.join("copy.qg"),
  };
}

async function run(...args: string[]): Promise<void> {
  const { code, stderr } = await runHere(["-q", ...args]);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${code}\n${stderr}`);
}

/** Aggregated; the graph is beside the repository, of a known time and not linked with others. */
async function aggregated(archive = "aggregated"): Promise<TemporaryDirectory> {
  const work = await copyOfFixture("small-mixed", archive);
  const graph = work.join("provenance.qg");
  replaceFile(graph, Deno.readFileSync(graph));
  Deno.utimeSync(graph, GRAPH_TIME, GRAPH_TIME);
  return work;
}

/** Ingested by this tool; `copy.qg` is a copy of the graph. */
async function ingested(): Promise<TemporaryDirectory> {
  const work = await aggregated();
  Deno.copyFileSync(work.join("provenance.qg"), work.join("copy.qg"));
  await run("ingest-graph", work.repo, work.join("provenance.qg"));
  return work;
}

function put(work: TemporaryDirectory, path: string, seconds: number, text = "{}"): string {
  const full = work.join("repo", path);
  Deno.mkdirSync(dirname(full), { recursive: true });
  replaceFile(full, text);
  Deno.utimeSync(full, seconds, seconds);
  return full;
}

/** Some file below a directory of the RUN, relative to the repository. */
function fileOf(work: TemporaryDirectory, typeName: string): string {
  return filesOf(work, typeName)[0];
}

function filesOf(work: TemporaryDirectory, typeName: string): string[] {
  const find = (directory: string): string[] =>
    [...Deno.readDirSync(work.join("repo", directory))].flatMap(({ name, isDirectory }) =>
      isDirectory ? find(`${directory}/${name}`) : [`${directory}/${name}`]
    ).sort();
  return find(`${RUN}/${typeName}`);
}

/** Where metadata of a quantum would be that failed. */
function failedMetadata(work: TemporaryDirectory): string {
  const have = new Set(filesOf(work, "calibrate_metadata"));
  return filesOf(work, "calibrate_log")
    .map((path) => path.replaceAll("calibrate_log", "calibrate_metadata"))
    .find((path) => !have.has(path))!;
}

function flip(path: string, member: string): void {
  const bytes = Deno.readFileSync(path);
  const { start, data } = zipMembers(bytes).find(({ name }) => name === member)!;
  bytes[start + (data.length >> 1)] ^= 1;
  replaceFile(path, bytes);
  Deno.utimeSync(path, GRAPH_TIME, GRAPH_TIME);
}

function holder(fields: Record<string, unknown>): string {
  return JSON.stringify({
    host: Deno.hostname(),
    pid: 1,
    pidNamespace: null,
    processStart: "1",
    since: "2026-01-01T00:00:00Z",
    keepsAdvisory: false,
    ...fields,
  });
}

/** A process that runs no more. */
async function endedPid(): Promise<number> {
  const ended = new Deno.Command("true").spawn();
  await ended.status;
  return ended.pid;
}

/** A finished graph with its chunk log beside it. */
async function keptChunkLog(): Promise<TemporaryDirectory> {
  const work = await copyOfFixture("small-mixed", "before");
  const { code, stderr } = await runHere([
    "-q",
    "aggregate-graph",
    PREDICTED,
    work.repo,
    "-j1",
    "--keep-chunks",
    "-o",
    work.join("out.qg"),
  ]);
  if (code !== 0 && code !== 3) throw new Error(stderr);
  return work;
}

/** All states. */
export const STATES: State[] = [
  {
    name: "an aggregation was cut between two transactions",
    kind: "unfinished-aggregation",
    advice: "aggregate",
    make: async () => usual(await copyOfFixture("interrupted-aggregate", "batch-1")),
  },
  {
    name: "a quantum ran once more after the graph was written, which isn't ingested",
    kind: "unrecorded-original",
    advice: "aggregate",
    stays: true,
    make: async () => {
      const work = await aggregated();
      put(work, failedMetadata(work), GRAPH_TIME + 1);
      const made = usual(work, ["--graph", work.join("provenance.qg")]);
      return {
        ...made,
        argsAfter: [work.repo, "--run", RUN, "--graph", made.words.GRAPH],
      };
    },
  },
  {
    name: "a file came after the graph was written, which isn't ingested",
    kind: "file-without-record",
    advice: "aggregate",
    stays: true,
    make: async () => {
      const work = await aggregated();
      put(work, `${RUN}/warp/mine.txt`, GRAPH_TIME + 1);
      const made = usual(work, ["--graph", work.join("provenance.qg")]);
      return { ...made, argsAfter: [work.repo, "--run", RUN, "--graph", made.words.GRAPH] };
    },
  },
  {
    name: "the RUN was aggregated and a file is nobody's",
    kind: "file-without-record",
    advice: null,
    make: async () => {
      const work = await aggregated();
      put(work, `${RUN}/warp/mine.txt`, GRAPH_TIME + 1);
      return usual(work);
    },
  },
  {
    name: "the RUN was ingested and a file is nobody's",
    kind: "file-without-record",
    advice: null,
    make: async () => {
      const work = await ingested();
      put(work, `${RUN}/warp/mine.txt`, GRAPH_TIME + 1);
      return usual(work);
    },
  },
  {
    name: "the ingest was promised and a failed quantum left an output",
    kind: "promised-ingest",
    advice: "ingest",
    make: async () => {
      const work = await aggregated("aggregated-promise");
      put(work, `${RUN}/warp/partial.txt`, GRAPH_TIME + 1);
      const made = usual(work);
      return { ...made, words: { ...made.words, GRAPH: work.join("provenance.qg") } };
    },
  },
  {
    name: "a quarter of the datasets was forgotten, no graph given",
    kind: "interrupted-forget",
    advice: "ingest",
    make: async () => {
      const work = await copyOfFixture("interrupted-ingest", "forget-batch-1");
      const made = usual(work);
      return { ...made, words: { ...made.words, GRAPH: work.join("provenance.qg") } };
    },
  },
  {
    name: "the ingest was promised, and the graph is given",
    kind: "promised-ingest",
    advice: "ingest-given",
    make: async () => {
      const work = await aggregated("aggregated-promise");
      return usual(work, ["--graph", work.join("provenance.qg")]);
    },
  },
  ...["graph-moved", "graph-ingested", "batch-ingested-1", "batch-part-deleted-1"].map((
    archive,
  ): State => ({
    name: `an ingest was cut at ${archive}`,
    kind: archive === "graph-moved" ? "unregistered-graph" : "interrupted-ingest",
    advice: "finish-ingest",
    make: async () => usual(await copyOfFixture("interrupted-ingest", archive)),
  })),
  {
    name: "datasets are backed by a graph that isn't the RUN's",
    kind: "missing-graph",
    advice: "finish-ingest",
    make: async () => {
      const work = await ingested();
      Deno.copyFileSync(work.join("copy.qg"), work.join("repo", "other.qg"));
      sql(
        work,
        "UPDATE file_datastore_records SET path = 'other.qg' WHERE path LIKE '%.qg' AND dataset_id " +
          "NOT IN (SELECT d.id FROM dataset d JOIN dataset_type t ON t.id = d.dataset_type_id " +
          "WHERE t.name = 'run_provenance')",
      );
      return usual(work);
    },
  },
  {
    name: "the registered graph lies outside the datastore",
    kind: "missing-graph",
    advice: "ingest-inside",
    make: async () => {
      const work = await aggregated();
      await run("ingest-graph", work.repo, work.join("provenance.qg"));
      const outside = work.join("outside.qg");
      Deno.renameSync(work.join("repo", GRAPH), outside);
      sql(
        work,
        `UPDATE file_datastore_records SET path = 'file://${outside}' WHERE path LIKE '%.qg'`,
      );
      return usual(work);
    },
  },
  {
    name: "an original of an ingested dataset is back",
    kind: "orphaned-original",
    advice: "repair",
    make: async () => {
      const before = await aggregated();
      const work = await ingested();
      const path = fileOf(before, "warp_metadata");
      const text = Deno.readTextFileSync(before.join("repo", path));
      put(work, path, GRAPH_TIME - 1, text);
      return usual(work);
    },
  },
  {
    name: "a process that runs no more left a lock in the RUN",
    kind: "left-over-lock",
    advice: "repair",
    make: async () => {
      const work = await ingested();
      Deno.writeTextFileSync(
        work.join("repo", `${GRAPH}.lock`),
        holder({
          pid: await endedPid(),
          pidNamespace: Deno.readLinkSync("/proc/self/ns/pid"),
          keepsAdvisory: true,
        }),
      );
      return usual(work);
    },
  },
  {
    name: "a graph's addresses are damaged",
    kind: "address-index",
    advice: "repair-file",
    make: async () => {
      const work = await aggregated();
      const graph = work.join("provenance.qg");
      const bytes = Deno.readFileSync(graph);
      const { start } = zipMembers(bytes).find(({ name }) => name === "nodes.addr")!;
      bytes[start + 17 + 23] ^= 1;
      replaceFile(graph, bytes);
      return { work, args: [graph], words: words(work) };
    },
  },
  {
    name: "addresses of the registered graph are damaged",
    kind: "damaged-graph",
    advice: "check-file",
    make: async () => {
      const work = await ingested();
      flip(work.join("repo", GRAPH), "nodes.addr");
      return usual(work);
    },
  },
  {
    name: "blocks of the registered graph are damaged",
    kind: "damaged-graph",
    advice: "check-file",
    make: async () => {
      const work = await ingested();
      const edited = await EditedGraph.read(work.join("repo", GRAPH));
      edited.blocks.get("quanta.mb")![3] = new TextEncoder().encode("no frame at all");
      replaceFile(work.join("repo", GRAPH), edited.build());
      return usual(work);
    },
  },
  {
    name: "blocks and addresses of a graph are damaged, so that nothing can be rebuilt",
    kind: "address-index",
    advice: "write-again",
    make: async () => {
      const work = await aggregated();
      const graph = work.join("provenance.qg");
      const edited = await EditedGraph.read(graph);
      edited.blocks.get("logs.mb")![3] = new TextEncoder().encode("no frame at all");
      const members = edited.members();
      members.find(({ name }) => name === "nodes.addr")!.data[17 + 23] ^= 1;
      replaceFile(graph, buildZip(members));
      return { work, args: [graph], words: words(work) };
    },
  },
  {
    name: "a graph beside the repository is cut",
    kind: "damaged-archive",
    advice: "restore",
    make: async () => {
      const work = await aggregated();
      const graph = work.join("provenance.qg");
      const bytes = Deno.readFileSync(graph);
      Deno.writeFileSync(work.join("copy.qg"), bytes);
      replaceFile(graph, bytes.subarray(0, bytes.length >> 1));
      return { work, args: [graph], words: words(work) };
    },
  },
  {
    name: "a predicted graph is damaged",
    kind: "checksum",
    advice: "restore",
    make: async () => {
      const work = await aggregated();
      const graph = work.join("predicted.qg");
      Deno.copyFileSync(PREDICTED, work.join("copy.qg"));
      Deno.copyFileSync(PREDICTED, graph);
      flip(graph, "quantum_datasets.mb");
      return { work, args: [graph], words: words(work) };
    },
  },
  {
    name: "the graph of an ingested RUN isn't there",
    kind: "missing-graph",
    advice: "restore",
    make: async () => {
      const work = await ingested();
      Deno.removeSync(work.join("repo", GRAPH));
      return usual(work);
    },
  },
  {
    name: "the graph of an ingested RUN has another size than its record says",
    kind: "graph-size",
    advice: "restore",
    make: async () => {
      const work = await ingested();
      replaceFile(
        work.join("repo", GRAPH),
        Deno.readFileSync(fixturePath("small-mixed", "provenance-with-dictionary.qg")),
      );
      return usual(work);
    },
  },
  {
    name: "the file of a dataset is gone",
    kind: "registered-without-file",
    advice: "prune",
    make: async () => {
      const work = await ingested();
      Deno.removeSync(work.join("repo", fileOf(work, "warp")));
      return usual(work);
    },
  },
  {
    name: "a dataset has no record",
    kind: "registered-without-record",
    advice: "prune",
    make: async () => {
      const work = await ingested();
      const { id } = row(
        work,
        "SELECT d.id FROM dataset d JOIN dataset_type t ON t.id = d.dataset_type_id " +
          "WHERE t.name = 'coadd' LIMIT 1",
      );
      sql(work, `DELETE FROM file_datastore_records WHERE dataset_id = '${id}'`);
      return usual(work);
    },
  },
  {
    name: "the reference registered a log that was never written",
    kind: "backed-without-content",
    advice: "prune",
    make: async () => usual(await copyOfFixture("small-mixed", "ingested")),
  },
  {
    name: "an original was written again after the ingest",
    kind: "newer-original",
    advice: "set-aside",
    make: async () => {
      const before = await aggregated();
      const work = await ingested();
      put(work, fileOf(before, "warp_log"), GRAPH_TIME + 1, "[]");
      return usual(work);
    },
  },
  {
    name: "metadata of a failed quantum came after the ingest",
    kind: "unrecorded-original",
    advice: "set-aside",
    make: async () => {
      const before = await aggregated();
      const work = await ingested();
      put(work, failedMetadata(before), GRAPH_TIME + 1);
      return usual(work);
    },
  },
  {
    name: "a whole graph has a temporary name, and there is no other",
    kind: "left-over-temporary",
    advice: "keep-temporary",
    make: async () => {
      const work = await aggregated("aggregated-promise");
      const temporary = work.join("repo", `${GRAPH}.tmp-${await endedPid()}`);
      Deno.mkdirSync(dirname(temporary));
      Deno.renameSync(work.join("provenance.qg"), temporary);
      return usual(work);
    },
  },
  {
    name: "a process on another host may have the lock",
    kind: "left-over-lock",
    advice: "remove-lock",
    make: async () => {
      const work = await ingested();
      Deno.writeTextFileSync(work.join("repo", `${GRAPH}.lock`), holder({ host: "elsewhere" }));
      return usual(work);
    },
  },
  {
    name: "a chunk log was kept beside its finished graph",
    kind: "left-over-chunk-log",
    advice: "remove-chunk-log",
    make: async () => {
      const work = await keptChunkLog();
      return { work, args: [work.join("out.qg")], words: words(work) };
    },
  },
  {
    name: "an aggregation into a graph that has other content was cut",
    kind: "left-over-chunk-log",
    advice: null,
    make: async () => {
      const work = await keptChunkLog();
      replaceFile(
        work.join("out.qg"),
        Deno.readFileSync(fixturePath("small-mixed", "midrun.provenance.qg")),
      );
      return { work, args: [work.join("out.qg")], words: words(work) };
    },
  },
  {
    name: "an aggregation into a damaged graph was cut",
    kind: "left-over-chunk-log",
    advice: "continue-aggregation",
    make: async () => {
      const work = await keptChunkLog();
      flip(work.join("out.qg"), "nodes.addr");
      return { work, args: [work.join("out.qg")], words: words(work) };
    },
  },
  {
    name: "a chunk log ends in the midst of a chunk",
    kind: "torn-tail",
    advice: "continue-aggregation",
    make: async () => {
      const work = await keptChunkLog();
      Deno.removeSync(work.join("out.qg"));
      const chunks = work.join("out.qg.chunks");
      Deno.truncateSync(chunks, Deno.statSync(chunks).size - 9);
      // Afterwards the chunk log is gone, and the graph is there.
      return { work, args: [chunks], words: words(work), argsAfter: [work.join("out.qg")] };
    },
  },
  {
    name: "not one file of the RUN is there",
    kind: "no-file-there",
    advice: null,
    make: async () => {
      const work = await aggregated();
      Deno.renameSync(work.join("repo", RUN), work.join("unmounted"));
      return usual(work);
    },
  },
];
