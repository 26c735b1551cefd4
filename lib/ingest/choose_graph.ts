/**
 * Finds out which file is the graph to be ingested, and whether it is registered already. Changes
 * nothing. Source: design notes, section 4.
 *
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  InvalidQuantumGraphFileError,
  NotFoundError,
  RefusedError,
  UsageError,
} from "../base/errors.ts";
import { absolutePath } from "../butler/datastore.ts";
import { RUN_PROVENANCE } from "../butler/provenance_dataset.ts";
import type { Registry } from "../butler/registry.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { requireOutputRun } from "../qg/header.ts";
import { fileIdentity, FileSource } from "../store/file_source.ts";
import type { Zstd } from "../store/zstd.ts";
import type { IngestOptions } from "./options.ts";
import { isSameFile, pathInside, type TransferPlan } from "./transfer.ts";

/** The graph that is to be ingested, and what the registry knows of it. */
export interface GraphChoice {
  run: string;
  /** Absolute path of the file to read. */
  path: string;
  /** Record of `run_provenance`, null while it isn't registered. */
  recordPath: string | null;
  /** Path as given, if the file is there. */
  given: string | null;
}

/** Finds out which file is the graph and whether it is registered. */
export async function chooseGraph(
  options: IngestOptions,
  config: RepositoryConfig,
  registry: Registry,
  templatePath: (run: string) => string,
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
  const given = graphPath === null ? null : resolve(graphPath);
  const isThere = given !== null && fileIdentity(given) !== null;
  if (given !== null && isThere) {
    const header = await readHeader(given, zstd);
    const run = requireOutputRun(header, given);
    if (outputRun !== null && outputRun !== run) {
      throw new RefusedError(
        `Cannot ingest graph "${graphPath}": it is of RUN "${run}", not of "${outputRun}"`,
        { hint: `give --output-run "${run}" or leave the option out` },
      );
    }
    await requireRun(registry, run, config);
    const found = await registry.findRunProvenance(run);
    if (found === null) return { run, path: given, recordPath: null, given };
    const path = recordedFile(found.record.path, root);
    await requireSameGraph(given, path, run, zstd);
    return { run, path, recordPath: found.record.path, given };
  }
  if (outputRun === null) {
    throw await absentGraph(graphPath!, registry);
  }
  await requireRun(registry, outputRun, config);
  const found = await registry.findRunProvenance(outputRun);
  if (found !== null) {
    const path = recordedFile(found.record.path, root);
    return { run: outputRun, path, recordPath: found.record.path, given: null };
  }
  // A move that was cut between file and database leaves the graph where the template puts it.
  const path = absolutePath(root, templatePath(outputRun));
  if (fileIdentity(path) === null) {
    throw new NotFoundError(
      `Cannot find the provenance graph of RUN "${outputRun}" in "${config.argument}": ` +
        "none is registered" + (graphPath === null ? "" : `, and "${graphPath}" doesn't exist`),
      { hint: "give the graph file that aggregate-graph wrote" },
    );
  }
  const { output_run: run } = await readHeader(path, zstd);
  if (run !== outputRun) {
    throw new RefusedError(`Cannot use graph "${path}": it is of RUN "${run}", not "${outputRun}"`);
  }
  return { run, path, recordPath: null, given: null };
}

/** RUNs named in a hint. */
const MAX_RUNS = 5;

/**
 * The error for a graph that isn't there. `ingest-graph` leaves nothing where it moves a graph from, so
 * only the RUNs that have one can be named.
 */
async function absentGraph(graphPath: string, registry: Registry): Promise<NotFoundError> {
  const runs = await registry.runsWithDatasetType(RUN_PROVENANCE);
  const names = runs.slice(0, MAX_RUNS).map((run) => `"${run}"`).join(", ");
  return new NotFoundError(`Cannot find graph "${graphPath}": no such file`, {
    hint: runs.length === 0
      ? "the repository holds no provenance graph yet: give the file that aggregate-graph wrote"
      : "if it was moved into the repository, it is the run_provenance of its RUN there: give " +
        `--output-run RUN instead; ${runs.length} RUNs have one, ${names}` +
        (runs.length > MAX_RUNS ? ", ..." : ""),
  });
}

async function readHeader(path: string, zstd: Zstd): Promise<ProvenanceGraph["header"]> {
  using graph = await ProvenanceGraph.open(FileSource.open(path), zstd);
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

/** Absolute path of a record, which is relative to the root or a `file:` URI. */
function recordedFile(recordPath: string, root: string): string {
  if (recordPath.startsWith("file:")) return fileURLToPath(recordPath);
  return isAbsolute(recordPath) ? recordPath : absolutePath(root, recordPath);
}

/** The given graph must be the registered one: by identity, else by its header and size. */
async function requireSameGraph(
  given: string,
  registered: string,
  run: string,
  zstd: Zstd,
): Promise<void> {
  if (isSameFile(given, registered)) return;
  const [a, b] = [await readHeader(given, zstd), await readHeader(registered, zstd)];
  const sizes = [Deno.statSync(given).size, Deno.statSync(registered).size];
  if (a.provenance_dataset_id === b.provenance_dataset_id && sizes[0] === sizes[1]) return;
  throw new RefusedError(
    `Cannot ingest graph "${given}": RUN "${run}" has another provenance graph already, ` +
      `"${registered}"`,
    { hint: `give --output-run "${run}" without a graph to finish with that one` },
  );
}

/** The transfer of a graph that is in the datastore already. */
export function ingestedPlan(choice: GraphChoice, config: RepositoryConfig): TransferPlan {
  const { root } = config.datastore;
  const backedRecordPath = pathInside(root, choice.path);
  if (backedRecordPath === null) {
    throw new RefusedError(
      `Cannot back datasets by "${choice.path}": it lies outside the datastore "${root}"`,
      {
        hint: "provgraph check REPO --run RUN has the commands that bring it inside",
      },
    );
  }
  return {
    source: choice.path,
    target: choice.path,
    graphRecordPath: choice.recordPath!,
    backedRecordPath,
    how: "in place",
    linkText: null,
    deleteSource: false,
  };
}
