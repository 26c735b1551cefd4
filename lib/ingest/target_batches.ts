/**
 * The targets of an ingest, some at a time: what is to be registered, where their originals may be, and
 * which directories these leave behind.
 *
 * @module
 */

import { dirname } from "../base/paths.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import { FileDatastore } from "../butler/datastore/datastore.ts";
import { withRecords } from "../butler/dimensions/record_fetch.ts";
import type { DimensionRecordSource } from "../butler/dimensions/record_source.ts";
import { RunsInside } from "../butler/registry/runs_inside.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { type Targets, TargetState } from "../provenance/targets.ts";
import { stampConfigs } from "./originals/config_stamps.ts";
import { EmptyDirectories } from "./originals/empty_directories.ts";
import { OriginalProofs } from "./originals/original_proofs.ts";
import type { ProvenanceGraph } from "../qg/provenance_graph.ts";
import type { PreparedIngest } from "./prepared_ingest.ts";
import { RowBatch } from "./row_batch.ts";
import type { Originals } from "./originals/deleter_messages.ts";

/** Paths that wait for their batch to be committed. */
const MAX_PATHS = 20_000;

/** One pass over all targets. */
export class TargetBatches {
  /** What is to be registered of the present batch. */
  readonly rows: RowBatch;
  readonly #targets: Targets;
  readonly #records: DimensionRecordSource;
  readonly #passes: readonly DatastorePass[];
  readonly #graph: ProvenanceGraph;
  #next = 0;

  private constructor(
    { targets, verified: { graph } }: PreparedIngest,
    records: DimensionRecordSource,
    passes: readonly DatastorePass[],
  ) {
    this.#targets = targets;
    this.#graph = graph;
    this.rows = new RowBatch(targets);
    this.#records = records;
    this.#passes = passes;
  }

  /** Begins a pass. */
  static async begin(prepared: PreparedIngest): Promise<TargetBatches> {
    const { registry, config, choice: { run }, targets, datastore, copies } = prepared;
    const { graph } = prepared.verified;
    const files = await graph.quantaFiles();
    const passes: DatastorePass[] = [];
    const places = [
      { datastore, targets, templatePath: prepared.templatePath(run) },
      ...copies,
    ];
    for (const place of places) {
      const member = config.datastores[place.datastore];
      // What is in remote stores is found by lists, when all is registered: `RemoteOriginals`.
      if (isRemoteUri(member.root)) continue;
      const inside = await RunsInside.find(
        registry,
        new FileDatastore({ datastore: member }, registry.universe, { mockStorageClasses: true }),
        run,
      );
      passes.push({
        root: member.root,
        isFirst: place.datastore === datastore,
        targets: place.targets,
        nRunParts: dirname(dirname(place.templatePath)).split("/").length,
        directories: new EmptyDirectories(member.root, inside),
        proofs: new OriginalProofs(files, place.targets, graph.header.n_quanta),
        paths: [],
        owners: [],
        unproduced: [],
      });
    }
    return new TargetBatches(prepared, await registry.dimensionRecordSource(), passes);
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
    const isFull = () =>
      rows.n >= maxRows || this.#passes.some((pass) => pass.paths.length >= MAX_PATHS);
    for (; this.#next < targets.n && !isFull(); this.#next++) {
      const target = this.#next;
      // All of them first: one may have to be found once more, when a record was fetched.
      const paths = this.#passes.map((pass) => pass.targets.paths(target, this.#records));
      const isProduced = targets.produced[target] !== 0;
      this.#passes.forEach((pass, i) => notePaths(pass, paths[i], target, isProduced));
      if (isProduced && targets.state[target] !== TargetState.DONE) rows.add(target);
    }
  }

  /** Where originals may be that are not recorded as produced; each is told once. */
  takeUnproduced(): UnproducedFile[] {
    const files = this.#passes.flatMap(({ root, isFirst, unproduced }) =>
      unproduced.map((path) => {
        const file = absolutePath(root, path);
        return { path: isFirst ? path : file, file };
      })
    );
    for (const pass of this.#passes) pass.unproduced = [];
    return files;
  }

  /** Originals of the present batch, one set for each datastore that has any. */
  async takeOriginals(): Promise<Originals[]> {
    const found: Originals[] = [];
    for (const pass of this.#passes) {
      const { paths, owners, proofs, root, isFirst } = pass;
      pass.paths = [];
      pass.owners = [];
      if (paths.length === 0) continue;
      const originals = await proofs.originals(paths, owners);
      await stampConfigs(originals, pass.targets.originalTypes, root, this.#graph);
      found.push(isFirst ? originals : { ...originals, root });
    }
    return found;
  }

  /** Removes the directories of all targets that are empty, see `EmptyDirectories`. */
  async removeDirectories(): Promise<{ nRemoved: number; notEmpty: string[] }> {
    const all = { nRemoved: 0, notEmpty: [] as string[] };
    for (const { directories, root, isFirst } of this.#passes) {
      const { nRemoved, notEmpty } = await directories.remove();
      all.nRemoved += nRemoved;
      all.notEmpty.push(...notEmpty.map((path) => isFirst ? path : absolutePath(root, path)));
    }
    return all;
  }
}

/** A file that may be there although the graph has no content of it. */
export interface UnproducedFile {
  /** What it is called: relative to the first datastore's root, else absolute. */
  path: string;
  /** Absolute. */
  file: string;
}

/** One pass in one datastore. */
interface DatastorePass {
  readonly root: string;
  readonly isFirst: boolean;
  readonly targets: Targets;
  /** Parts of the RUN's path. */
  readonly nRunParts: number;
  /** Directories of all targets passed so far. */
  readonly directories: EmptyDirectories;
  readonly proofs: OriginalProofs;
  /** Where originals of the present batch may be, and the target of each. */
  paths: string[];
  owners: number[];
  /** Paths of datasets that were not produced. */
  unproduced: string[];
}

function notePaths(
  pass: DatastorePass,
  paths: readonly string[],
  target: number,
  isProduced: boolean,
): void {
  const { targets, directories, nRunParts } = pass;
  const typeName = targets.types[targets.typeIndex(target)].name;
  for (const path of paths) {
    directories.add(path, firstParts(path, nRunParts), typeName);
    if (!isProduced) pass.unproduced.push(path);
    else {
      pass.paths.push(path);
      pass.owners.push(target);
    }
  }
}

/** The RUN in a path, which may be written by an older rule: it has as many parts by both. */
function firstParts(path: string, nParts: number): string {
  let end = -1;
  for (let n = 0; n < nParts; n++) {
    end = path.indexOf("/", end + 1);
    if (end < 0) return path;
  }
  return path.slice(0, end);
}
