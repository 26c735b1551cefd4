/**
 * What is measured: the stages of a run's life, each on fresh copies.
 *
 * @module
 */

import { dirname, join } from "node:path";
import type { Reference } from "../oracle/reference.ts";
import { measureFloors } from "./floors.ts";
import {
  addDimensionGroups,
  type KnownLog,
  type Lab,
  PREDICTED,
  PROVENANCE,
  REPOSITORY,
} from "./lab.ts";
import { measure } from "./measure.ts";
import { makeStep, type Trial } from "./results.ts";

/** Names of the steps, by which ratios find them. */
export const AGGREGATE = "aggregate-graph -o";
export const INCOMPLETE = "aggregate-graph --incomplete, 95 % seen";
export const FINAL = "aggregate-graph after --incomplete";
export const INGEST = "ingest-graph";
export const IN_PLACE = "ingest-graph --in-place";
export const INGEST_GROUPS = "ingest-graph, 60 more dimension groups";
export const IN_PLACE_GROUPS = "ingest-graph --in-place, 60 more dimension groups";
export const CAT_GRAPH = "cat GRAPH log ID";
export const CAT_REPOSITORY = "cat REPO log ID";
export const CAT_MILLION = "cat GRAPH log ID, a million quanta";
export const CAT_MILLION_HTTP = "cat http://GRAPH log ID, a million quanta";

/** How often a command that takes milliseconds is run. */
export const N_SHORT_TRIALS = 9;
/** Their deletes are cheap, as the files are links: it is the registry that counts. */
const N_MORE_GROUPS = 60;
/** Share of the quanta that an `--incomplete` run sees. */
const SEEN = 0.95;

/** The reads of {@linkcode CAT_REPOSITORY} with Python's butler. */
const PYTHON_CAT = `
import sys, uuid
from lsst.daf.butler import Butler
repo, run, dataset_id = sys.argv[1:]
with Butler.from_config(repo, collections=[run], writeable=False) as butler:
    for record in butler.get(butler.get_dataset(uuid.UUID(dataset_id))):
        print(record.message)
`;

/**
 * Aggregates and ingests, with floors.
 *
 * @param afterEach Runs after each trial: what is to be compared has to happen in the same minutes, as
 *   the pace of shared machines changes.
 * @returns an aggregated and ingested copy.
 */
export async function measureLife(
  lab: Lab,
  nTrials: number,
  withGroups: boolean,
  afterEach: () => Promise<void>,
): Promise<string> {
  const steps = new Map<string, Trial[]>();
  const note = (what: string, trial: Trial) => steps.set(what, [...steps.get(what) ?? [], trial]);
  const { result } = lab;
  let last = "";
  for (let trial = 0; trial < nTrials; trial++) {
    const copy = lab.copy();
    note(AGGREGATE, await lab.provgraph(copy, lab.aggregateArgs()));
    if (trial === 0) {
      result.graphBytes.provgraph = Deno.statSync(join(copy, PROVENANCE)).size;
      const floor = lab.copy(copy);
      result.floors = await measureFloors(join(floor, REPOSITORY), join(floor, PROVENANCE));
      lab.remove(floor);
    }
    const ingest = async (what: string, args: string[], inCopy: string) => {
      note(what, await lab.provgraph(inCopy, ["ingest-graph", REPOSITORY, PROVENANCE, ...args]));
    };
    const variants: [string, string[], boolean][] = [
      [IN_PLACE, ["--in-place"], false],
      ...(withGroups
        ? [
          [INGEST_GROUPS, [], true],
          [IN_PLACE_GROUPS, ["--in-place"], true],
        ] as [string, string[], boolean][]
        : []),
    ];
    for (const [what, args, isWithGroups] of variants) {
      const another = isWithGroups ? lab.linkedCopy(copy) : lab.copy(copy);
      if (isWithGroups) await addDimensionGroups(join(another, REPOSITORY), N_MORE_GROUPS);
      await ingest(what, args, another);
      lab.remove(another);
    }
    await ingest(INGEST, [], copy);
    if (trial < nTrials - 1) lab.remove(copy);
    else last = copy;
    await afterEach();
  }
  for (const [what, trials] of steps) {
    result.steps.push(makeStep("provgraph", what, trials, result));
  }
  return last;
}

/** A final aggregation after one that saw nearly everything. */
export async function measureIncomplete(lab: Lab, nTrials: number): Promise<void> {
  const incomplete: Trial[] = [];
  const final: Trial[] = [];
  let told = "";
  for (let trial = 0; trial < nTrials; trial++) {
    const copy = lab.linkedCopy();
    const bringBack = hideLast(copy, Math.round(lab.result.nQuanta * (1 - SEEN)));
    incomplete.push(await lab.provgraph(copy, lab.aggregateArgs("--incomplete")));
    bringBack();
    const measured = await lab.provgraph(copy, lab.aggregateArgs());
    told = /\d+ taken from the chunk log/.exec(measured.stderr)?.[0] ?? "nothing reused";
    final.push(measured);
    lab.remove(copy);
  }
  const { result } = lab;
  result.notes.push(`${FINAL}: ${told}`);
  result.steps.push(
    makeStep("provgraph", INCOMPLETE, incomplete, result),
    makeStep("provgraph", FINAL, final, result),
  );
}

/** Puts logs and metadata of the last quanta away, as if these had not run yet. */
function hideLast(copy: string, nQuanta: number): () => void {
  const moved: [string, string][] = [];
  const hide = (path: string) => {
    const aside = join(copy, "hidden", String(moved.length));
    Deno.renameSync(path, aside);
    moved.push([path, aside]);
  };
  Deno.mkdirSync(join(copy, "hidden"));
  let nLeft = nQuanta;
  for (const label of ["assembleCoadd", "consolidateVisit", "calibrateImage"]) {
    const metadata = [...filesBelow(join(copy, REPOSITORY), `${label}_metadata`)].sort();
    for (const path of metadata.slice(-nLeft)) {
      hide(path);
      const log = path.replaceAll(`${label}_metadata`, `${label}_log`);
      if (exists(log)) hide(log);
      nLeft--;
    }
    if (nLeft <= 0) break;
  }
  return () => {
    for (const [path, aside] of moved) Deno.renameSync(aside, path);
    Deno.removeSync(join(copy, "hidden"));
  };
}

function* filesBelow(directory: string, folder: string, isInside = false): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* filesBelow(path, folder, isInside || entry.name === folder);
    else if (isInside) yield path;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Reads one log, out of the graph and by way of the repository. */
export async function measureCat(lab: Lab, copy: string): Promise<KnownLog> {
  const log = lab.findLog(copy);
  lab.settle();
  const sources: [string, string[]][] = [
    [CAT_GRAPH, [ingestedGraph(copy)]],
    [CAT_REPOSITORY, [REPOSITORY, "--run", lab.run]],
  ];
  for (const [what, [source, ...options]] of sources) {
    const trials: Trial[] = [];
    for (let trial = 0; trial < N_SHORT_TRIALS; trial++) {
      const measured = await lab.read(copy, ["cat", source, "log", log.id, ...options]);
      if (measured.stdout.length < 1000) throw new Error(`${what} printed "${measured.stdout}"`);
      trials.push(measured);
    }
    lab.result.steps.push(makeStep("provgraph", what, trials, null));
  }
  return log;
}

/** The graph in the datastore of an ingested copy. */
function ingestedGraph(copy: string): string {
  const [graph] = [...filesBelow(join(copy, REPOSITORY), "run_provenance")];
  return graph;
}

/** The same commands with the Python tools, on copies of the same simulated run. */
export class ReferenceLife {
  readonly #lab: Lab;
  readonly #reference: Reference;
  readonly #withGroups: boolean;
  readonly #steps = new Map<string, Trial[]>();
  #nTrialsLeft: number;

  constructor(lab: Lab, reference: Reference, nTrials: number, withGroups: boolean) {
    this.#lab = lab;
    this.#reference = reference;
    this.#nTrialsLeft = nTrials;
    this.#withGroups = withGroups;
  }

  /** Runs one trial, unless all have been. */
  async runTrial(): Promise<void> {
    if (this.#nTrialsLeft === 0) return;
    this.#nTrialsLeft--;
    const lab = this.#lab;
    const copy = lab.copy();
    const inside = (name: string, of = copy) => `/data/${of.split("/").at(-1)}/${name}`;
    await this.#run(AGGREGATE, [
      ...["butler", "aggregate-graph", inside(PREDICTED), inside(REPOSITORY)],
      ...["-o", inside(PROVENANCE), "-j", String(lab.nScanners)],
    ]);
    lab.result.graphBytes.reference = Deno.statSync(join(copy, PROVENANCE)).size;
    const ingest = (what: string, of: string) =>
      this.#run(what, [
        ...["butler", "ingest-graph", inside(REPOSITORY, of), inside(PROVENANCE, of)],
      ]);
    if (this.#withGroups && !this.#steps.has(INGEST_GROUPS)) {
      const another = lab.linkedCopy(copy);
      await addDimensionGroups(join(another, REPOSITORY), N_MORE_GROUPS);
      await ingest(INGEST_GROUPS, another);
      lab.remove(another);
    }
    await ingest(INGEST, copy);
    lab.remove(copy);
  }

  async #run(what: string, command: string[]): Promise<void> {
    const trial = await runReference(this.#lab, this.#reference, command);
    this.#steps.set(what, [...this.#steps.get(what) ?? [], trial]);
  }

  /** Runs the trials that are left, and notes all. */
  async finish(): Promise<void> {
    while (this.#nTrialsLeft > 0) await this.runTrial();
    for (const [what, trials] of this.#steps) {
      this.#lab.result.steps.push(makeStep("reference", what, trials, this.#lab.result));
    }
  }
}

/** The read of {@linkcode measureCat} with Python's butler, start-up included. */
export async function measureReferenceCat(
  lab: Lab,
  reference: Reference,
  copy: string,
  log: KnownLog,
): Promise<void> {
  const trials: Trial[] = [];
  lab.settle();
  for (let trial = 0; trial < 3; trial++) {
    trials.push(
      await runReference(lab, reference, [
        ...["python", "-c", PYTHON_CAT, `/data/${copy.split("/").at(-1)}/${REPOSITORY}`],
        ...[lab.run, log.id],
      ]),
    );
  }
  lab.result.steps.push(makeStep("reference", CAT_REPOSITORY, trials, null));
}

async function runReference(lab: Lab, reference: Reference, args: string[]): Promise<Trial> {
  const { command, env } = reference.command(args);
  const measured = await measure(command, { cwd: dirname(lab.scratch), scratch: lab.scratch, env });
  return { ...measured, stages: {}, work: {} };
}
