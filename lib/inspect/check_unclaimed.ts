/**
 * Files of a RUN that nothing names: left behind by a killed process, by a failed quantum, or by
 * people.
 *
 * @module
 */

import { ProvgraphError } from "../base/errors.ts";
import { dirname } from "../base/paths.ts";
import { absolutePath } from "../butler/datastore.ts";
import { BACKED_STORAGE_CLASSES, type CheckContext, isFile } from "./check_context.ts";
import { checkFile } from "./check_file.ts";
import { commandLine, Findings } from "./check_findings.ts";
import { inspectLeftover, type Leftover } from "./check_leftovers.ts";
import type { FileTree } from "./check_tree.ts";

/** Files that nothing names. */
interface UnclaimedCounts {
  /** Metadata, logs and configs. */
  nOriginals: number;
  nOthers: number;
  first: string;
}

/** Reports files that no record and no graph names. */
export class UnclaimedFiles {
  readonly #context: CheckContext;
  /** Locks and temporary files that may be stale. */
  readonly leftovers: Leftover[] = [];
  #hasGraph = false;

  constructor(context: CheckContext) {
    this.#context = context;
  }

  /**
   * Reports all files that are not ticked off.
   *
   * @param graph whether a graph has told which originals it has. Of one that is ingested, but damaged,
   *   nothing is known, so nothing is said of originals: they may be all that is left.
   * @param nRegistered registered metadata, log and config datasets.
   */
  async report(
    tree: FileTree,
    graph: "none" | "damaged" | "not ingested" | "ingested",
    nRegistered: number,
  ): Promise<void> {
    const { root } = this.#context.config.datastore;
    this.#hasGraph = graph !== "none";
    const isOther = this.#otherRuns(this.#context.runPath);
    const counts: UnclaimedCounts = { nOriginals: 0, nOthers: 0, first: "" };
    for (const path of tree.unclaimed()) {
      if (await isOther(path)) continue;
      const leftover = inspectLeftover(absolutePath(root, path));
      if (leftover !== null) await this.reportLeftover(leftover);
      else if (graph === "none") {
        counts.first ||= path;
        if (await this.#isOriginal(path)) counts.nOriginals++;
        else counts.nOthers++;
      } else if (graph === "damaged" && await this.#isOriginal(path)) counts.nOriginals++;
      else this.#reportFile(path, graph !== "not ingested");
    }
    if (graph === "damaged") {
      if (counts.nOriginals === 0) return;
      this.#context.findings.note(
        `${counts.nOriginals} metadata, log and config files were not compared with the provenance ` +
          "graph, as that can't be read",
      );
    } else if (counts.nOriginals + counts.nOthers > 0) this.#reportCounts(counts, nRegistered);
  }

  #reportFile(path: string, isIngested: boolean): void {
    const { config, findings } = this.#context;
    findings.add({
      kind: "file-without-record",
      where: path,
      what: "no datastore record names this file",
      command: isIngested
        ? commandLine("rm", absolutePath(config.datastore.root, path))
        : this.#aggregateCommand("GRAPH"),
    });
  }

  #aggregateCommand(output: string): string {
    const repository = commandLine(this.#context.options.repository);
    return `provgraph aggregate-graph PREDICTED_GRAPH ${repository} --output ${output}`;
  }

  /** Whether a path is a metadata, log or config file, as far as its directory tells. */
  async #isOriginal(path: string): Promise<boolean> {
    const typeName = path.slice(this.#context.runPath.length + 1).split("/")[0];
    const storageClass = (await this.#context.type(typeName))?.storageClass;
    return storageClass !== undefined && BACKED_STORAGE_CLASSES.has(storageClass);
  }

  /** Without a graph, only the whole picture tells what has happened. */
  #reportCounts({ nOriginals, nOthers, first }: UnclaimedCounts, nRegistered: number): void {
    const { findings, options } = this.#context;
    const where = `RUN "${options.run}"`;
    const ingest = `${this.#context.command("ingest-graph", "REPO")} GRAPH`;
    const files =
      `${nOriginals} metadata, log and config files, such as "${first}", have no record`;
    if (nOthers > 0) {
      findings.add({
        kind: "unfinished-aggregation",
        where,
        what:
          `${nOriginals + nOthers} files, such as "${first}", have no record: the RUN was not ` +
          "aggregated to its end, or they belong to quanta that did not succeed",
        command: this.#aggregateCommand("GRAPH"),
      });
    } else if (nRegistered === 0) {
      findings.add({
        kind: "promised-ingest",
        where,
        what: `${files}, nor is there a run_provenance: its ingest was promised, or interrupted`,
        command: ingest,
      });
    } else {
      findings.add({
        kind: "interrupted-forget",
        where,
        what: `${files}, while ${nRegistered} such datasets are registered: an ingest was ` +
          "interrupted, or their quanta were not aggregated (--graph GRAPH tells)",
        command: ingest,
      });
    }
  }

  /** Tells whether a file belongs to another RUN whose name begins with this one's. */
  #otherRuns(runPath: string): (path: string) => Promise<boolean> {
    const known = new Map<string, boolean>();
    const isRun = async (directory: string): Promise<boolean> => {
      let found = known.get(directory);
      if (found === undefined) {
        const name = `${this.#context.options.run}${directory.slice(runPath.length)}`;
        found = (await this.#context.registry.findCollection(name))?.type === "RUN";
        known.set(directory, found);
      }
      return found;
    };
    return async (path) => {
      for (let at = dirname(path); at.length > runPath.length; at = dirname(at)) {
        if (await isRun(at)) return true;
      }
      return false;
    };
  }

  /** Reports a file that a killed process of this tool left. */
  async reportLeftover(leftover: Leftover): Promise<void> {
    const { kind, path, ownerPath, pid, host, process } = leftover;
    const { graph } = this.#context.options;
    const by = pid === null
      ? " of a process"
      : ` of process ${pid}${host === null ? "" : ` on host "${host}"`}`;
    if (process === "running") {
      this.#context.findings.note(`"${path}" is the ${kind}${by}, which is running`);
      return;
    }
    if (kind === "chunk log") {
      const isFinished = isFile(ownerPath);
      this.#context.findings.add({
        kind: "left-over-chunk-log",
        where: path,
        what: isFinished
          ? `"${ownerPath}" is finished, so its chunk log is of no more use`
          : "a scan was not finished; the same aggregate-graph continues it",
        command: isFinished
          ? commandLine("rm", path)
          : this.#aggregateCommand(commandLine(ownerPath)),
      });
      return;
    }
    if (await this.#isOnlyGraph(leftover)) {
      this.#context.findings.add({
        kind: "left-over-temporary",
        where: path,
        what: "it is a whole provenance graph, and no other one of the RUN is known",
        command: commandLine("mv", path, ownerPath),
      });
      return;
    }
    this.leftovers.push(leftover);
    const isStale = process === "gone";
    const repair = ["check", "REPO", "--run", "RUN", "--repair"];
    if (graph !== null) repair.push("--graph", graph.argument);
    this.#context.findings.add({
      kind: kind === "lock" ? "left-over-lock" : "left-over-temporary",
      where: path,
      what: isStale
        ? `it is the ${kind === "lock" ? "lock" : "temporary file"}${by}, which runs no more`
        : `it is the ${
          kind === "lock" ? "lock" : "temporary file"
        }${by}; it is stale if that process runs no more`,
      command: isStale ? this.#context.command(...repair) : commandLine("rm", path),
      isRepairable: isStale,
    });
  }
  /** Whether a temporary file may be all that is left of the RUN's graph. */
  async #isOnlyGraph({ kind, path, ownerPath }: Leftover): Promise<boolean> {
    if (kind !== "temporary" || this.#hasGraph || isFile(ownerPath)) return false;
    const findings = new Findings(1);
    try {
      const { kind } = await checkFile({ path, argument: path, readData: false }, findings);
      return kind === "provenance graph" && findings.nProblems === 0;
    } catch (error) {
      // A torn copy is no graph; what can't be read is not removed either.
      if (error instanceof ProvgraphError && error.exitCode === 2) return false;
      throw error;
    }
  }
}
