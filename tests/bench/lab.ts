/**
 * Repositories to measure on: a simulated one, and fresh copies of it in whatever state is asked for.
 *
 * @module
 */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import { copyTree, provgraphCommand } from "../support/fixtures.ts";
import { measure, type Measured, median } from "./measure.ts";
import type { SizeResult, Trial } from "./results.ts";

/** Visits and detectors that make about so many quanta. */
const SHAPES: Record<number, [nVisits: number, nDetectors: number]> = {
  1000: [20, 24],
  10000: [50, 99],
  100000: [250, 199],
};

/** Sizes that can be asked for. */
export const SIZES: readonly number[] = Object.keys(SHAPES).map(Number);

/** Names in a copy. */
export const PREDICTED = "predicted.qg";
export const PROVENANCE = "provenance.qg";
export const REPOSITORY = "repo";

/** A log that can be read by its ID. */
export interface KnownLog {
  id: string;
  datasetType: string;
  taskLabel: string;
}

/** One simulated run and a directory for copies of it. */
export class Lab {
  readonly scratch: string;
  readonly result: SizeResult;
  /** RUN collection. */
  readonly run: string;
  readonly nScanners: number;
  readonly #source: string;
  #nCopies = 0;

  private constructor(
    scratch: string,
    source: string,
    nScanners: number,
    run: string,
    result: SizeResult,
  ) {
    this.scratch = scratch;
    this.#source = source;
    this.nScanners = nScanners;
    this.run = run;
    this.result = result;
  }

  /** Simulates a run of about so many quanta, with logs of so many bytes in the median. */
  static async make(
    scratch: string,
    size: number,
    nScanners: number,
    logSize: number,
  ): Promise<Lab> {
    const [nVisits, nDetectors] = SHAPES[size];
    const source = join(scratch, `source-${size}`);
    await tool(scratch, scratch, [
      "simulate",
      source,
      ...["--visits", String(nVisits), "--detectors", String(nDetectors)],
      ...["--log-size", String(logSize)],
    ]);
    using graph = await PredictedGraph.open(join(source, PREDICTED), await Zstd.load());
    const { n_quanta, n_datasets, output_run } = graph.header;
    const logs = fileSizes(join(source, REPOSITORY), /_log$/);
    const metadata = fileSizes(join(source, REPOSITORY), /_metadata$/);
    return new Lab(scratch, source, nScanners, output_run, {
      nQuanta: n_quanta,
      nDatasets: n_datasets,
      nVisits,
      nDetectors,
      nFiles: logs.length + metadata.length,
      nFileBytes: [...logs, ...metadata].reduce((sum, n) => sum + n, 0),
      medianLogBytes: median(logs),
      medianMetadataBytes: median(metadata),
      predictedGraphBytes: Deno.statSync(join(source, PREDICTED)).size,
      graphBytes: {},
      floors: null,
      steps: [],
      ratios: [],
      notes: [],
    });
  }

  /**
   * A new copy of the simulated run, or of another copy, written back to the disk so that nothing of
   * it is left to do while something is measured.
   */
  copy(from: string = this.#source): string {
    return this.#copy(from, false);
  }

  /** As {@linkcode copy}, but of hard links: quickly made, and quickly deleted by who deletes files. */
  linkedCopy(from: string = this.#source): string {
    return this.#copy(from, true);
  }

  #copy(from: string, link: boolean): string {
    const copy = join(this.scratch, `copy-${this.#nCopies++}`);
    copyTree(from, copy, { link });
    this.settle();
    return copy;
  }

  /** Waits until the disk has nothing left to do, also of files that were removed. */
  settle(): void {
    new Deno.Command("sync").outputSync();
  }

  /** Removes a copy. */
  remove(copy: string): void {
    Deno.removeSync(copy, { recursive: true });
  }

  /** Removes what copies are made of; no more can be made. */
  removeSource(): void {
    this.remove(this.#source);
  }

  /** Runs a command that only reads in a copy, as one types it: `-v` is for those with stages. */
  async read(copy: string, args: readonly string[]): Promise<Measured & Trial> {
    return { ...await tool(copy, this.scratch, args), stages: {}, work: {} };
  }

  /** Runs the tool in a copy, and notes the times of its stages. */
  async provgraph(copy: string, args: readonly string[], code = 0): Promise<Measured & Trial> {
    const measured = await tool(copy, this.scratch, ["-v", ...args], code);
    return { ...measured, ...stagesOf(measured.stderr) };
  }

  /** Arguments of `aggregate-graph` in a copy. */
  aggregateArgs(...more: string[]): string[] {
    return [
      ...["aggregate-graph", PREDICTED, REPOSITORY, "-o", PROVENANCE],
      ...["-j", String(this.nScanners), ...more],
    ];
  }

  /** A log in the middle of a repository in which logs are registered. */
  findLog(copy: string): KnownLog {
    using database = new DatabaseSync(join(copy, REPOSITORY, "gen3.sqlite3"), { readOnly: true });
    const row = database.prepare(
      "SELECT d.id, t.name FROM dataset d JOIN dataset_type t ON t.id = d.dataset_type_id " +
        "WHERE t.name = 'calibrateImage_log' ORDER BY d.id LIMIT 1 OFFSET ?",
    ).get(Math.floor(this.result.nQuanta / 4))!;
    const hex = row.id as string;
    const id = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]]
      .map(([start, end]) => hex.slice(start, end)).join("-");
    const datasetType = row.name as string;
    return { id, datasetType, taskLabel: datasetType.replace(/_log$/, "") };
  }
}

/**
 * Registers dataset types until the repository has tags tables for so many dimension groups. Nothing
 * is in them, yet foreign keys make SQLite look into each for every dataset that is removed.
 */
export async function addDimensionGroups(repository: string, nGroups: number): Promise<void> {
  const config = loadRepositoryConfig(repository, { get: () => undefined });
  await using registry = await openRegistry(config, { writeable: true });
  const levels = [
    ...Array.from({ length: 24 }, (_, i) => `htm${i + 1}`),
    ...Array.from({ length: 17 }, (_, i) => `healpix${i + 1}`),
  ];
  const groups = levels.flatMap((level) => [[level], ["band", level]]).slice(0, nGroups);
  await registry.registerDatasetTypes(groups.map((dimensions) => ({
    name: `bench_${dimensions.join("_")}`,
    group: registry.universe.group(dimensions),
    storageClass: "StructuredDataDict",
    isCalibration: false,
  })));
}

async function tool(
  cwd: string,
  scratch: string,
  args: readonly string[],
  code = 0,
): Promise<Measured> {
  const [command, prefix] = provgraphCommand();
  return await measure([command, ...prefix, ...args], { cwd, scratch, code });
}

/** Seconds of stages and of work from the tool's own summary. */
function stagesOf(log: string): Pick<Trial, "stages" | "work"> {
  const match = /Stages in seconds: (.*); work of workers: (.*)\.$/m.exec(log);
  const parse = (text: string): Record<string, number> =>
    Object.fromEntries(
      text.split(", ").filter((part) => part !== "").map((part) => {
        const [name, seconds] = part.split(" ");
        return [name, Number(seconds)];
      }),
    );
  return match === null ? { stages: {}, work: {} } : {
    stages: parse(match[1]),
    work: parse(match[2]),
  };
}

function fileSizes(directory: string, folder: RegExp): number[] {
  const sizes: number[] = [];
  const walk = (path: string, isInside: boolean): void => {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      if (isDirectory) walk(join(path, name), isInside || folder.test(name));
      else if (isInside) sizes.push(Deno.statSync(join(path, name)).size);
    }
  };
  walk(directory, false);
  return sizes;
}
