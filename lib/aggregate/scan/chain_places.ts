/**
 * Where outputs of quanta are in a repository with several file datastores.
 *
 * @module
 */

import { UnusableFileError } from "../../base/errors.ts";
import type { DatasetPlan } from "../../butler/datastore/datastore.ts";
import type { ChainPlan, DatastoreChain } from "../../butler/datastore/datastore_chain.ts";
import type { DimensionRecordSource } from "../../butler/dimensions/record_source.ts";
import type { LookForFile } from "./scan_files.ts";
import { absolutePath } from "../../butler/datastore/datastore_path.ts";
import type { DataIdValue } from "../../butler/dimensions/data_id_value.ts";
import type { DatasetType } from "../../butler/dimensions/dataset_type.ts";

/** Where one output may be. */
export interface ChainPlaces {
  /** Absolute paths in the datastores that take it, in the order of the chain. */
  files: string[];
  /** Path of the record that each datastore is to have; null where it doesn't take the output. */
  records: (string | null)[];
}

/** Finds the places of outputs of one RUN. */
export class PlannedPlaces {
  readonly #chain: DatastoreChain;
  readonly #run: string;
  readonly #records: DimensionRecordSource;
  readonly #exists: LookForFile;
  readonly #plans = new Map<DatasetType, ChainPlan>();

  constructor(
    chain: DatastoreChain,
    run: string,
    records: DimensionRecordSource,
    exists: LookForFile,
  ) {
    this.#exists = exists;
    this.#chain = chain;
    this.#run = run;
    this.#records = records;
  }

  #plan(type: DatasetType): ChainPlan {
    let plan = this.#plans.get(type);
    if (plan === undefined) this.#plans.set(type, plan = this.#chain.plan(type, this.#run));
    return plan;
  }

  /** The plan that says how a type's documents are read. */
  planOf(type: DatasetType): DatasetPlan {
    return this.#plan(type).first;
  }

  /** All places of a dataset: under the name of an older release only if nothing has today's. */
  of(type: DatasetType, values: readonly DataIdValue[], idText?: string): ChainPlaces {
    const records: (string | null)[] = new Array(this.#chain.members.length).fill(null);
    const files: string[] = [];
    for (const { datastore, paths } of this.#plan(type).paths(values, this.#records, idText)) {
      const { root } = this.#chain.members[datastore];
      const [today, older] = paths;
      const isOlder = older !== undefined &&
        !hasAnythingAt(absolutePath(root, today), this.#exists) &&
        hasAnythingAt(absolutePath(root, older), this.#exists);
      const path = isOlder ? older : today;
      records[datastore] = path;
      files.push(absolutePath(root, path));
    }
    return { files, records };
  }
}

/** The first place that has anything; the first of all if none has, null if no datastore takes it. */
export function placeToRead({ files }: ChainPlaces, exists: LookForFile): string | null {
  return files.find((path) => hasAnythingAt(path, exists)) ?? files[0] ?? null;
}

/** Whether anything is there, a file or not. */
export function hasAnythingAt(path: string, exists: LookForFile): boolean {
  try {
    return exists(path);
  } catch (error) {
    if (error instanceof UnusableFileError) return true;
    throw error;
  }
}
