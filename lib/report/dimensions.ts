/**
 * Dimensions of the tasks of a graph, for the columns of tables.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import type { PipelineGraph } from "../qg/pipeline_graph.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** Dimensions of every task's quanta. */
interface TaskDimensions {
  /** All dimensions, in the order of the universe. */
  names: readonly string[];
  groups: ReadonlyMap<string, DimensionGroup>;
}

/**
 * Reads the dimensions of a pipeline's tasks.
 *
 * @param where names the graph in errors.
 * @throws {RefusedError} if the graph has no dimension universe.
 */
export function taskDimensions(pipeline: PipelineGraph, where: string): TaskDimensions {
  if (pipeline.dimensionsText === null) {
    throw new RefusedError(`Cannot use data IDs in ${where}: it has no dimension universe`);
  }
  const universe = DimensionUniverse.parse(pipeline.dimensionsText);
  const groups = new Map(
    Array.from(pipeline.tasks.values(), ({ label, dimensions }) => [
      label,
      universe.group(dimensions),
    ]),
  );
  const used = [...groups.values()].flatMap(({ names }) => names);
  return { names: universe.group([...new Set(used)]).names, groups };
}
