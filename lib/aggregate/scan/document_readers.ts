/**
 * How the documents of a run are read, dataset type by dataset type: found out, or refused, before
 * anything is recorded.
 *
 * @module
 */

import type { DatasetPlan } from "../../butler/datastore/datastore.ts";
import {
  type MetadataConverter,
  metadataConverter,
  metadataForm,
  requireLogForm,
  requirePackagesForm,
} from "../../provenance/documents/document_forms.ts";
import { storedAs } from "../../provenance/documents/stored_as.ts";
import { PACKAGES_DATASET_TYPE, type PipelineGraph } from "../../qg/pipeline_graph.ts";

/** Plan of a dataset type by its name. */
type PlanOf = (typeName: string) => DatasetPlan;

/**
 * Checks that logs, metadata and the packages document of a run are in forms that are read.
 *
 * @throws {RepositoryError} naming dataset type, formatter and storage class.
 */
export function checkDocumentForms(pipeline: PipelineGraph, planOf: PlanOf): void {
  for (const task of pipeline.tasks.values()) {
    metadataForm(storedAs(planOf(task.metadataDatasetType)));
    if (task.logDatasetType !== null) requireLogForm(storedAs(planOf(task.logDatasetType)));
  }
  const packages = planOf(PACKAGES_DATASET_TYPE);
  requirePackagesForm(storedAs(packages), packages.path([], { column: () => undefined }));
}

/**
 * What turns metadata files into JSON text, by dataset type; those without one are JSON already.
 *
 * @throws {RepositoryError} as {@linkcode checkDocumentForms}.
 */
export async function metadataConverters(
  pipeline: PipelineGraph,
  planOf: PlanOf,
): Promise<Map<string, MetadataConverter>> {
  const converters = new Map<string, MetadataConverter>();
  for (const { metadataDatasetType: name } of pipeline.tasks.values()) {
    const converter = await metadataConverter(metadataForm(storedAs(planOf(name))));
    if (converter !== null) converters.set(name, converter);
  }
  return converters;
}
