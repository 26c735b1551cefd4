/**
 * The dataset types that a pipeline writes, as a repository understands them: where the graph's
 * dimensions and the repository's universe meet.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import { commonGroup, DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import type { PipelineGraph } from "../qg/pipeline_graph.ts";
import type { DatasetType } from "../butler/dimensions/dataset_type.ts";

/** Dataset types that tasks write, `packages` last; the order is that of `IngestRows.typeIndex`. */
export class OutputTypes {
  readonly types: readonly DatasetType[];
  readonly #indexByName: Map<string, number>;

  /**
   * @throws {RefusedError} if the pipeline leaves a definition open, or the repository's universe has
   *   not all of its dimensions or has others for the same group.
   */
  constructor(pipeline: PipelineGraph, universe: DimensionUniverse) {
    const graphUniverse = pipeline.dimensionsText === null
      ? null
      : DimensionUniverse.parse(pipeline.dimensionsText);
    this.types = pipeline.outputDatasetTypes().map((type) => {
      if (type.dimensions === null || type.storageClass === null) {
        throw new RefusedError(
          `Cannot use dataset type "${type.name}": the pipeline graph leaves its ${
            type.dimensions === null ? "dimensions" : "storage class"
          } open`,
          { hint: "build the quantum graph anew with a resolved pipeline" },
        );
      }
      return {
        name: type.name,
        group: resolveGroup(type.name, type.dimensions, universe, graphUniverse),
        storageClass: type.storageClass,
        isCalibration: type.isCalibration,
      };
    });
    this.#indexByName = new Map(this.types.map((type, i) => [type.name, i]));
  }

  /** Position of a type, or -1. */
  indexOf(name: string): number {
    return this.#indexByName.get(name) ?? -1;
  }
}

/**
 * Group of dimension names in the repository, checked to mean the same in the graph's universe.
 *
 * @param graphUniverse Null if the graph doesn't carry one.
 * @throws {RepositoryError} if it doesn't. Source: `schema/butler-repository.md`, section 0.
 */
export function resolveGroup(
  typeName: string,
  names: readonly string[],
  universe: DimensionUniverse,
  graphUniverse: DimensionUniverse | null,
): DatasetType["group"] {
  return commonGroup(names, graphUniverse ?? universe, universe, `dataset type "${typeName}"`);
}
