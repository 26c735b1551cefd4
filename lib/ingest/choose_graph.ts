/**
 * Finds out which file is the graph to be ingested, and whether it is registered already. Changes
 * nothing.
 *
 * @module
 */

import { resolve } from "node:path";
import {
  InvalidQuantumGraphFileError,
  NotFoundError,
  RefusedError,
  UsageError,
} from "../base/errors.ts";
import { recordedPlace } from "../butler/datastore/recorded_file.ts";
import type { RegisteredProvenance, Registry } from "../butler/registry/registry.ts";
import { RUN_PROVENANCE } from "../butler/registry/provenance_dataset.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { fileIdentity, FileSource } from "../storage/file_source.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import type { Zstd } from "../codec/zstd.ts";
import type { GraphChoice } from "./prepared_ingest.ts";
import type { GraphPlaces } from "./remote/graph_places.ts";
import type { IngestOptions } from "./options.ts";
import { isSameFile, pathInside, type TransferPlan } from "./transfer.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";

/** Finds out which file is the graph and whether it is registered. */
export async function chooseGraph(
  options: IngestOptions,
  config: RepositoryConfig,
  registry: Registry,
  templatePath: (run: string) => string,
  places: GraphPlaces,
  zstd: Zstd,
): Promise<GraphChoice> {
  const { root } = config.datastore;
  const { graphPath, outputRun } = options;
  if (graphPath === null && outputRun === null) {
    throw new UsageError(
      "Cannot ingest: neither a graph nor --output-run is given",
      {
        hint: "give the graph file, or --output-run RUN to finish with the graph already ingested",
      },
    );
  }
  const given = graphPath === null || isRemoteUri(graphPath) ? graphPath : resolve(graphPath);
  if (given !== null && await isFileThere(given, places)) {
    const header = await readHeader(given, zstd, places);
    const run = header.output_run;
    if (outputRun !== null && outputRun !== run) {
      throw new RefusedError(
        `Cannot ingest graph "${graphPath}": it is of RUN "${run}", not of "${outputRun}"`,
        { hint: `give --output-run "${run}" or leave the option out` },
      );
    }
    await requireRun(registry, run, config);
    const found = await registry.findRunProvenance(run);
    if (found === null) return { run, path: given, registered: null, given };
    const path = registeredPath(found, config);
    await requireSameGraph(given, path, run, places, zstd);
    return { run, path, registered: found, given };
  }
  if (outputRun === null) {
    throw new NotFoundError(
      `Cannot find graph "${graphPath}": no such file`,
      { hint: await whereItMayBe(registry, config) },
    );
  }
  await requireRun(registry, outputRun, config);
  const found = await registry.findRunProvenance(outputRun);
  if (found !== null) {
    const path = registeredPath(found, config);
    return { run: outputRun, path, registered: found, given: null };
  }
  // A move that was cut between file and database leaves the graph where the template puts it.
  const path = absolutePath(root, templatePath(outputRun));
  if (await places.stampAt(path) === null) {
    throw new NotFoundError(
      `Cannot find the provenance graph of RUN "${outputRun}" in "${config.argument}": ` +
        "none is registered" + (graphPath === null ? "" : `, and "${graphPath}" doesn't exist`),
      { hint: "give the graph file that aggregate-graph wrote" },
    );
  }
  const { output_run: run } = await readHeader(path, zstd, places);
  if (run !== outputRun) {
    throw new RefusedError(`Cannot use graph "${path}": it is of RUN "${run}", not "${outputRun}"`);
  }
  return { run, path, registered: null, given: null };
}

async function isFileThere(given: string, places: GraphPlaces): Promise<boolean> {
  return isRemoteUri(given) ? await places.stampAt(given) !== null : fileIdentity(given) !== null;
}

/** Absolute path of a registered graph, or its place in a remote store. */
function registeredPath(
  { record, datastore }: RegisteredProvenance,
  { datastores }: RepositoryConfig,
): string {
  return recordedPlace(record.path, datastores[datastore].root).path;
}

/** RUNs that a hint names; a repository may have thousands. */
const MAX_NAMED_RUNS = 3;

/** What to do about a graph that isn't there: an earlier command may have moved it into the datastore. */
async function whereItMayBe(registry: Registry, config: RepositoryConfig): Promise<string> {
  const runs = await registry.runsWithDatasetType(RUN_PROVENANCE);
  if (runs.length === 0 || runs.length > MAX_NAMED_RUNS) {
    return "if it has been ingested already, it was moved into the datastore: give --output-run RUN instead";
  }
  const places: string[] = [];
  for (const run of runs) {
    const found = await registry.findRunProvenance(run);
    if (found === null) continue;
    places.push(`that of RUN "${run}" is "${registeredPath(found, config)}"`);
  }
  return `if it has been ingested already, it was moved into the datastore: ${
    places.join(", ")
  }; to go ` +
    `on with it, give --output-run RUN instead`;
}

/**
 * RUN of a graph.
 *
 * @throws as {@linkcode chooseGraph} for a file that is no provenance graph.
 */
export async function graphRun(path: string, zstd: Zstd): Promise<string> {
  return (await readHeader(path, zstd)).output_run;
}

async function readHeader(
  path: string,
  zstd: Zstd,
  places: GraphPlaces | null = null,
): Promise<ProvenanceGraph["header"]> {
  const source = places === null ? FileSource.open(path) : await places.openToRead(path);
  using graph = await ProvenanceGraph.open(source, zstd);
  if (graph.header.provenance_dataset_id === "") {
    throw new InvalidQuantumGraphFileError(
      `Cannot ingest graph "${path}": its header has no provenance_dataset_id`,
    );
  }
  return graph.header;
}

async function requireRun(
  registry: Registry,
  run: string,
  config: RepositoryConfig,
): Promise<void> {
  const collection = await registry.findCollection(run);
  if (collection === null) {
    throw new NotFoundError(
      `Cannot ingest into RUN "${run}" of "${config.argument}": no such collection`,
      { hint: "run aggregate-graph first" },
    );
  }
  if (collection.type !== "RUN") {
    throw new RefusedError(`Cannot ingest into "${run}": it is a ${collection.type} collection`);
  }
}

/** The given graph must be the registered one: the same file, or the same bytes. */
async function requireSameGraph(
  given: string,
  registered: string,
  run: string,
  places: GraphPlaces,
  zstd: Zstd,
): Promise<void> {
  if (given === registered) return;
  const areHere = !isRemoteUri(given) && !isRemoteUri(registered);
  if (areHere && isSameFile(given, registered)) return;
  using fetched = new DisposableStack();
  const { path, copy } = await places.fetch(given);
  if (copy !== null) fetched.use(copy);
  const source = fetched.use(FileSource.open(path, given));
  if (await places.isContentOf(registered, source)) return;
  const here = source.size;
  const there = (await places.stampAt(registered))?.size;
  if (there === undefined) {
    throw new NotFoundError(
      `Cannot go on with the ingest of RUN "${run}": its registered graph "${registered}" is not there`,
      { hint: "bring the file back, or see to it that its disk is mounted" },
    );
  }
  if (here === there && await haveSameHeader(given, registered, places, zstd)) {
    throw new RefusedError(
      `Cannot ingest graph "${given}": the registered graph of RUN "${run}", "${registered}", has its ` +
        "header and size, but other bytes: one of them is damaged, or they were made at different times",
      {
        hint:
          `provgraph check FILE --read-data tells whether one is damaged; give --output-run "${run}" ` +
          "without a graph to finish with the registered one",
      },
    );
  }
  throw new RefusedError(
    `Cannot ingest graph "${given}": RUN "${run}" has another provenance graph already, ` +
      `"${registered}"`,
    { hint: `give --output-run "${run}" without a graph to finish with that one` },
  );
}

async function haveSameHeader(
  given: string,
  registered: string,
  places: GraphPlaces,
  zstd: Zstd,
): Promise<boolean> {
  try {
    const headerA = await readHeader(given, zstd, places);
    const headerB = await readHeader(registered, zstd, places);
    return headerA.provenance_dataset_id === headerB.provenance_dataset_id;
  } catch (error) {
    if (error instanceof InvalidQuantumGraphFileError) return false;
    throw error;
  }
}

/** The transfer of a graph that is in the datastore already. */
export function ingestedPlan(choice: GraphChoice, config: RepositoryConfig): TransferPlan {
  const { root } = config.datastore;
  const backedRecordPath = pathInside(root, choice.path);
  if (backedRecordPath === null) {
    throw new RefusedError(
      `Cannot back datasets by "${choice.path}": it lies outside the datastore "${root}"`,
      {
        hint: "remove run_provenance from the RUN with the butler and ingest it with another mode",
      },
    );
  }
  return {
    source: choice.path,
    target: choice.path,
    graphRecordPath: choice.registered!.record.path,
    backedRecordPath,
    how: "in place",
    linkText: null,
    deleteSource: false,
  };
}
