/**
 * Reports what killed processes of this tool left beside a graph, and what those that are at work have
 * there: locks, temporary files, chunk logs.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import { isFile } from "../../storage/path_kind.ts";
import { type Advice, fileAdvice } from "../advice.ts";
import { Findings } from "../findings.ts";
import { isChunkLogInGraph } from "./compare_chunk_log.ts";
import { checkFile } from "./file.ts";
import { inspectLeftover, type Leftover } from "./leftovers.ts";

/** What a {@linkcode LeftoverReport} works on. */
interface LeftoverSurroundings {
  findings: Findings;
  /** As the user wrote it; null if a file is checked by itself. */
  repository: string | null;
  /** What removes stale locks and temporary files; null if no repair does. */
  repair: Advice | null;
  /** Whether a whole graph of the RUN is known, so that a temporary file is not the only one. */
  hasSoundGraph: boolean;
}

/** Tells of files one by one. */
export class LeftoverReport {
  readonly #around: LeftoverSurroundings;
  /** Locks and temporary files that `--repair` may remove. */
  readonly removable: Leftover[] = [];

  constructor(around: LeftoverSurroundings) {
    this.#around = around;
  }

  /** Reports one file. */
  async report(leftover: Leftover): Promise<void> {
    const { kind, path, ownerPath, process } = leftover;
    const { findings, hasSoundGraph } = this.#around;
    if (process === "running") {
      findings.note(`"${path}" is the ${kind}${holder(leftover)}, which is running`);
      return;
    }
    if (kind === "chunk log") return await this.#reportChunkLog(path, ownerPath);
    if (kind === "temporary" && !hasSoundGraph && await isWholeGraph(path)) {
      const isFree = !isFile(ownerPath);
      findings.add({
        kind: "left-over-temporary",
        where: path,
        what: "it is a whole provenance graph, and no other one of the RUN is known" +
          (isFree ? "" : ` but "${ownerPath}", which can't be read`),
        advice: isFree
          ? fileAdvice.keepTemporary(path, ownerPath)
          : fileAdvice.restore(ownerPath, path),
      });
      return;
    }
    this.#reportStale(leftover);
  }

  #reportStale(leftover: Leftover): void {
    const { kind, path, process } = leftover;
    const { findings, repair } = this.#around;
    const isStale = process === "gone" && repair !== null;
    if (isStale) this.removable.push(leftover);
    const what = kind === "lock" ? "lock" : "temporary file";
    const by = holder(leftover);
    findings.add({
      kind: kind === "lock" ? "left-over-lock" : "left-over-temporary",
      where: path,
      what: process === "gone"
        ? `it is the ${what}${by}, which runs no more; the next command on its file takes it away`
        : `it is the ${what}${by}; it is stale if that process runs no more`,
      advice: isStale ? repair : kind === "lock" ? fileAdvice.removeLock(path) : null,
      isRepairable: isStale,
    });
  }

  /** A chunk log may be all that is left of a scan, so what it holds is looked for in the graph. */
  async #reportChunkLog(path: string, ownerPath: string): Promise<void> {
    const { findings, repository } = this.#around;
    const lock = isFile(`${ownerPath}.lock`) ? inspectLeftover(`${ownerPath}.lock`) : null;
    if (lock?.process === "running") {
      findings.note(
        `"${path}" grows: an aggregation into "${ownerPath}"${holder(lock)} is at work`,
      );
      return;
    }
    const isInGraph = isFile(ownerPath) && await isChunkLogInGraph(path, ownerPath);
    // Going on with it replaces a graph that may hold what is nowhere else.
    const wouldReplace = !isInGraph && isFile(ownerPath) && await isWholeGraph(ownerPath);
    findings.add({
      kind: "left-over-chunk-log",
      where: path,
      what: isInGraph
        ? `all that it holds is in "${ownerPath}", so it is of no more use`
        : wouldReplace
        ? `an aggregation into "${ownerPath}" was not finished; the same aggregate-graph goes on ` +
          "with it and replaces that graph, so keep a copy if it has anything of its own"
        : "an aggregation was not finished; the same aggregate-graph goes on with it",
      advice: isInGraph
        ? fileAdvice.removeChunkLog(path)
        : wouldReplace
        ? null
        : fileAdvice.continueAggregation(ownerPath, null, repository),
    });
  }
}

function holder({ pid, host }: Leftover): string {
  return pid === null
    ? " of a process"
    : ` of process ${pid}${host === null ? "" : ` on host "${host}"`}`;
}

/** Whether a temporary file may be all that is left of a graph. */
async function isWholeGraph(path: string): Promise<boolean> {
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
