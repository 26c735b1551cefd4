/**
 * Quanta and datasets that fit a label and dimension values.
 *
 * @module
 */

import { NotFoundError, RefusedError } from "../base/errors.ts";
import { uuidFromText } from "../base/uuid.ts";
import { formatDataId } from "../butler/dimensions/data_id.ts";
import { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import { readDataset } from "../provenance/documents/dataset.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import type { PipelineGraph } from "../qg/pipeline_graph.ts";
import { parseStored } from "./parse_stored.ts";
import type { Candidate, DataIdMatcher } from "./selector.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/**
 * Dimensions of a task's quanta, or of a dataset type.
 *
 * @throws {NotFoundError} if the pipeline has no such task or type.
 * @throws {RefusedError} if it carries no dimension universe.
 */
export function groupOf(
  pipeline: PipelineGraph,
  kind: "quantum" | "dataset",
  label: string,
  where: string,
): DimensionGroup {
  const names = kind === "quantum"
    ? pipeline.tasks.get(label)?.dimensions
    : pipeline.datasetTypes.get(label)?.dimensions;
  if (names == null) {
    const known = kind === "quantum" ? [...pipeline.tasks.keys()] : [];
    throw new NotFoundError(
      `Cannot find ${kind === "quantum" ? "task" : "dataset type"} "${label}" in ${where}`,
      known.length === 0 ? {} : { hint: `its tasks are ${known.join(", ")}` },
    );
  }
  if (pipeline.dimensionsText === null) {
    throw new RefusedError(`Cannot use data IDs in ${where}: it has no dimension universe`, {
      hint: "give a UUID",
    });
  }
  return DimensionUniverse.parse(pipeline.dimensionsText).group(names);
}

/** The quantum of a document, if it fits. */
export function quantumCandidate(
  text: Uint8Array,
  label: string,
  matcher: DataIdMatcher,
  group: DimensionGroup,
  where: string,
): Candidate | null {
  const view = parseStored(`quantum in ${where}`, () => readQuantum(text));
  if (view.taskLabel !== label || !matcher.matches(view.dataCoordinate)) return null;
  return {
    id: parseStored(`quantum in ${where}`, () => uuidFromText(view.quantumId)),
    text: `${label} ${formatDataId(group, view.dataCoordinate as DataIdValue[])}`,
  };
}

/** The dataset of a document, if it fits. */
export function datasetCandidate(
  text: Uint8Array,
  typeName: string,
  matcher: DataIdMatcher,
  group: DimensionGroup,
  where: string,
): Candidate | null {
  const view = parseStored(`dataset in ${where}`, () => readDataset(text));
  if (view.typeName !== typeName || !matcher.matches(view.dataCoordinate)) return null;
  return {
    id: parseStored(`dataset in ${where}`, () => uuidFromText(view.datasetId)),
    text: `${typeName} ${formatDataId(group, view.dataCoordinate as DataIdValue[])}`,
  };
}
