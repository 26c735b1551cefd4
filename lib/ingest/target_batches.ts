/**
 * The targets of an ingest, some at a time: what is to be registered, where their originals may be, and
 * which directories these leave behind.
 *
 * @module
 */

import { dirname } from "../base/paths.ts";
import { type DimensionRecordSource, FileDatastore } from "../butler/datastore.ts";
import { withRecords } from "../butler/record_fetch.ts";
import { RunsInside } from "../butler/runs_inside.ts";
import type { Originals } from "./deleter.ts";
import { EmptyDirectories } from "./empty_directories.ts";
import { OriginalProofs } from "./original_proofs.ts";
import type { PreparedIngest } from "./prepare_ingest.ts";
import { MAX_PATHS, RowBatch } from "./row_batch.ts";
import { type Targets, TargetState } from "./targets.ts";

/** One pass over all targets. */
export class TargetBatches {
  /** What is to be registered of the present batch. */
  readonly rows: RowBatch;
  /** Directories of all targets passed so far. */
  readonly directories: EmptyDirectories;
  readonly #targets: Targets;
  readonly #records: DimensionRecordSource;
  readonly #proofs: OriginalProofs;
  readonly #runPath: string;
  /** Paths of datasets that were not produced. */
  #unproduced: string[] = [];
  #next = 0;

  private constructor(
    prepared: PreparedIngest,
    records: DimensionRecordSource,
    proofs: OriginalProofs,
    others: RunsInside,
  ) {
    this.#targets = prepared.targets;
    this.rows = new RowBatch(prepared.targets);
    this.directories = new EmptyDirectories(prepared.config.datastore.root, others);
    this.#runPath = dirname(dirname(prepared.templatePath(prepared.choice.run)));
    this.#records = records;
    this.#proofs = proofs;
  }

  /** Begins a pass. */
  static async begin(prepared: PreparedIngest): Promise<TargetBatches> {
    const { graph } = prepared.verified;
    const files = await graph.quantaFiles();
    return new TargetBatches(
      prepared,
      await prepared.registry.dimensionRecordSource(),
      new OriginalProofs(files, prepared.targets, graph.header.n_quanta),
      await RunsInside.find(
        prepared.registry,
        new FileDatastore(prepared.config, prepared.registry.universe, {
          mockStorageClasses: true,
        }),
        prepared.choice.run,
      ),
    );
  }

  /**
   * Goes on to the next targets.
   *
   * @param maxRows Of those that are to be registered.
   * @returns whether there were any.
   */
  async next(maxRows: number): Promise<boolean> {
    if (this.#next >= this.#targets.n) return false;
    // Goes on where it was left when a record had to be fetched.
    await withRecords(() => this.#fill(maxRows));
    return true;
  }

  #fill(maxRows: number): void {
    const { rows } = this;
    const targets = this.#targets;
    const nRunParts = this.#runPath.split("/").length;
    for (; this.#next < targets.n && rows.n < maxRows && rows.nPaths < MAX_PATHS; this.#next++) {
      const target = this.#next;
      const paths = targets.paths(target, this.#records);
      const typeName = targets.types[targets.typeIndex(target)].name;
      for (const path of paths) this.directories.add(path, firstParts(path, nRunParts), typeName);
      if (targets.produced[target] === 0) {
        for (const path of paths) this.#unproduced.push(path);
        continue;
      }
      if (targets.state[target] !== TargetState.DONE) rows.add(target);
      for (const path of paths) rows.addPath(path, target);
    }
  }

  /** Where originals may be that are not recorded as produced; each is told once. */
  takeUnproduced(): string[] {
    const paths = this.#unproduced;
    this.#unproduced = [];
    return paths;
  }

  /** Originals of the present batch; null if it has none. */
  async takeOriginals(): Promise<Originals | null> {
    const { paths, owners } = this.rows.takePaths();
    return paths.length === 0 ? null : await this.#proofs.originals(paths, owners);
  }
}

/** The RUN in a path, which may be written by an older rule: it has as many parts by both. */
function firstParts(path: string, nParts: number): string {
  return path.split("/", nParts).join("/");
}
