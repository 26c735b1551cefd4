/**
 * All that is found out before an ingest changes anything: which graph, whether every byte of it is sound,
 * what it is to back, where all of that is, and whether it may be done at all. What can be known to fail
 * fails here, with nothing changed.
 *
 * @module
 */

import { ProvgraphError, RefusedError } from "../base/errors.ts";
import { nextTurn } from "../base/next_turn.ts";
import { UUID_SIZE, uuidToText } from "../base/uuid.ts";
import { DatastoreChain } from "../butler/datastore/datastore_chain.ts";
import { withRecords } from "../butler/dimensions/record_fetch.ts";
import { openRegistry } from "../butler/registry/open.ts";
import type { Registry } from "../butler/registry/registry.ts";
import { provenancePath, provenanceType } from "../butler/registry/runs_inside.ts";
import type { Zstd } from "../codec/zstd.ts";
import { Targets, TargetState } from "../provenance/targets.ts";
import { failpoint } from "../storage/failpoints.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { chooseGraph, ingestedPlan } from "./choose_graph.ts";
import { lockFolder, RunLock } from "./exclusion.ts";
import { planCopies, refuseWithoutGraph, takingGraphs } from "./graph_copies.ts";
import type { GraphChoice, GraphCopy, PreparedIngest } from "./prepared_ingest.ts";
import type { GraphPlaces } from "./remote/graph_places.ts";
import { openGraphPlaces } from "./remote/open_places.ts";
import type { IngestContext, IngestOptions } from "./options.ts";
import { noteRecordedOriginals } from "./originals/recorded_originals.ts";
import { requireRightGraph } from "./right_graph.ts";
import { type ReadingFigures, readingStages } from "./stages.ts";
import type { TransferPlan } from "./transfer.ts";
import type { TransferMode } from "./transfer_mode.ts";
import { VerifiedGraph } from "./verified_graph.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import type { DatasetType } from "../butler/dimensions/dataset_type.ts";

/** Quanta between two looks at the clock. */
const QUANTA_PER_LOOK = 1024;
/** Targets that are looked at in one go: signals are noticed in between. */
const TARGETS_PER_TURN = 4096;

/** What preparing needs of its surroundings. */
type Surroundings = Pick<IngestContext, "env" | "log" | "progress" | "signal">;

/**
 * Finds out everything. Unless it is a dry run, no other process can begin with the RUN until the result
 * is disposed of.
 *
 * @throws {ProvgraphError} if the ingest can't be done; nothing is changed.
 */
export function prepareIngest(
  options: IngestOptions,
  config: RepositoryConfig,
  zstd: Zstd,
  context: Surroundings,
): Promise<PreparedIngest> {
  return Preparation.prepare(options, config, zstd, context);
}

/** See {@linkcode prepareIngest}. */
class Preparation implements PreparedIngest {
  readonly options: IngestOptions;
  config: RepositoryConfig;
  readonly registry: Registry;
  readonly provenanceType: DatasetType;
  readonly templatePath: (run: string) => string;
  choice!: GraphChoice;
  verified!: VerifiedGraph;
  plan!: TransferPlan;
  targets!: Targets;
  copies: GraphCopy[] = [];
  places!: GraphPlaces;
  readonly #chain: DatastoreChain;
  /** Positions of the datastores that take the graph. */
  readonly #taking: readonly number[];
  datastore: number;
  #lock: RunLock | null = null;

  private constructor(options: IngestOptions, config: RepositoryConfig, registry: Registry) {
    this.options = options;
    this.registry = registry;
    const chain = this.#chain = new DatastoreChain(config, registry.universe, {
      mockStorageClasses: true,
    });
    this.#taking = takingGraphs(chain, config.argument);
    this.datastore = this.#taking[0];
    this.config = { ...config, datastore: config.datastores[this.datastore] };
    this.provenanceType = provenanceType(registry.universe);
    this.templatePath = (run) =>
      provenancePath(chain.members[this.datastore], registry.universe, run);
  }

  /** See {@linkcode prepareIngest}. */
  static async prepare(
    options: IngestOptions,
    config: RepositoryConfig,
    zstd: Zstd,
    context: Surroundings,
  ): Promise<Preparation> {
    const registry = await openRegistry(config, {
      writeable: !options.isDryRun,
      isRehearsal: options.isDryRun,
      busyTimeoutMs: options.busyTimeoutMs,
      log: context.log,
      signal: context.signal,
    });
    let prepared: Preparation | null = null;
    try {
      prepared = new Preparation(options, config, registry);
      await prepared.#prepare(zstd, context);
      return prepared;
    } catch (error) {
      const told = prepared === null ? error : prepared.#orReplaced(error);
      await (prepared ?? registry)[Symbol.asyncDispose]();
      throw told;
    }
  }

  /** What looks like damage may be the work of somebody who writes the graph just now: then that is told. */
  #orReplaced(error: unknown): unknown {
    try {
      this.verified?.requireUnchanged();
      return error;
    } catch (changed) {
      return changed;
    }
  }

  async #prepare(zstd: Zstd, context: Surroundings): Promise<void> {
    const { options, registry } = this;
    const { root } = this.config.datastore;
    await registry.checkDatasetType(this.provenanceType);
    const places = this.places = await openGraphPlaces(this.config, {
      // Not its signal: the batch in hand is finished, requests and all.
      env: context.env,
    }, options.graphPath);
    const choose = () =>
      chooseGraph(options, this.config, registry, this.templatePath, places, zstd);
    this.choice = await choose();
    if (!options.isDryRun) {
      const { run } = this.choice;
      this.#lock = this.#takeLock(root, run, context);
      failpoint("ingest.locked");
      // What was seen before may have been the work of whoever had the lock.
      this.choice = await choose();
      if (this.choice.run !== run) throw replacedError(this.choice.path);
    }
    const { path, run, registered } = this.choice;
    if (registered !== null) this.#goTo(registered.datastore);
    const verified = this.verified = await VerifiedGraph.openReadable(
      await places.fetch(path),
      zstd,
    );
    if (verified.graph.header.output_run !== run) throw replacedError(path);
    this.plan = registered === null
      ? await this.#planFirst(path, root)
      : ingestedPlan(this.choice, this.config);
    if (registered === null && await places.isTaken(this.plan, verified.source)) {
      throw await takenError(this.plan, run, places, zstd);
    }
    await this.#read(context);
    for (const type of this.targets.types) await registry.checkDatasetType(type);
    const others = this.#taking.filter((i) => i !== this.datastore);
    this.copies = await planCopies(this, this.#chain, others);
    for (const { plan, isRegistered } of this.copies) {
      if (!isRegistered && await places.isTaken(plan, verified.source)) {
        throw await takenError(plan, run, places, zstd);
      }
    }
    await this.#checkTargets();
    await findStates(this);
    await noteRecordedOriginals(registry.ofDatastore(this.datastore), run, this.targets);
    for (const { datastore, targets } of this.copies) {
      await noteRecordedOriginals(registry.ofDatastore(datastore), run, targets);
    }
    if (registered === null) await this.#requireRightGraph();
    await this.requireUnchanged();
  }

  /** A graph that was given by its URI is put where its template says, from the copy that was checked. */
  async #planFirst(path: string, root: string): Promise<TransferPlan> {
    const { choice: { given, run }, options: { transfer }, places, verified } = this;
    const plan = (mode: TransferMode, source: string) =>
      places.plan(mode, source, root, this.templatePath(run));
    if (given === null || !isRemoteUri(given)) return await plan(transfer, path);
    const { requireModeOfUri } = await import(
      import.meta.resolve("./remote/remote_graphs.ts")
    ) as typeof import("./remote/remote_graphs.ts");
    requireModeOfUri(transfer, given);
    if (transfer === "auto" && given.startsWith(`${root}/`)) return await plan(transfer, given);
    return { ...await plan("copy", verified.path), source: given };
  }

  #takeLock(root: string, run: string, { env }: Surroundings): RunLock {
    const target = absolutePath(root, this.templatePath(run));
    return isRemoteUri(root)
      ? RunLock.takeRemote(target, lockFolder(this.config.configPath, env), run)
      : RunLock.take(target, root, run);
  }

  async requireUnchanged(): Promise<void> {
    const { verified } = this;
    verified.requireUnchanged();
    if (verified.placed.path !== verified.path) await this.places.require(verified.placed);
  }

  /** Makes another datastore the first. */
  #goTo(datastore: number): void {
    this.datastore = datastore;
    this.config = { ...this.config, datastore: this.config.datastores[datastore] };
  }

  /** The registered graph has shown that it is the RUN's; any other has to. */
  async #requireRightGraph(): Promise<void> {
    const { options, targets, registry } = this;
    await requireRightGraph({
      graph: this.verified.graph,
      targets,
      registry,
      run: this.choice.run,
      repository: options.repository,
      allowEmpty: options.allowEmpty,
    });
  }

  /** Checks every byte of the graph, and reads what it is to back. */
  async #read({ log, progress }: Surroundings): Promise<void> {
    const { run, registered } = this.choice;
    const { graph } = this.verified;
    log.log(
      "INFO",
      registered === null
        ? "Reading the pre-ingest provenance graph."
        : "Reading the already-ingested provenance graph.",
    );
    const figures: ReadingFigures = {
      verified: { nDone: 0, nTotal: graph.nBlockBytes },
      quanta: { nDone: 0, nTotal: graph.header.n_quanta },
      isVerified: false,
      isRead: false,
    };
    using watch = progress.watch(() => readingStages(figures));
    await this.verified.verify(registered?.record ?? null, (nBytes) => {
      figures.verified.nDone += nBytes;
      watch.update();
    });
    figures.isVerified = true;
    watch.update();
    log.log("INFO", `Querying for existing datasets in '${run}'.`);
    this.targets = await Targets.read(
      graph,
      await graph.pipelineGraph(),
      this.registry.universe,
      this.#chain.members[this.datastore],
      () => {
        if (++figures.quanta.nDone % QUANTA_PER_LOOK === 0) watch.update();
      },
    );
    figures.isRead = true;
    watch.update();
  }

  /**
   * Puts together every data ID and path once, as each may turn out to be impossible; after the first
   * dataset is forgotten it would be too late.
   */
  async #checkTargets(): Promise<void> {
    const { targets } = this;
    const records = await this.registry.dimensionRecordSource();
    const withoutGraph = this.#withoutGraph();
    for (let next = 0; next < targets.n; await nextTurn()) {
      const end = Math.min(targets.n, next + TARGETS_PER_TURN);
      // Goes on where it was left when a record had to be fetched.
      await withRecords(() => {
        for (; next < end; next++) {
          if (targets.find(targets.ids, next * UUID_SIZE) !== next) {
            throw new RefusedError(
              `Cannot use provenance graph "${this.choice.path}": it has dataset ` +
                `${uuidToText(targets.id(next))} twice`,
            );
          }
          targets.paths(next, records);
          for (const copy of this.copies) copy.targets.paths(next, records);
          withoutGraph.see(next);
        }
      });
    }
    refuseWithoutGraph(withoutGraph.types);
  }

  /** Notes which types go to datastores that don't take the graph. */
  #withoutGraph(): { types: Map<string, Set<string>>; see: (target: number) => void } {
    const { targets, config } = this;
    const found = new Map<string, Set<string>>();
    const lacking = [...config.datastores.keys()].filter((i) =>
      i !== this.datastore && !this.#taking.includes(i)
    );
    if (lacking.length === 0) return { types: found, see: () => {} };
    const plans = targets.types.map((type) => this.#chain.plan(type, this.choice.run));
    for (const i of lacking) found.set(config.datastores[i].name, new Set());
    return {
      types: found,
      see: (target) => {
        const typeIndex = targets.typeIndex(target);
        for (const i of lacking) {
          if (!plans[typeIndex].isTakenBy(i, targets.dataId(target))) continue;
          found.get(config.datastores[i].name)!.add(targets.types[typeIndex].name);
        }
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.verified?.[Symbol.dispose]();
    this.places?.[Symbol.dispose]();
    try {
      await this.registry[Symbol.asyncDispose]();
    } finally {
      this.#lock?.[Symbol.dispose]();
      this.#lock = null;
    }
  }
}

function replacedError(path: string): RefusedError {
  return new RefusedError(`Cannot ingest graph "${path}": it was replaced while it was looked at`, {
    hint: "run the same command again: it looks at the new one",
  });
}

/** Another file is where the graph has to go: nobody has registered it, but it may be the only copy. */
async function takenError(
  { source, target }: TransferPlan,
  run: string,
  places: GraphPlaces,
  zstd: Zstd,
): Promise<RefusedError> {
  const away = isRemoteUri(target)
    ? "move it to another place and run the same command again"
    : `move it to another place (mv "${target}" FILE) and run the same command again`;
  return new RefusedError(
    `Cannot ingest graph "${source}": another file is at its place in the datastore, "${target}", ` +
      "and the RUN has no graph registered; an earlier ingest may have been interrupted",
    {
      hint: await isGraphOf(target, run, places, zstd)
        ? `it is a graph of the RUN: to ingest it, give --output-run "${run}" without a graph; else ${away}`
        : away,
    },
  );
}

async function isGraphOf(
  path: string,
  run: string,
  places: GraphPlaces,
  zstd: Zstd,
): Promise<boolean> {
  try {
    using found = await VerifiedGraph.openReadable(await places.fetch(path), zstd);
    await found.verify(null);
    return found.graph.header.output_run === run;
  } catch (error) {
    if (error instanceof ProvgraphError) return false;
    throw error;
  }
}

/** Asks the registry which targets it has, and whether the graph backs them wherever they are stored. */
async function findStates(
  { targets, registry, choice, datastore, plan, copies }: PreparedIngest,
): Promise<void> {
  const { state } = targets;
  const each = async (batches: AsyncIterable<Uint8Array>, see: (target: number) => void) => {
    for await (const ids of batches) {
      for (let at = 0; at < ids.length; at += UUID_SIZE) {
        const target = targets.find(ids, at);
        if (target >= 0) see(target);
      }
    }
  };
  const typeNames = targets.types.map((type) => type.name);
  await each(registry.runDatasetIds(choice.run, typeNames), (target) => {
    state[target] = TargetState.ORIGINAL;
  });
  const storedAt = (i: number, path: string) => registry.ofDatastore(i).datasetIdsStoredAt(path);
  const isBacked = new Uint8Array(targets.n);
  await each(storedAt(datastore, plan.backedRecordPath), (target) => {
    isBacked[target] = 1;
  });
  const isElsewhere = (target: number) => copies.some((copy) => copy.targets.isTaken(target));
  if (copies.length > 0) {
    for (let target = 0; target < targets.n; target++) {
      if (!targets.isTaken(target) && isElsewhere(target)) isBacked[target] = 1;
    }
  }
  for (const copy of copies) {
    const found = new Uint8Array(targets.n);
    await each(storedAt(copy.datastore, copy.plan.backedRecordPath), (target) => {
      found[target] = 1;
    });
    for (let target = 0; target < targets.n; target++) {
      if (found[target] === 0 && copy.targets.isTaken(target)) isBacked[target] = 0;
    }
  }
  for (let target = 0; target < targets.n; target++) {
    // A record without its dataset is nothing.
    if (isBacked[target] === 1 && state[target] === TargetState.ORIGINAL) {
      state[target] = TargetState.DONE;
    }
  }
}
