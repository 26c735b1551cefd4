/**
 * Files of a RUN that nothing names: left behind by a killed process, by a failed quantum, by another
 * RUN that isn't registered yet, or by people. Nothing is said to be removed here: what isn't known may
 * be all that there is.
 *
 * @module
 */

import { basename, join } from "../../base/paths.ts";
import { splitRecordPath } from "../../butler/datastore/recorded_file.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { BACKED_STORAGE_CLASSES, type CheckContext } from "./context.ts";
import { inspectLeftover, type Leftover } from "../file/leftovers.ts";
import type { FileTree } from "./tree.ts";
import { AggregatedQuanta } from "./aggregated.ts";

/** What has told which originals it has. */
type KnownGraph = "none" | "damaged" | "not ingested" | "ingested";

/** Files that nothing names. */
interface UnclaimedCounts {
  /** Metadata, logs and configs. */
  nOriginals: number;
  nOthers: number;
  firstOriginal: string;
  firstOther: string;
}

/** What is known of the RUN otherwise. */
interface RunFigures {
  /** Registered metadata, log and config datasets. */
  nRegistered: number;
  /** When the graph was written, milliseconds since 1970; 0 without one. */
  graphMtimeMs: number;
}

/** What tells of a file that a killed process left. */
interface LeftoverTeller {
  report(leftover: Leftover): Promise<void>;
}

/** Reports files that no record and no graph names. */
export class UnclaimedFiles {
  readonly #context: CheckContext;
  readonly #leftovers: LeftoverTeller;
  /** Files that look like those of a RUN that isn't registered, by its name. */
  readonly #nByRun = new Map<string, number>();

  constructor(context: CheckContext, leftovers: LeftoverTeller) {
    this.#context = context;
    this.#leftovers = leftovers;
  }

  /**
   * Reports all files that are not ticked off.
   *
   * @param graph whether a graph has told which originals it has. Of one that is ingested, but damaged,
   *   nothing is known, so nothing is said of originals: they may be all that is left.
   */
  async report(tree: FileTree, graph: KnownGraph, figures: RunFigures): Promise<void> {
    await this.#claimOthers(tree);
    const counts: UnclaimedCounts = {
      nOriginals: 0,
      nOthers: 0,
      firstOriginal: "",
      firstOther: "",
    };
    for await (const path of this.#nobodys(tree)) {
      const leftover = this.#isRemote ? null : inspectLeftover(this.#absolute(path));
      if (leftover !== null) await this.#leftovers.report(leftover);
      else if (await this.#isOriginal(path)) {
        counts.firstOriginal ||= path;
        counts.nOriginals++;
        if (graph === "ingested" || graph === "not ingested") {
          await this.#reportFile(path, graph, figures);
        }
      } else {
        counts.firstOther ||= path;
        counts.nOthers++;
        if (graph !== "none") await this.#reportFile(path, graph, figures);
      }
    }
    for (const [run, n] of [...this.#nByRun].sort()) {
      this.#context.findings.note(
        `${n} files are left alone, as they look like those of RUN "${run}", which isn't registered`,
      );
    }
    if (graph === "damaged" && counts.nOriginals > 0) {
      this.#context.findings.note(
        `${counts.nOriginals} metadata, log and config files were not compared with the provenance ` +
          "graph, as that can't be read",
      );
    }
    if (graph === "none") await this.#reportWithoutGraph(tree, counts, figures);
  }

  get #isRemote(): boolean {
    return isRemoteUri(this.#context.config.datastore.root);
  }

  #absolute(path: string): string {
    if (this.#isRemote) return `${this.#context.config.datastore.root}/${path}`;
    // Names as they are on the disk: percent signs in them mean nothing.
    return join(this.#context.config.datastore.root, path);
  }

  /** Datasets of other RUNs may have their files here too: their records say so. */
  async #claimOthers(tree: FileTree): Promise<void> {
    if ((await tree.unclaimed().next()).done === true) return;
    const { registry, runPath } = this.#context;
    for await (const paths of registry.recordPathsBelow(runPath)) {
      for (const path of paths) {
        const file = this.#context.recordedFile(splitRecordPath(path).location);
        const inside = file === null ? null : this.#context.relativePath(file.path);
        if (inside !== null) await tree.claim(inside);
      }
    }
  }

  /** Files that neither a record nor their place and name give to a RUN. */
  async *#nobodys(tree: FileTree): AsyncGenerator<string> {
    this.#nByRun.clear();
    for await (const path of tree.unclaimed()) {
      const run = await this.#unregisteredRun(path);
      if (run === null) yield path;
      else this.#nByRun.set(run, (this.#nByRun.get(run) ?? 0) + 1);
    }
  }

  /**
   * The RUN that a file seems to be of, if that isn't this one: quanta of `u/me/test/rerun1` that were
   * not aggregated yet have their files inside the directory of `u/me/test`. Templates write the dataset
   * type behind the RUN, and by default the RUN at the end of the name.
   */
  async #unregisteredRun(path: string): Promise<string | null> {
    const { runPath, options } = this.#context;
    const parts = path.slice(runPath.length + 1).split("/");
    if (parts.length < 3 || await this.#isType(parts[0])) return null;
    const name = basename(path);
    for (let i = parts.length - 2; i > 0; i--) {
      const run = `${options.run}/${parts.slice(0, i).join("/")}`;
      const isNamed = name.includes(`_${run.replaceAll("/", "_")}`);
      if (isNamed || await this.#isType(parts[i])) return run;
    }
    return null;
  }

  async #isType(directory: string): Promise<boolean> {
    return await this.#context.type(directory.split(".")[0]) !== null;
  }

  async #reportFile(
    path: string,
    graph: KnownGraph,
    { graphMtimeMs }: RunFigures,
  ): Promise<void> {
    const { findings, advice } = this.#context;
    // Quanta that ran after the graph was written are registered by the next aggregation.
    const isLater = graph === "not ingested" && await this.#isLater(path, graphMtimeMs);
    findings.add({
      kind: "file-without-record",
      where: path,
      what: isLater
        ? "no datastore record names this file, which was written after the provenance graph"
        : "neither a datastore record nor the provenance graph names this file; nothing is known " +
          "of it, so keep it unless you know it",
      advice: isLater ? advice.aggregate() : null,
    });
  }

  async #isLater(path: string, graphMtimeMs: number): Promise<boolean> {
    const facts = await this.#context.files.facts(this.#absolute(path));
    return (facts?.modifiedMs ?? 0) > graphMtimeMs;
  }

  /** Whether a path is a metadata, log or config file, as far as its directory tells. */
  async #isOriginal(path: string): Promise<boolean> {
    const typeName = path.slice(this.#context.runPath.length + 1).split("/")[0];
    const storageClass = (await this.#context.type(typeName))?.storageClass;
    return storageClass !== undefined && BACKED_STORAGE_CLASSES.has(storageClass);
  }

  /** Without a graph, only the whole picture tells what has happened. */
  async #reportWithoutGraph(
    tree: FileTree,
    counts: UnclaimedCounts,
    { nRegistered }: RunFigures,
  ): Promise<void> {
    const { findings, options, advice } = this.#context;
    const { nOriginals, nOthers, firstOriginal, firstOther } = counts;
    if (nOriginals + nOthers === 0) return;
    const where = `RUN "${options.run}"`;
    const originals =
      `${nOriginals} metadata, log and config files, such as "${firstOriginal}", have no record`;
    const isAggregated = nOriginals === 0 ||
      (nRegistered === 0 && nOthers > 0 && await this.#areAggregated(tree, nOriginals));
    if (isAggregated) {
      if (nOriginals > 0) this.#reportPromised(originals);
      if (nOthers > 0) {
        findings.add({
          kind: "file-without-record",
          where,
          what: `${nOthers} files, such as "${firstOther}", have no record, although the RUN was ` +
            "aggregated: they are of quanta that did not succeed, of another graph, or of nobody " +
            "that is known",
          advice: null,
        });
      }
    } else if (nOthers > 0) {
      findings.add({
        kind: "unfinished-aggregation",
        where,
        what:
          `${nOriginals + nOthers} files, such as "${firstOther}", have no record: the RUN was ` +
          "not aggregated to its end",
        advice: advice.aggregate(),
      });
    } else if (nRegistered === 0) {
      this.#reportPromised(originals);
    } else {
      findings.add({
        kind: "interrupted-forget",
        where,
        what: `${originals}, while ${nRegistered} such datasets are registered: an ingest was ` +
          "interrupted, or their quanta were not aggregated (--graph GRAPH tells)",
        advice: advice.ingest(),
      });
    }
  }

  #reportPromised(originals: string): void {
    this.#context.findings.add({
      kind: "promised-ingest",
      where: `RUN "${this.#context.options.run}"`,
      what: `${originals}, nor is there a run_provenance: its ingest was promised, or interrupted`,
      advice: this.#context.advice.ingest(),
    });
  }

  /** Whether the quanta whose metadata have no record were aggregated: their outputs are registered. */
  async #areAggregated(tree: FileTree, nOriginals: number): Promise<boolean> {
    const { registry, options } = this.#context;
    const quanta = new AggregatedQuanta(nOriginals);
    for await (const path of this.#nobodys(tree)) {
      if (!await this.#isOriginal(path)) continue;
      const file = this.#absolute(path);
      if (!this.#isRemote) quanta.sample(file);
      else if (quanta.isNextSampled()) quanta.see(await this.#context.files.readWhole(file));
    }
    return await quanta.areRegistered(registry, options.run);
  }
}
