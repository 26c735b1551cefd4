/**
 * `ingest-graph --undo`: makes datasets that a RUN's provenance graph backs be backed by their original
 * files again, as `aggregate-graph` has left them, and takes the graph out of the RUN. Originals that were
 * deleted are made again out of the graph.
 *
 * Order of effects, each of which may be done twice: batch by batch, originals that are missing are written
 * and synced, then the datasets' records name them, in one transaction; when no dataset is backed by the
 * graph any more, `run_provenance` is forgotten; then the graph's file gets the name that was given for it,
 * and only then loses the one in the datastore. So content is at every moment in the graph, registered or
 * not, and that is never deleted. See `schema/resume.md`.
 *
 * @module
 */

import { InterruptedError, RefusedError, stopReason, UsageError } from "../base/errors.ts";
import { nextTurn } from "../base/next_turn.ts";
import { dirname } from "../base/paths.ts";
import { UUID_SIZE, uuidToText } from "../base/uuid.ts";
import { tellLeftOut } from "../butler/config/ignored_datastores.ts";
import { openRepositoryConfig } from "../butler/config/open_repo_config.ts";
import { Zstd } from "../codec/zstd.ts";
import { TargetState } from "../provenance/targets.ts";
import { failpoint } from "../storage/failpoints.ts";
import { fileIdentity } from "../storage/file_source.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { graphRun } from "./choose_graph.ts";
import type { IngestContext, IngestOptions, UndoSummary } from "./options.ts";
import { EmptyDirectories } from "./originals/empty_directories.ts";
import { prepareIngest } from "./prepare_ingest.ts";
import type { PreparedIngest } from "./prepared_ingest.ts";
import { copyGraphTo, putGraphBack } from "./transfer.ts";
import { UndoBatches } from "./undo_batches.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import { describeSystemError } from "../storage/file_errors.ts";

/** What is to be undone; names as on the command line. */
export interface UndoOptions {
  repository: string;
  /** Where the graph's file is to be put; null leaves it in the datastore. */
  graphPath: string | null;
  /** Null: that of the graph. */
  outputRun: string | null;
  batchSize: number;
  isDryRun: boolean;
  busyTimeoutMs?: number;
}

/**
 * Undoes an ingest, or goes on with that.
 *
 * @throws {ProvgraphError} with the exit code that belongs to it. Whatever can be known to fail fails
 *   before anything is changed.
 */
export async function undoIngest(
  options: UndoOptions,
  context: Omit<IngestContext, "makeWorker">,
): Promise<UndoSummary> {
  try {
    return await undo(options, context);
  } catch (error) {
    throw describeSystemError(`undo the ingest into "${options.repository}"`, error);
  }
}

async function undo(
  options: UndoOptions,
  context: Omit<IngestContext, "makeWorker">,
): Promise<UndoSummary> {
  const startMs = performance.now();
  const config = await openRepositoryConfig(options.repository, context.env);
  tellLeftOut(config, context.log);
  const zstd = await Zstd.load();
  const run = await chooseRun(options, zstd);
  // Of each datastore, where directories are more than parts of names; only the graph's own directory goes, which is no other RUN's.
  const directories = config.datastores.map(({ root }) =>
    new EmptyDirectories(root, { owner: () => null })
  );
  const summary = await withPrepared(options, config, zstd, context, run, directories);
  // Only now, as the lock lies there as well.
  for (const [i, each] of options.isDryRun ? [] : directories.entries()) {
    if (!isRemoteUri(config.datastores[i].root)) await each.remove();
  }
  return { ...summary, seconds: (performance.now() - startMs) / 1000 };
}

/** The RUN that is meant. */
async function chooseRun({ graphPath, outputRun }: UndoOptions, zstd: Zstd): Promise<string> {
  if (outputRun !== null) return outputRun;
  if (graphPath !== null && fileIdentity(graphPath) !== null) {
    return await graphRun(graphPath, zstd);
  }
  throw new UsageError("Cannot undo an ingest: it isn't said of which RUN", {
    hint: "give --output-run RUN",
  });
}

async function withPrepared(
  options: UndoOptions,
  config: RepositoryConfig,
  zstd: Zstd,
  context: Omit<IngestContext, "makeWorker">,
  run: string,
  directories: readonly EmptyDirectories[],
): Promise<Omit<UndoSummary, "seconds">> {
  const { graphPath } = options;
  const isThere = graphPath !== null && fileIdentity(graphPath) !== null;
  await using prepared = await prepareIngest(
    ingestOptions(options, run, isThere),
    config,
    zstd,
    context,
  );
  const { registry, choice, places } = prepared;
  const stored = await storedGraph(prepared);
  requireIngested(prepared, stored);
  await requireOnlyTargets(prepared);
  const batches = await UndoBatches.begin(prepared);
  while (await batches.next(options.batchSize)) {
    await stopIfAsked(context.signal, batches.nRegistered);
    await prepared.requireUnchanged();
    await batches.restore(options.isDryRun);
    if (!options.isDryRun) await batches.register();
  }
  const result = { run, ...batches.counts(), graphPath: graphPath ?? choice.path };
  if (options.isDryRun) return result;
  await stopIfAsked(context.signal, batches.nRegistered);
  // What killed processes left there would keep its directory.
  places.removeLeftovers(
    absolutePath(prepared.config.datastore.root, prepared.templatePath(run)),
  );
  for (const { root, templatePath } of prepared.copies) {
    places.removeLeftovers(absolutePath(root, templatePath));
  }
  await forgetUnproduced(prepared);
  if (choice.registered !== null) await registry.forgetDatasets(choice.registered.id);
  failpoint("undo.unregistered");
  await removeCopies(prepared, graphPath, directories);
  if (graphPath === null || stored === null) return result;
  await putBack(prepared, stored, graphPath);
  failpoint("undo.graph-moved");
  const templatePath = prepared.templatePath(run);
  if (stored === absolutePath(prepared.config.datastore.root, templatePath)) {
    noteDirectory(directories[prepared.datastore], templatePath);
  }
  return result;
}

function noteDirectory(directories: EmptyDirectories, templatePath: string): void {
  const directory = dirname(templatePath);
  directories.add(templatePath, dirname(directory), directory.split("/").at(-1)!);
}

/**
 * Removes the graph from the other datastores of a chain, where an ingest has put it: nothing names it any
 * more, and the first has it.
 *
 * @param given Where the user wants to have it, or null.
 */
async function removeCopies(
  { copies, places, verified }: PreparedIngest,
  given: string | null,
  directories: readonly EmptyDirectories[],
): Promise<void> {
  for (const { datastore, root, templatePath, plan } of copies) {
    const own = absolutePath(root, templatePath);
    if (plan.target !== own || given === own) continue;
    if (!await places.isContentOf(own, verified.source)) continue;
    await places.remove(own);
    noteDirectory(directories[datastore], templatePath);
  }
}

/** The graph in the datastore: registered or not, as a killed process leaves it. */
async function storedGraph(
  { choice, config, templatePath, places, verified }: PreparedIngest,
): Promise<string | null> {
  if (choice.registered !== null) return choice.path;
  const path = absolutePath(config.datastore.root, templatePath(choice.run));
  return await places.isContentOf(path, verified.source) ? path : null;
}

/** Gives the graph the name that it is to have, and only then takes the one in the datastore from it. */
async function putBack(
  { places, verified }: PreparedIngest,
  stored: string,
  graphPath: string,
): Promise<void> {
  if (!isRemoteUri(stored)) return putGraphBack(stored, graphPath, verified.source);
  copyGraphTo(graphPath, verified.source);
  // It was compared when the undo began, which may be long ago.
  if (await places.isContentOf(stored, verified.source)) await places.remove(stored);
}

/** Something must have been begun: the graph be in the datastore, or datasets not be registered. */
function requireIngested(
  { choice, targets, options }: PreparedIngest,
  stored: string | null,
): void {
  if (stored !== null) return;
  for (let target = 0; target < targets.n; target++) {
    if (targets.produced[target] === 1 && targets.state[target] === TargetState.ABSENT) return;
  }
  throw new RefusedError(
    `Cannot undo the ingest of RUN "${choice.run}" in "${options.repository}": nothing of graph ` +
      `"${choice.path}" is ingested there`,
  );
}

function ingestOptions(options: UndoOptions, run: string, isThere: boolean): IngestOptions {
  return {
    repository: options.repository,
    graphPath: isThere ? options.graphPath : null,
    outputRun: run,
    transfer: "copy",
    batchSize: options.batchSize,
    inPlace: true,
    resume: false,
    isDryRun: options.isDryRun,
    allowEmpty: true,
    busyTimeoutMs: options.busyTimeoutMs,
  };
}

/** Between two batches. Signals are noticed only when the event loop gets a turn. */
async function stopIfAsked(signal: AbortSignal, nRegistered: number): Promise<void> {
  await nextTurn();
  if (!signal.aborted) return;
  const reason = stopReason(signal);
  throw new InterruptedError(
    `Stopped by ${reason.signal}; kept: ${nRegistered} datasets are backed by their originals again`,
    reason,
    { hint: "run the same command again to continue; without --undo, to ingest after all" },
  );
}

/** Whatever else is backed by the graph would be left without content. */
async function requireOnlyTargets(
  prepared: PreparedIngest,
): Promise<void> {
  const { datastore, plan, copies } = prepared;
  await requireOnlyTargetsIn(prepared, datastore, plan.backedRecordPath);
  for (const copy of copies) {
    await requireOnlyTargetsIn(prepared, copy.datastore, copy.plan.backedRecordPath);
  }
}

async function requireOnlyTargetsIn(
  { registry, targets, choice }: PreparedIngest,
  datastore: number,
  path: string,
): Promise<void> {
  for await (const ids of registry.ofDatastore(datastore).datasetIdsStoredAt(path)) {
    for (let at = 0; at < ids.length; at += UUID_SIZE) {
      if (targets.find(ids, at) >= 0) continue;
      const text = uuidToText(ids, at);
      if (choice.registered !== null && text === uuidToText(choice.registered.id)) continue;
      throw new RefusedError(
        `Cannot undo the ingest of RUN "${choice.run}": dataset ${text} is backed by its graph as well, ` +
          "which knows nothing of it",
        { hint: "remove that dataset with the butler, or ask who registered it" },
      );
    }
  }
}

/** Datasets without content that another tool has registered as backed by the graph. */
async function forgetUnproduced({ registry, targets }: PreparedIngest): Promise<void> {
  const found: Uint8Array[] = [];
  for (let target = 0; target < targets.n; target++) {
    if (targets.produced[target] === 1 || targets.state[target] !== TargetState.DONE) continue;
    found.push(targets.id(target));
  }
  const ids = new Uint8Array(found.length * UUID_SIZE);
  found.forEach((id, i) => ids.set(id, i * UUID_SIZE));
  if (found.length > 0) await registry.forgetDatasets(ids);
}
