/**
 * What `check` finds: problems, with the command that mends it where there is one, and notes. Every problem is
 * counted; of each kind only the first are kept, so that a wholly broken campaign doesn't fill the
 * memory.
 *
 * @module
 */

import type { Advice } from "./advice.ts";
import { CheckSteps } from "./steps.ts";

/** Kinds of problems of a file. Names are part of the scripting contract. */
export type FileProblemKind =
  /** The archive's directory can't be read. */
  | "damaged-archive"
  | "missing-member"
  /** The CRC-32 of a member differs. */
  | "checksum"
  /** A header, pipeline graph or another single document can't be read. */
  | "damaged-document"
  /** Blocks of a multi-block member don't follow one another to its end. */
  | "block-framing"
  | "address-header"
  /** Rows of an address file aren't ascending. */
  | "address-order"
  /** A row's own number is wrong. */
  | "address-index"
  /** A row points out of its member. */
  | "address-range"
  /** A row points at something that is no block. */
  | "address-target"
  /** A row points at nothing. */
  | "empty-row"
  /** A block that no row points at. */
  | "orphan-block"
  /** A block that too many rows point at. */
  | "shared-block"
  /** A log or metadata block that lacks the row of its quantum or of its dataset. */
  | "unfiled-block"
  /** Fences, hints for look-ups, that aren't the ids of their rows. */
  | "fences"
  /** A count differs from that in the header. */
  | "count"
  /** A block can't be decompressed or parsed. */
  | "damaged-block"
  /** A block holds another quantum or dataset than the row says. */
  | "misfiled-block"
  /** Attempts of a quantum, its log and its metadata don't correspond. */
  | "attempts"
  /** Producer or consumers of a dataset differ from what the quanta say. */
  | "edges"
  /** A task or dataset type that the pipeline doesn't have. */
  | "unknown-name"
  | "torn-tail"
  | "damaged-chunk";

/** Kinds of problems of a repository. Names are part of the scripting contract. */
type RepositoryProblemKind =
  /** The graph is registered, but not all it should back is, or originals are left. */
  | "interrupted-ingest"
  /** Metadata, logs and configs aren't registered, nor is the graph that was to back them. */
  | "promised-ingest"
  /** Datasets were forgotten for an ingest that went no further. */
  | "interrupted-forget"
  /** Files of all kinds without record: not all of the RUN was aggregated. */
  | "unfinished-aggregation"
  /** The graph lies at its place in the datastore, but isn't registered. */
  | "unregistered-graph"
  /** Records point at a graph that isn't there, or isn't that of the RUN. */
  | "missing-graph"
  | "damaged-graph"
  /** The size in the graph's records isn't that of the file. */
  | "graph-size"
  /** An original whose content is in the graph. */
  | "orphaned-original"
  /** An original whose content is not that which the graph has. */
  | "newer-original"
  /** An original of which the graph has nothing. */
  | "unrecorded-original"
  /** Directories that ingesting has emptied. */
  | "empty-directory"
  /** Not one file of the RUN is there: perhaps a disk isn't mounted. */
  | "no-file-there"
  | "registered-without-file"
  | "registered-without-record"
  | "file-without-record"
  /** A record says that the graph backs a dataset, but the graph has nothing for it. */
  | "backed-without-content"
  | "left-over-chunk-log"
  | "left-over-lock"
  | "left-over-temporary";

/** All kinds. */
export type ProblemKind = FileProblemKind | RepositoryProblemKind;

/** One problem. */
interface Problem {
  kind: ProblemKind;
  /** File, member, RUN or dataset concerned. */
  where: string;
  /** What is wrong, a clause without full stop. */
  what: string;
  /** What mends it, or leads to that; null if nothing is known that is safe. */
  advice: Advice | null;
  /** Whether `check --repair` mends it; absent for no. */
  isRepairable?: boolean;
}

/** Problems kept of each kind unless told otherwise. */
export const DEFAULT_LIMIT = 100;

/** Collects problems and notes. */
export class Findings {
  /** Problems of each kind that are kept. */
  readonly limit: number;
  readonly #counts = new Map<ProblemKind, number>();
  readonly #problems: Problem[] = [];
  readonly #notes: string[] = [];

  /** Name of the datastore of a chain that is being checked; null where there is one. */
  datastore: string | null = null;
  /** How far the check is that collects them. */
  readonly steps: CheckSteps;

  /** @param limit problems of each kind that are kept; others are only counted. */
  constructor(limit: number = DEFAULT_LIMIT, steps: CheckSteps = new CheckSteps()) {
    this.limit = limit;
    this.steps = steps;
  }

  /** Counts a problem; whether it should be described as well, with {@linkcode list}. */
  count(kind: ProblemKind): boolean {
    const n = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, n);
    return n <= this.limit;
  }

  /** Keeps the description of a problem that was counted. */
  list(problem: Problem): void {
    const { where } = problem;
    this.#problems.push(
      this.datastore === null
        ? problem
        : { ...problem, where: `datastore "${this.datastore}": ${where}` },
    );
  }

  /** Counts a problem and keeps it, if there is room. */
  add(problem: Problem): void {
    if (this.count(problem.kind)) this.list(problem);
  }

  /**
   * Says that addresses which were thought to be repairable aren't, here or at all.
   *
   * @param advice what to do instead; null if the repair of the file alone does it.
   */
  withdrawFileRepairs(advice: Advice | null): void {
    for (const problem of this.#problems) {
      if (problem.advice?.name !== "repair-file") continue;
      problem.advice = advice ?? problem.advice;
      problem.isRepairable = false;
    }
  }

  /** Something worth knowing that is no problem. */
  note(text: string): void {
    if (this.#notes.length < this.limit) this.#notes.push(text);
  }

  /** Problems kept, in the order found. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Notes, in the order found. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Number of problems of each kind that there are any of. */
  get counts(): ReadonlyMap<ProblemKind, number> {
    return this.#counts;
  }

  /** Number of all problems. */
  get nProblems(): number {
    let n = 0;
    for (const count of this.#counts.values()) n += count;
    return n;
  }

  /** Whether `--repair` can do anything. */
  get isRepairable(): boolean {
    return this.#problems.some((problem) => problem.isRepairable === true);
  }
}
