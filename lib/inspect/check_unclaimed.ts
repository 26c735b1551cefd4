/**
 * Files of a RUN that nothing names: left behind by a killed process, by a failed quantum, or by
 * people.
 *
 * @module
 */

import { dirname } from "node:path";
import { absolutePath } from "../butler/datastore.ts";
import { BACKED_STORAGE_CLASSES, type CheckContext, isFile } from "./check_context.ts";
import { commandLine } from "./check_findings.ts";
import { inspectLeftover, type Leftover } from "./check_leftovers.ts";
import type { FileTree } from "./check_tree.ts";

/** Reports files that no record and no graph names. */
export class UnclaimedFiles {
  readonly #context: CheckContext;
  /** Locks and temporary files that may be stale. */
  readonly leftovers: Leftover[] = [];

  constructor(context: CheckContext) {
    this.#context = context;
  }

  /**
   * Reports all files that are not ticked off.
   *
   * @param hasGraph whether a graph has told which originals it has.
   * @param nRegistered registered metadata, log and config datasets.
   */
  async report(tree: FileTree, hasGraph: boolean, nRegistered: number): Promise<void> {
    const { root } = this.#context.config.datastore;
    const isOther = this.#otherRuns(this.#context.runPath);
    let nOriginals = 0;
    let firstOriginal = "";
    for (const path of tree.unclaimed()) {
      const leftover = inspectLeftover(absolutePath(root, path));
      if (leftover !== null) {
        if (!await isOther(path)) this.reportLeftover(leftover);
        continue;
      }
      if (await isOther(path)) continue;
      if (!hasGraph && await this.#isOriginal(path)) {
        nOriginals++;
        firstOriginal ||= path;
        continue;
      }
      if (!this.#context.findings.count("file-without-record")) continue;
      this.#context.findings.list({
        kind: "file-without-record",
        where: path,
        what: "no datastore record names this file",
        command: commandLine("rm", absolutePath(root, path)),
      });
    }
    if (nOriginals > 0) this.#reportOriginals(nOriginals, firstOriginal, nRegistered);
  }

  /** Whether a path is a metadata, log or config file, as far as its directory tells. */
  async #isOriginal(path: string): Promise<boolean> {
    const runPath = this.#context.runPath;
    const typeName = path.slice(runPath.length + 1).split("/")[0];
    return BACKED_STORAGE_CLASSES.has((await this.#context.type(typeName))?.storageClass ?? "");
  }

  #reportOriginals(n: number, first: string, nRegistered: number): void {
    const isPromise = nRegistered === 0;
    this.#context.findings.add({
      kind: isPromise ? "promised-ingest" : "interrupted-forget",
      where: `RUN "${this.#context.options.run}"`,
      what: `${n} metadata, log and config files, such as "${first}", have no record, ` +
        (isPromise
          ? "nor is there a run_provenance: its ingest was promised, or interrupted"
          : `while ${nRegistered} such datasets are registered: an ingest was interrupted, or their ` +
            "quanta were not aggregated (--graph GRAPH tells)"),
      command: `${this.#context.command("ingest-graph", "REPO")} GRAPH`,
    });
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
  reportLeftover(leftover: Leftover): void {
    const { kind, path, ownerPath, pid, host, process } = leftover;
    const { graph } = this.#context.options;
    const by = pid === null ? "" : ` of process ${pid}${host === null ? "" : ` on host "${host}"`}`;
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
          : `${this.#context.command("aggregate-graph")} PREDICTED_GRAPH ${
            commandLine(this.#context.options.repository, "--output", ownerPath)
          }`,
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
        : `it is a lock${by}; it is stale if that process runs no more`,
      command: isStale ? this.#context.command(...repair) : commandLine("rm", path),
      isRepairable: isStale,
    });
  }
}
