/**
 * The versions of the packages that a run used, from its own document.
 *
 * @module
 */

import { EnvironmentError, UnusableFileError } from "../base/errors.ts";
import { graphDimensionRecords } from "../butler/dimensions/dimension_records.ts";
import { brokenFileReason } from "../provenance/broken_file.ts";
import { packagesJson } from "../provenance/documents/packages.ts";
import { PACKAGES_DATASET_TYPE } from "../qg/pipeline_graph.ts";
import type { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import { readWholeFile, ReusableBuffer } from "../storage/file_source.ts";
import type { KnownState } from "./scan/known_state.ts";
import type { ScanFiles } from "./scan/scan_files.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import type { ScanProblem } from "./scan/scan_problem.ts";

/** Largest document that is read, bytes; thousands of packages take some hundred kilobytes. */
const MAX_PACKAGES_SIZE = 2 ** 26;

/**
 * Text of the `packages` member of a graph.
 *
 * @param files Those of the datastores.
 * @returns also what is wrong with the document, if it can't be used; null if it can, or there is none.
 */
export function readPackages(
  config: RepositoryConfig,
  graph: PredictedGraph,
  known: KnownState,
  files: ScanFiles,
): { text: Uint8Array; problem: ScanProblem | null } {
  const type = known.types.types[known.types.indexOf(PACKAGES_DATASET_TYPE)];
  const { plans, first } = known.datastores.plan(type, graph.header.output_run);
  const records = graphDimensionRecords(known.universe, new Map());
  let path = first.path([], records);
  const problem = (reason: string): ScanProblem => ({
    quantumId: graph.initQuanta().find(({ taskLabel }) => taskLabel === "")?.quantumId ?? "",
    taskLabel: "",
    path,
    reason,
    isBroken: true,
  });
  let bytes: Uint8Array | null;
  try {
    bytes = null;
    for (const [i, plan] of plans.entries()) {
      if (bytes !== null || plan === null || (plans.length > 1 && !plan.accepts([]))) continue;
      const { root } = config.datastores[i];
      path = plan.path([], records);
      bytes = readDocument(root, path, files);
      const older = bytes === null ? plan.olderPath([], records) : null;
      if (older !== null && (bytes = readDocument(root, older, files)) !== null) path = older;
    }
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    // What can't be a file is told by the scan of the init quanta already.
    const isTold = error instanceof UnusableFileError;
    return { text: packagesJson(null).text, problem: isTold ? null : problem(error.message) };
  }
  const { text, isBroken } = packagesJson(bytes && new TextDecoder().decode(bytes));
  const reason = "it is not a mapping of versions";
  return {
    text,
    problem: isBroken ? problem(brokenFileReason(bytes!, new Error(reason))) : null,
  };
}

/** Bytes of a document by its path in the datastore, null if nothing is there. */
function readDocument(root: string, path: string, files: ScanFiles): Uint8Array | null {
  const file = absolutePath(root, path);
  if (files.mayMiss) return files.read(file, new ReusableBuffer())?.bytes ?? null;
  return readWholeFile(file, new ReusableBuffer(), MAX_PACKAGES_SIZE)?.bytes ?? null;
}
