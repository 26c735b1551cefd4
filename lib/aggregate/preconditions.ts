/**
 * Everything about a repository that would stop an aggregation later, found out while nothing is
 * changed.
 *
 * @module
 */

import { ConflictingDefinitionError, RefusedError, UsageError } from "../base/errors.ts";
import { DatastoreChain } from "../butler/datastore/datastore_chain.ts";
import { openRegistry } from "../butler/registry/open.ts";
import type { Registry } from "../butler/registry/registry.ts";
import { OutputTypes } from "../provenance/output_types.ts";
import type { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import type { AggregateContext, AggregateOptions } from "./options.ts";
import { checkDocumentForms } from "./scan/document_readers.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import type { KnownState } from "./scan/known_state.ts";

/** Who is told of a wait for a lock, and may end it. */
type LockWaitContext = Pick<AggregateContext, "log" | "signal">;

function openForReading(
  config: RepositoryConfig,
  { busyTimeoutMs }: AggregateOptions,
  { log, signal }: LockWaitContext,
): Promise<Registry> {
  return openRegistry(config, { writeable: false, busyTimeoutMs, log, signal });
}

/** Everything that would stop the ingester later is found out now, while nothing is changed. */
export async function checkRepository(
  config: RepositoryConfig,
  graph: PredictedGraph,
  options: AggregateOptions,
  context: LockWaitContext,
): Promise<KnownState> {
  await using registry = await openForReading(config, options, context);
  const { output_run: run, output, inputs } = graph.header;
  await refuseIngestedRun(registry, run, config);
  const types = new OutputTypes(graph.pipelineGraph(), registry.universe);
  const datastores = new DatastoreChain(config, registry.universe, options);
  checkDocumentForms(
    graph.pipelineGraph(),
    (name) => datastores.plan(types.types[types.indexOf(name)], run).first,
  );
  const areRegistered: boolean[] = [];
  for (const type of types.types) {
    datastores.plan(type, run);
    const state = await registry.checkDatasetType(type);
    if (state === "absent" && !options.registerDatasetTypes && !options.isDryRun) {
      throw new UsageError(
        `Cannot ingest into "${config.argument}": dataset type "${type.name}" is not registered`,
        { hint: "leave out --no-register-dataset-types" },
      );
    }
    areRegistered.push(state !== "absent");
  }
  await requireType(registry, run, "RUN");
  if (options.updateOutputChain && output !== null) {
    await requireType(registry, output, "CHAINED");
    if (await registry.findCollection(output) === null) await registry.flattenCollections(inputs);
  }
  const collection = await registry.findCollection(run);
  return {
    universe: registry.universe,
    ids: collection === null ? new Uint8Array(0) : await registry.datasetIds(run),
    datastores,
    types,
    areRegistered,
  };
}

/**
 * Looks once more whether the RUN was ingested meanwhile.
 *
 * @throws {RefusedError} if it holds `run_provenance`.
 */
export async function refuseIfIngested(
  config: RepositoryConfig,
  run: string,
  options: AggregateOptions,
  context: LockWaitContext,
): Promise<void> {
  await using registry = await openForReading(config, options, context);
  await refuseIngestedRun(registry, run, config);
}

async function refuseIngestedRun(
  registry: Registry,
  run: string,
  config: RepositoryConfig,
): Promise<void> {
  if (await registry.findCollection(run) === null) return;
  if (await registry.findRunProvenance(run) === null) return;
  throw new RefusedError(
    `Cannot aggregate into RUN "${run}" of "${config.argument}": it holds run_provenance, so its ` +
      "logs and metadata are in the provenance graph now, and every quantum would look failed",
    { hint: "process into another RUN; this one is complete" },
  );
}

async function requireType(
  registry: Registry,
  name: string,
  type: "RUN" | "CHAINED",
): Promise<void> {
  const found = await registry.findCollection(name);
  if (found === null || found.type === type) return;
  throw new ConflictingDefinitionError(
    `Cannot use collection "${name}" as ${type}: it is a ${found.type} collection`,
  );
}
