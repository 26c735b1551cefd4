/**
 * A provenance graph against the repository that holds it, or is to hold it: how far its ingest got,
 * which originals are left, and whether what it is said to back is in it.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import { dirname } from "../../base/paths.ts";
import { UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import { absolutePath } from "../../butler/datastore/datastore_path.ts";
import {
  type Original,
  OriginalProver,
  OTHER_CONTENT,
} from "../../provenance/originals/original_proof.ts";
import type { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { describeDamage } from "../file/archive.ts";
import { type Advice, fileAdvice, localAdvice, type RunAdvice } from "../advice.ts";
import type { Findings } from "../findings.ts";
import type { CheckedFiles } from "./files.ts";
import { type GraphTarget, type GraphTargets, type RegisteredTargets, Stored } from "./targets.ts";
import type { FileTree } from "./tree.ts";
import { FILE_PROOF_SIZE } from "../../provenance/originals/proof_sizes.ts";

/** How far the ingest of a graph is. */
export type IngestState =
  /** Not begun. */
  | "not ingested"
  /** Datasets were forgotten or promised, or the graph lies in the datastore, but isn't registered. */
  | "unregistered"
  /** The graph is registered; something is left to do. */
  | "unfinished"
  | "finished";

/** What {@linkcode checkBacking} works on. */
interface BackingCheck {
  findings: Findings;
  advice: RunAdvice;
  run: string;
  graph: ProvenanceGraph;
  /** Graph file as the user wrote it, or null. */
  graphArgument: string | null;
  graphMtimeMs: number;
  /** Absolute root of the datastore. */
  root: string;
  files: CheckedFiles;
  /** What a path of a plan is called in the tree. */
  nameOf: (path: string) => string;
  /** The RUN as file templates write it. */
  runPath: string;
  /** Whether it is the RUN's run_provenance. */
  isRegistered: boolean;
  /** Whether it is the file given, which lies elsewhere. */
  isGiven: boolean;
  targets: GraphTargets;
  registered: RegisteredTargets;
  tree: FileTree;
  /** Whether not one file of the RUN is there, so that nothing is said of single ones. */
  isNothingThere: boolean;
  /** How the butler removes a dataset. */
  prune: (id: Uint8Array) => Promise<Advice>;
}

/** Counts of one pass over the targets. */
interface Counts {
  /** Targets with content in the graph. */
  nTargets: number;
  nUnregistered: number;
  nElsewhere: number;
  /** Originals whose content is in the graph. */
  nOriginals: number;
  /** The same, of datasets that are done. */
  nOrphaned: number;
  nEmpty: number;
}

/** Compares graph, registry and files, and reports every problem. */
export async function checkBacking(check: BackingCheck): Promise<IngestState> {
  try {
    await using pass = new BackingPass(check);
    return await pass.run();
  } catch (error) {
    const path = check.graph.name;
    check.findings.add({
      kind: "damaged-graph",
      where: path,
      what: describeDamage(error),
      advice: adviceOnGraph(error, path),
    });
    return check.isRegistered ? "finished" : "not ingested";
  }
}

/** What to do about a graph that can't be used: nothing, if it is sound and doesn't fit the repository. */
export function adviceOnGraph(error: unknown, path: string): Advice | null {
  return error instanceof RefusedError ? null : localAdvice(path, () => fileAdvice.lookAt(path));
}

class BackingPass implements AsyncDisposable {
  readonly #check: BackingCheck;
  readonly #counts: Counts = {
    nTargets: 0,
    nUnregistered: 0,
    nElsewhere: 0,
    nOriginals: 0,
    nOrphaned: 0,
    nEmpty: 0,
  };
  /** Directories of targets that hold nothing any more. */
  readonly #emptied = new Set<string>();
  /** Orphaned originals to be listed, if nothing else is left to do. */
  readonly #orphaned: string[] = [];
  #prover: OriginalProver | null = null;

  constructor(check: BackingCheck) {
    this.#check = check;
  }

  async run(): Promise<IngestState> {
    const { graph, registered, targets, isRegistered, findings } = this.#check;
    await registered.mergeNodes(graph);
    findings.steps.begin("compare", null);
    for await (const target of targets.read()) {
      await this.#see(target);
      findings.steps.advance("compare", 1);
    }
    findings.steps.end("compare");
    await this.#checkUnnamed();
    this.#counts.nEmpty = this.#emptied.size;
    const { nUnregistered, nElsewhere, nOrphaned, nEmpty } = this.#counts;
    if (!isRegistered) return this.#notRegistered();
    if (nUnregistered + nElsewhere > 0) {
      this.#reportInterrupted();
      return "unfinished";
    }
    for (const path of this.#orphaned) {
      findings.add({
        kind: "orphaned-original",
        where: path,
        what: "its content is in the provenance graph, which backs the dataset",
        advice: this.#check.advice.repair(),
        isRepairable: true,
      });
    }
    for (let i = this.#orphaned.length; i < nOrphaned; i++) findings.count("orphaned-original");
    if (nEmpty > 0) {
      findings.add({
        kind: "empty-directory",
        where: `RUN "${this.#check.run}"`,
        what: `${nEmpty} directories of metadata, log and config files are empty, such as ` +
          `"${this.#emptied.values().next().value}"`,
        advice: this.#ingest(),
        isRepairable: true,
      });
    }
    return nOrphaned + nEmpty > 0 ? "unfinished" : "finished";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#prover?.[Symbol.asyncDispose]();
  }

  #ingest(): Advice {
    const { advice, isGiven, graphArgument } = this.#check;
    return isGiven && graphArgument !== null
      ? advice.ingestGiven(graphArgument)
      : advice.finishIngest();
  }

  /** One target: is it registered, what backs it, is its original there? */
  async #see(target: GraphTarget): Promise<void> {
    const { registered, tree, isRegistered } = this.#check;
    const i = registered.find(target.id);
    const state = i < 0 ? 0 : registered.state[i];
    if (i >= 0) registered.state[i] |= Stored.NAMED;
    if (!target.isTaken && state === 0) return;
    const isBacked = (state & Stored.GRAPH) !== 0;
    const originals: string[] = [];
    for (const path of target.paths) {
      if (await tree.claim(this.#check.nameOf(path))) originals.push(path);
    }
    this.#noteDirectories(target);
    if (isBacked && !this.#hasBlock(target, state)) {
      await this.#reportWithoutContent(target);
      return;
    }
    if (!target.hasContent) {
      // Registered, with a file of its own: the graph has nothing to do with it.
      if ((state & Stored.ELSEWHERE) === 0 && i < 0 && originals.length > 0) {
        for (const path of originals) await this.#reportUnrecorded(target, path);
      } else if (i >= 0 && (state & Stored.FILE_THERE) === 0) await this.#reportLost(target, state);
      return;
    }
    const counts = this.#counts;
    counts.nTargets++;
    if (i < 0) counts.nUnregistered++;
    else if (!isBacked) {
      counts.nElsewhere++;
      if (!isRegistered && (state & Stored.FILE_THERE) === 0) await this.#reportLost(target, state);
    }
    if (!isRegistered) return;
    for (const path of originals) {
      // Of those that the ingest has yet to see it finds out itself.
      if (isBacked && !await this.#isInGraph(path, target)) continue;
      counts.nOriginals++;
      if (!isBacked) continue;
      counts.nOrphaned++;
      if (this.#orphaned.length < MAX_KEPT) this.#orphaned.push(path);
    }
  }

  /** Whether the graph has what the record promises. */
  #hasBlock(target: GraphTarget, state: number): boolean {
    if (!target.hasContent || (state & Stored.IN_GRAPH) === 0) return false;
    if (target.kind === "log") return (state & Stored.HAS_LOG) !== 0;
    return target.kind === "config" || (state & Stored.HAS_METADATA) !== 0;
  }

  /** Directories that ingesting leaves empty and would remove. */
  #noteDirectories({ paths, typeName }: GraphTarget): void {
    const { runPath, tree } = this.#check;
    if (tree.emptyDirectories.size === 0) return;
    const top = `${runPath}/${typeName}`;
    for (const path of paths) {
      for (let at = dirname(path); at.length >= top.length; at = dirname(at)) {
        if (at !== top && !at.startsWith(`${top}/`)) break;
        if (tree.emptyDirectories.has(at)) this.#emptied.add(at);
      }
    }
  }

  /** Whether an original has the content that the graph has; if not, that is reported. */
  async #isInGraph(path: string, { kind, label, id }: GraphTarget): Promise<boolean> {
    const { root, graph, findings, files } = this.#check;
    const file = absolutePath(root, path);
    const prover = this.#prover ??= await OriginalProver.of(graph);
    const original = { kind, label, id, proof: new Uint8Array(FILE_PROOF_SIZE) };
    const found = files.storage(root) === null
      ? await prover.compare(file, original)
      : await compareStored(await files.readWhole(file), prover, original);
    if (found.state === "other") {
      findings.add({
        kind: "newer-original",
        where: path,
        what: `it ${found.reason}; its content is nowhere else`,
        advice: localAdvice(file, () => fileAdvice.setAside(file)),
      });
    }
    return found.state === "same";
  }

  async #reportUnrecorded({ typeName, id }: GraphTarget, path: string): Promise<void> {
    const { findings, root, advice, isRegistered, graphMtimeMs, files } = this.#check;
    const file = absolutePath(root, path);
    // Once the graph is ingested, the RUN takes nothing more. What was there when the graph was made
    // could not be read, and won't be.
    const isLater = !isRegistered && ((await files.facts(file))?.modifiedMs ?? 0) > graphMtimeMs;
    findings.add({
      kind: "unrecorded-original",
      where: path,
      what:
        `the provenance graph has no content of ${typeName} ${uuidToText(id)}, so it is nowhere ` +
        "else",
      advice: isLater ? advice.aggregate() : localAdvice(file, () => fileAdvice.setAside(file)),
    });
  }

  async #reportWithoutContent({ id, typeName }: GraphTarget): Promise<void> {
    const { findings, prune } = this.#check;
    if (!findings.count("backed-without-content")) return;
    findings.list({
      kind: "backed-without-content",
      where: `dataset ${uuidToText(id)} (${typeName})`,
      what: "the provenance graph is said to back it, but its last attempt has none",
      advice: await prune(id),
    });
  }

  /** Registered, but its file is gone. */
  async #reportLost(
    { id, typeName, paths, hasContent }: GraphTarget,
    state: number,
  ): Promise<void> {
    const { findings, prune, isNothingThere } = this.#check;
    const kind = (state & Stored.ELSEWHERE) === 0
      ? "registered-without-record"
      : "registered-without-file";
    if (isNothingThere && kind === "registered-without-file") return;
    if (!findings.count(kind)) return;
    findings.list({
      kind,
      where: `dataset ${uuidToText(id)} (${typeName})`,
      what: (kind === "registered-without-record"
        ? "no datastore record says where it is"
        : `its file${paths.length === 0 ? "" : ` "${paths[0]}"`} isn't there`) +
        (hasContent ? ", but the provenance graph has its content" : ""),
      advice: hasContent ? this.#ingest() : await prune(id),
      isRepairable: hasContent && this.#check.isRegistered,
    });
  }

  /** Registered datasets that no quantum of the graph names. */
  async #checkUnnamed(): Promise<void> {
    const { registered, findings, prune, isNothingThere } = this.#check;
    for (let i = 0; i < registered.n; i++) {
      const state = registered.state[i];
      if ((state & Stored.NAMED) !== 0) continue;
      const id = registered.ids.subarray(i * UUID_SIZE, (i + 1) * UUID_SIZE);
      const kind = (state & Stored.GRAPH) !== 0
        ? "backed-without-content"
        : (state & Stored.ELSEWHERE) === 0
        ? "registered-without-record"
        : (state & Stored.FILE_THERE) === 0
        ? "registered-without-file"
        : null;
      if (kind === null || (isNothingThere && kind === "registered-without-file")) continue;
      if (!findings.count(kind)) continue;
      findings.list({
        kind,
        where: `dataset ${registered.idText(i)}`,
        what: "no quantum of the provenance graph has it, and it is not stored otherwise",
        advice: await prune(id),
      });
    }
  }

  #reportInterrupted(): void {
    const { nTargets, nUnregistered, nElsewhere, nOriginals } = this.#counts;
    this.#check.findings.add({
      kind: "interrupted-ingest",
      where: `RUN "${this.#check.run}"`,
      what: `run_provenance is there, but of ${nTargets} metadata, log and config datasets ` +
        `${nUnregistered} are not registered and ${nElsewhere} not backed by it; ` +
        `${nOriginals} original files are left`,
      advice: this.#ingest(),
      isRepairable: true,
    });
  }

  #notRegistered(): IngestState {
    const { findings, run, isGiven } = this.#check;
    const { nTargets, nUnregistered } = this.#counts;
    const where = `RUN "${run}"`;
    const advice = this.#ingest();
    if (!isGiven) {
      findings.add({
        kind: "unregistered-graph",
        where: this.#check.graph.name,
        what: `it lies at the place of run_provenance of ${where}, but isn't registered; of ` +
          `${nTargets} metadata, log and config datasets ${nUnregistered} are not registered`,
        advice,
        isRepairable: true,
      });
      return "unregistered";
    }
    if (nUnregistered === 0) return "not ingested";
    const isPromise = nUnregistered === nTargets;
    findings.add({
      kind: isPromise ? "promised-ingest" : "interrupted-forget",
      where,
      what: isPromise
        ? `none of ${nTargets} metadata, log and config datasets is registered, nor is the ` +
          "provenance graph: its ingest was promised, or interrupted"
        : `${nUnregistered} of ${nTargets} metadata, log and config datasets are not registered, nor ` +
          "is the provenance graph: its ingest was interrupted",
      advice,
      isRepairable: true,
    });
    return "unregistered";
  }
}

/** As `OriginalProver.compare()`, of what a store has. */
async function compareStored(
  bytes: Uint8Array | null,
  prover: OriginalProver,
  original: Original,
): Promise<{ state: "same" | "absent" } | { state: "other"; reason: string }> {
  if (bytes === null) return { state: "absent" };
  return await prover.hasContent(bytes, original)
    ? { state: "same" }
    : { state: "other", reason: OTHER_CONTENT };
}

/** Orphaned originals remembered until it is known whether anything else is left to do. */
const MAX_KEPT = 1000;
