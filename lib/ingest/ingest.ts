/**
 * `ingest-graph`: makes a provenance graph the `run_provenance` of its RUN and the backing of the
 * RUN's metadata, log and config datasets.
 *
 * Order of effects, which is what makes every interruption resumable:
 *
 * 1. while `run_provenance` is absent: forget the datasets that the graph will back (files stay);
 * 2. put the graph into the datastore, durably, the source still there; register it;
 * 3. batch by batch: register datasets backed by the graph in one transaction, then delete originals;
 *    those in remote stores when all are registered;
 * 4. remove directories that became empty;
 * 5. delete the source of a move.
 *
 * Content is at every moment in the originals or in the registered graph. Which step is next follows
 * from the repository alone.
 *
 * @module
 */

import {
  ConflictingDatasetError,
  EnvironmentError,
  ProvgraphError,
  stopReason,
} from "../base/errors.ts";
import { StageClock } from "../base/stage_clock.ts";
import { tellLeftOut } from "../butler/config/ignored_datastores.ts";
import { openRepositoryConfig } from "../butler/config/open_repo_config.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { requireOpenFiles } from "../storage/open_files.ts";
import { Zstd } from "../codec/zstd.ts";
import { DeleterClient, N_WORKERS } from "./originals/deleter_client.ts";
import { GraphIngest } from "./graph_ingest.ts";
import { prepareIngest } from "./prepare_ingest.ts";
import type { PreparedIngest } from "./prepared_ingest.ts";
import {
  INGEST_STAGES,
  type IngestContext,
  type IngestOptions,
  type IngestSummary,
} from "./options.ts";
import { describeSystemError } from "../storage/file_errors.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";

/**
 * Ingests a graph, or finishes what an earlier process began.
 *
 * @throws {ProvgraphError} with the exit code that belongs to it. Whatever can be known to fail fails
 *   before anything is changed.
 */
export async function ingestGraph(
  options: IngestOptions,
  context: IngestContext,
): Promise<IngestSummary> {
  try {
    return await ingest(options, context);
  } catch (error) {
    const graph = options.graphPath ?? `of RUN ${options.outputRun}`;
    throw describeSystemError(`ingest graph "${graph}" into "${options.repository}"`, error);
  }
}

async function ingest(options: IngestOptions, context: IngestContext): Promise<IngestSummary> {
  const startMs = performance.now();
  const clock = new StageClock(INGEST_STAGES);
  const config = await openRepositoryConfig(options.repository, context.env);
  tellLeftOut(config, context.log);
  using deleter = startDeleters(config, context);
  const zstd = await Zstd.load();
  for (let round = 0;; round++) {
    clock.enter("check");
    await using prepared = round === 0
      ? await prepareIngest(options, config, zstd, context)
      : await prepareAgain(options, config, zstd, context);
    const ingest = new GraphIngest(prepared, context);
    const tell = () => {
      const { signal } = stopReason(context.signal);
      context.log.log("WARNING", `Caught ${signal}; finishing the batch in hand.`);
    };
    context.signal.addEventListener("abort", tell);
    try {
      if (options.isDryRun) await ingest.rehearse(deleter, clock);
      else await ingest.run(deleter, clock);
    } catch (error) {
      // Another process registered the graph between our look and our first step: look again.
      if (error instanceof ConflictingDatasetError && ingest.isOvertaken && round === 0) continue;
      throw error;
    } finally {
      context.signal.removeEventListener("abort", tell);
    }
    return {
      ...ingest.summary(),
      seconds: (performance.now() - startMs) / 1000,
      stageSeconds: clock.seconds(),
    };
  }
}

/** Originals in remote stores are deleted by requests of this thread. */
function startDeleters(config: RepositoryConfig, { makeWorker }: IngestContext): DeleterClient {
  if (config.datastores.every(({ root }) => isRemoteUri(root))) return DeleterClient.none();
  if (!isRemoteUri(config.configPath)) requireOpenFiles(config.configPath, N_WORKERS, false);
  return DeleterClient.start(makeWorker);
}

/**
 * Prepares once more, after another process has registered a graph: what is refused now may have
 * forgotten datasets before, so it doesn't end as if nothing had been changed.
 */
async function prepareAgain(
  ...args: Parameters<typeof prepareIngest>
): Promise<PreparedIngest> {
  try {
    return await prepareIngest(...args);
  } catch (error) {
    if (!(error instanceof ProvgraphError) || error.exitCode !== 2) throw error;
    throw new EnvironmentError(
      `Cannot go on, as another process was faster: ${error.message}`,
      { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) },
    );
  }
}
