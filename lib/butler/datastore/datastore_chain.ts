/**
 * The file datastores of a repository, of which a chain has several: which of them take a dataset, and
 * where each has it. It knows no files.
 *
 * Source: `schema/butler-repository.md`, section 1.6.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../dimensions/record_source.ts";
import { type DatasetPlan, FileDatastore } from "./datastore.ts";
import type { RepositoryConfig } from "../config/repository_config.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** Where one datastore has, or may have, a dataset. */
interface DatasetPaths {
  /** Position of the datastore. */
  readonly datastore: number;
  /** Relative to its root: today's name, then that of older releases if it is another one. */
  readonly paths: readonly string[];
}

/** All file datastores of a repository, in the order in which they are asked. */
export class DatastoreChain {
  readonly members: readonly FileDatastore[];
  readonly universe: DimensionUniverse;

  /** @throws {RepositoryError} as the constructor of {@linkcode FileDatastore}. */
  constructor(
    { datastores }: Pick<RepositoryConfig, "datastores">,
    universe: DimensionUniverse,
    options: { mockStorageClasses: boolean },
  ) {
    this.universe = universe;
    this.members = datastores.map((datastore) =>
      new FileDatastore({ datastore }, universe, options)
    );
  }

  /** Whether there is more than one. */
  get isSeveral(): boolean {
    return this.members.length > 1;
  }

  /**
   * Finds everything out about the datasets of one type in one run.
   *
   * @throws {RepositoryError} as `FileDatastore.plan()`, or if two datastores have other formatters for
   *   the type: no more than one is read by.
   */
  plan(type: DatasetType, run: string): ChainPlan {
    const plans = this.members.map((member) =>
      !this.isSeveral || member.mayAccept(type) ? member.plan(type, run) : null
    );
    const formatters = new Set(plans.flatMap((plan) => plan === null ? [] : [plan.formatter]));
    if (formatters.size > 1) {
      throw new RepositoryError(
        `Cannot use dataset type "${type.name}": datastores of the chain have several formatters for ` +
          `it, ${[...formatters].join(", ")}, which is not supported`,
      );
    }
    const first = plans.find((plan) => plan !== null) ?? this.members[0].plan(type, run);
    return new ChainPlan(plans, first);
  }
}

/** Paths of all datasets of one type in one run, in each datastore. */
export class ChainPlan {
  /** By position of the datastore; null for one that takes no dataset of the type. */
  readonly plans: readonly (DatasetPlan | null)[];
  /** That of the first which takes datasets of the type: its formatter is that of all. */
  readonly first: DatasetPlan;

  constructor(plans: readonly (DatasetPlan | null)[], first: DatasetPlan) {
    this.plans = plans;
    this.first = first;
  }

  /** Whether paths may need the dataset's ID. */
  get usesId(): boolean {
    return this.plans.some((plan) => plan?.usesId === true);
  }

  /** Whether a datastore takes a dataset. */
  isTakenBy(datastore: number, values: readonly DataIdValue[]): boolean {
    return this.plans[datastore]?.accepts(values) ?? false;
  }

  /**
   * Where the datastores that take a dataset have it.
   *
   * @throws {RefusedError} as `DatasetPlan.path()`.
   */
  paths(
    values: readonly DataIdValue[],
    records: DimensionRecordSource,
    idText?: string,
  ): DatasetPaths[] {
    const found: DatasetPaths[] = [];
    for (const [datastore, plan] of this.plans.entries()) {
      if (plan === null || !plan.accepts(values)) continue;
      const path = plan.path(values, records, idText);
      const older = plan.isRenamed ? plan.olderPath(values, records, idText) : null;
      found.push({ datastore, paths: older === null ? [path] : [path, older] });
    }
    return found;
  }
}
