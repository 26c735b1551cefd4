/**
 * The graph in the other datastores of a chain: each that takes `run_provenance` gets it, and backs by it
 * what it takes of logs, metadata and configs.
 *
 * Source: `schema/butler-repository.md`, section 1.6.
 *
 * @module
 */

import { NotFoundError, RefusedError } from "../base/errors.ts";
import type { DatastoreChain } from "../butler/datastore/datastore_chain.ts";
import { recordedPlace } from "../butler/datastore/recorded_file.ts";
import { PROVENANCE_FORMATTER } from "../butler/registry/provenance_dataset.ts";
import { provenancePath, provenanceType } from "../butler/registry/runs_inside.ts";
import type { DatasetBatch, OtherRecords } from "../butler/registry/registry.ts";
import type { Targets } from "../provenance/targets.ts";
import type { FileSource } from "../storage/file_source.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import type { GraphCopy, PreparedIngest } from "./prepared_ingest.ts";
import type { GraphPlaces } from "./remote/graph_places.ts";
import { pathInside, type TransferPlan } from "./transfer.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";

/** Positions of the datastores that take provenance graphs. */
export function takingGraphs(chain: DatastoreChain, repository: string): number[] {
  const { universe } = chain;
  const found = [...chain.members.keys()]
    .filter((i) => chain.members[i].mayAccept(provenanceType(universe)));
  if (found.length > 0) return found;
  throw new RefusedError(
    `Cannot ingest into "${repository}": constraints of its datastores reject run_provenance`,
    { hint: "let one that takes logs, metadata and configs accept it" },
  );
}

/** What is known of an ingest when its copies are planned. */
type CopyQuestion = Pick<
  PreparedIngest,
  "config" | "choice" | "options" | "registry" | "targets" | "verified" | "places"
>;

/**
 * Finds out how the graph gets into the other datastores.
 *
 * @throws {ProvgraphError} if it can't; nothing is changed.
 */
export async function planCopies(
  prepared: CopyQuestion,
  chain: DatastoreChain,
  others: readonly number[],
): Promise<GraphCopy[]> {
  const { config, choice, options, registry, targets, verified, places } = prepared;
  const copies: GraphCopy[] = [];
  for (const datastore of others) {
    const { root, checksum: hasChecksum } = config.datastores[datastore];
    const templatePath = provenancePath(chain.members[datastore], registry.universe, choice.run);
    const record = choice.registered === null ? undefined : (await registry.ofDatastore(datastore)
      .records(choice.registered.id)).find(({ component }) => component === null);
    let plan: TransferPlan;
    if (record === undefined) {
      const isFile = choice.given === null || !isRemoteUri(choice.given);
      const mode = choice.registered === null && isFile ? options.transfer : "copy";
      plan = {
        ...await places.plan(mode, verified.path, root, templatePath),
        deleteSource: false,
      };
    } else {
      plan = placedPlan(record.path, root, choice.path);
    }
    const isRegistered = record !== undefined;
    if (isRegistered) await requirePlaced(plan, choice.path, verified.source, places);
    const stamp = isRegistered ? await places.stampAt(plan.target) : null;
    const view = targets.withPlans(
      targets.types.map((type) => {
        const { plans, first } = chain.plan(type, choice.run);
        return plans[datastore] ?? { ...first, type, usesId: false, accepts: () => false };
      }),
    );
    copies.push({
      datastore,
      root,
      hasChecksum,
      targets: view,
      templatePath,
      plan,
      isRegistered,
      stamp,
    });
  }
  return copies;
}

/** How a graph is used that a record says is there. */
function placedPlan(recordPath: string, root: string, source: string): TransferPlan {
  const target = recordedPlace(recordPath, root).path;
  const backedRecordPath = pathInside(root, target);
  if (backedRecordPath === null) {
    throw new RefusedError(
      `Cannot back datasets by "${target}": it lies outside the datastore "${root}"`,
      {
        hint: "remove run_provenance from the RUN with the butler and ingest it with another mode",
      },
    );
  }
  return {
    source,
    target,
    graphRecordPath: recordPath,
    backedRecordPath,
    how: "in place",
    linkText: null,
    deleteSource: false,
  };
}

async function requirePlaced(
  { target }: TransferPlan,
  path: string,
  source: FileSource,
  places: GraphPlaces,
): Promise<void> {
  if (await places.isContentOf(target, source)) return;
  throw new NotFoundError(
    `Cannot use the graph in another datastore of the chain: "${target}" is not there, or is not ` +
      `the graph "${path}"`,
    {
      hint: isRemoteUri(target) || isRemoteUri(path)
        ? `copy "${path}" there and run the same command again`
        : `bring it back (cp "${path}" "${target}") and run the same command again`,
    },
  );
}

/** Puts the graph into the other datastores, durably. Idempotent. */
export async function carryOutCopies(
  copies: readonly GraphCopy[],
  places: GraphPlaces,
  source: FileSource,
  onPlaced: () => void,
): Promise<void> {
  for (const copy of copies) {
    if (copy.isRegistered) continue;
    places.removeLeftovers(absolutePath(copy.root, copy.templatePath));
    copy.stamp = await places.carryOut(copy.plan, source);
    onPlaced();
  }
}

/**
 * Looks whether the graph is still in the other datastores.
 *
 * @throws {EnvironmentError} if it isn't.
 */
export async function requireCopies(
  copies: readonly GraphCopy[],
  places: GraphPlaces,
): Promise<void> {
  for (const { plan, stamp } of copies) await places.require({ path: plan.target, stamp: stamp! });
}

/** What the other datastores are to record of the graph itself. */
export function graphRecords(
  copies: readonly GraphCopy[],
  fileSize: number,
  checksum: () => string,
): OtherRecords[] {
  return copies.map(({ datastore, plan, hasChecksum }) => ({
    datastore,
    paths: [plan.graphRecordPath],
    formatters: [PROVENANCE_FORMATTER],
    fileSize,
    checksum: hasChecksum ? checksum() : null,
  }));
}

/**
 * A batch of targets backed by the graph, in each datastore what that takes. What none takes is recorded
 * in the first, as where there is only one.
 *
 * @param batch As for the first datastore.
 * @param rows Targets of its rows.
 */
export function backedInCopies(
  batch: DatasetBatch,
  rows: readonly number[],
  targets: Targets,
  copies: readonly GraphCopy[],
  checksum: () => string,
): DatasetBatch {
  if (copies.length === 0) return batch;
  const isElsewhere = (target: number) => copies.some((copy) => copy.targets.isTaken(target));
  return {
    ...batch,
    paths: batch.paths.map((path, i) =>
      targets.isTaken(rows[i]) || !isElsewhere(rows[i]) ? path : null
    ),
    others: copies.map((copy) => ({
      datastore: copy.datastore,
      paths: rows.map((target) => copy.targets.isTaken(target) ? copy.plan.backedRecordPath : null),
      formatters: batch.formatters,
      fileSize: batch.fileSize,
      checksum: copy.hasChecksum ? checksum() : null,
    })),
  };
}

/**
 * Refuses an ingest after which logs, metadata or configs could not be read from a datastore that has
 * them, but not the graph.
 *
 * @param types Names of the dataset types that each datastore takes, by its name; none if it takes the
 *   graph.
 * @throws {RefusedError} that names them.
 */
export function refuseWithoutGraph(types: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [datastore, names] of types) {
    if (names.size === 0) continue;
    throw new RefusedError(
      `Cannot ingest: datastore "${datastore}" takes ${[...names].sort().join(", ")}, but its ` +
        "constraints reject run_provenance, so the graph that is to back these could not be in it",
      { hint: "let it accept run_provenance, or reject these, in the repository's configuration" },
    );
  }
}
