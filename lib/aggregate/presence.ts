/**
 * Telling a run that left nothing from one whose files can't be seen. Absence of everything is mostly a
 * disk that isn't mounted, a copy of the repository without its files, or a graph that was never executed:
 * recorded as failures of all quanta it would look like a result.
 *
 * @module
 */

import { absolutePath } from "../butler/datastore/datastore_path.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import type { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import type { CommonScannerSetup } from "./messages.ts";
import { NothingFoundError } from "./problems.ts";
import type { AggregationFiles } from "./remote_files.ts";
import { isDirectory } from "../storage/path_kind.ts";
import { PlannedOutputs } from "./scan/planned_outputs.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";

/** How users say that there may be nothing. */
const ALLOW = "if the run has left nothing indeed, say --allow-empty";

/**
 * Looks whether the roots of datastores are there.
 *
 * @param stored Remote ones; null if there are none.
 * @param isEmptyAllowed Whether they may be absent.
 * @throws {NothingFoundError} if it is not.
 * @throws {EnvironmentError} if that can't be found out.
 */
export async function requireDatastore(
  { argument, datastores }: RepositoryConfig,
  stored: AggregationFiles | null,
  isEmptyAllowed: boolean,
): Promise<void> {
  // Where a store doesn't answer, nothing is absent.
  const missing = await stored?.missingRoots() ?? [];
  if (isEmptyAllowed) return;
  for (const { root } of datastores) {
    if (isRemoteUri(root) ? !missing.includes(root) : isDirectory(root)) continue;
    throw new NothingFoundError(
      `Cannot look for the files of quanta: the root of the datastore of "${argument}", ` +
        `"${root}", is not there or is no directory`,
      { hint: `mount it, or correct "root" in the repository's configuration; ${ALLOW}` },
    );
  }
}

/**
 * Words that not one log or metadata file was found.
 *
 * @param nQuanta Quanta that were looked at; 0 if there was no need to, as the RUN has no folder.
 */
export function nothingFound(
  { argument, datastore }: RepositoryConfig,
  run: string,
  nQuanta: number,
): NothingFoundError {
  const folder = absolutePath(datastore.root, run);
  const state = isRemoteUri(folder)
    ? "though the store answers"
    : isDirectory(folder)
    ? `though the folder of the RUN, "${folder}", is there`
    : `and there is no folder "${folder}"`;
  return new NothingFoundError(
    `Cannot tell what became of RUN "${run}" of "${argument}": ` +
      (nQuanta === 0
        ? `there is no folder "${folder}"`
        : `${nQuanta} quanta were looked at and not one has a log or metadata file, ${state}`),
    {
      hint:
        "see whether the disk is mounted, the repository is the one in which the run was executed, " +
        `and the graph is that of the run; ${ALLOW}`,
    },
  );
}

/**
 * Looks whether the folder of the RUN is there, if file templates put its files into one. Before anything
 * else: whoever scans a share of the quanta alone can't tell otherwise whether there is anything.
 *
 * @param index May be empty: a run of no quanta needs no folder.
 * @throws {NothingFoundError} if it is not.
 */
export async function requireRunFolder(
  config: RepositoryConfig,
  graph: PredictedGraph,
  index: GraphIndex,
  { scanner, stored }: { scanner: CommonScannerSetup; stored: AggregationFiles | null },
): Promise<void> {
  const { output_run: run } = graph.header;
  if (index.nQuanta === 0) return;
  const isLocal = (root: string) => !isRemoteUri(root);
  const local = config.datastores.filter(({ root }) => isLocal(root));
  if (local.some(({ root }) => isDirectory(absolutePath(root, run)))) return;
  if (await stored?.hasAnyBelow(run)) return;
  const { blockOffset, blockSize } = index.arrays;
  const text = graph.readBlock(blockOffset[0], blockSize[0]);
  const setup = { kind: "setup", name: "supervisor", table: null, ...scanner } as const;
  // Nothing is there: it only matters where it would be.
  const outputs = new PlannedOutputs(setup, graph, () => false)
    .of(graph.parseBlock(text, blockOffset[0]));
  const paths = outputs.flatMap(({ path, places }) => places?.records ?? [path]);
  if (!paths.some((path) => path?.startsWith(`${run}/`))) return;
  throw nothingFound(config, run, 0);
}
