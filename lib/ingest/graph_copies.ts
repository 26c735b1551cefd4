/**
 * The graph in the other datastores of a chain: each that takes `run_provenance` gets it, and backs by it
 * what it takes of logs, metadata and configs.
 *
 * Source: `schema/butler-repository.md`, section 1.6.
 *
 * @module
 */

import { NotFoundError, RefusedError } from "../base/errors.ts";
import type { RepositoryConfig } from "../butler/config/repo_config.ts";
import { absolutePath } from "../butler/datastore/datastore.ts";
import type { DatastoreChain } from "../butler/datastore/datastore_chain.ts";
import { recordedFile } from "../butler/datastore/recorded_file.ts";
import { PROVENANCE_FORMATTER } from "../butler/registry/provenance_dataset.ts";
import { provenancePath, provenanceType } from "../butler/registry/runs_inside.ts";
import type { DatasetBatch, OtherRecords, Registry } from "../butler/registry/registry.ts";
import type { Targets } from "../provenance/targets.ts";
import type { FileSource } from "../storage/file_source.ts";
import { type FileStamp, requireStamp, stampAt } from "../storage/file_stamp.ts";
import { removeLeftovers } from "../storage/temporary_file.ts";
import type { GraphChoice } from "./choose_graph.ts";
import type { IngestOptions } from "./options.ts";
import type { VerifiedGraph } from "./verified_graph.ts";
import { carryOutTransfer, isContentOf, pathInside, planTransfer } from "./transfer.ts";
import type { TransferPlan } from "./transfer.ts";

/** The graph in one of the other datastores. */
export interface GraphCopy {
  /** Position of the datastore in the chain. */
  readonly datastore: number;
  /** Absolute. */
  readonly root: string;
  /** Whether the datastore keeps checksums. */
  readonly hasChecksum: boolean;
  /** What the graph is to back there. */
  readonly targets: Targets;
  /** Path, relative to the root, at which the file template puts the graph. */
  readonly templatePath: string;
  readonly plan: TransferPlan;
  /** Whether a record says that it is there. */
  readonly isRegistered: boolean;
  /** Which file it is, once it is there. */
  stamp: FileStamp | null;
}

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
interface CopyQuestion {
  readonly config: RepositoryConfig;
  readonly choice: GraphChoice;
  readonly options: IngestOptions;
  readonly registry: Registry;
  readonly targets: Targets;
  readonly verified: VerifiedGraph;
}

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
  const { config, choice, options, registry, targets, verified } = prepared;
  const copies: GraphCopy[] = [];
  for (const datastore of others) {
    const { root, checksum: hasChecksum } = config.datastores[datastore];
    const templatePath = provenancePath(chain.members[datastore], registry.universe, choice.run);
    const record = choice.registered === null ? undefined : (await registry.ofDatastore(datastore)
      .records(choice.registered.id)).find(({ component }) => component === null);
    let plan: TransferPlan;
    if (record === undefined) {
      const mode = choice.registered === null ? options.transfer : "copy";
      plan = { ...planTransfer(mode, choice.path, root, templatePath), deleteSource: false };
    } else {
      plan = placedPlan(record.path, root, choice.path);
    }
    const isRegistered = record !== undefined;
    if (isRegistered) requirePlaced(plan, choice.path, verified.source);
    const stamp = isRegistered ? stampAt(plan.target) : null;
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
  const target = recordedFile(recordPath, root).path;
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

function requirePlaced({ target }: TransferPlan, path: string, source: FileSource): void {
  if (isContentOf(target, source)) return;
  throw new NotFoundError(
    `Cannot use the graph in another datastore of the chain: "${target}" is not there, or is not ` +
      `the graph "${path}"`,
    { hint: `bring it back (cp "${path}" "${target}") and run the same command again` },
  );
}

/** Puts the graph into the other datastores, durably. Idempotent. */
export function carryOutCopies(
  copies: readonly GraphCopy[],
  source: FileSource,
  onPlaced: () => void,
): void {
  for (const copy of copies) {
    if (copy.isRegistered) continue;
    removeLeftovers(absolutePath(copy.root, copy.templatePath), true);
    copy.stamp = carryOutTransfer(copy.plan, source);
    onPlaced();
  }
}

/**
 * Looks whether the graph is still in the other datastores.
 *
 * @throws {EnvironmentError} if it isn't.
 */
export function requireCopies(copies: readonly GraphCopy[]): void {
  for (const { plan, stamp } of copies) requireStamp(plan.target, stamp!, "graph");
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
