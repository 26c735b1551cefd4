/**
 * `check REPO --run RUN`: registry against datastore records against files against the provenance
 * graph. Reads only; what it finds says how to mend it.
 *
 * Memory: 17 bytes a metadata, log and config dataset and 24 a file of the RUN, no matter how many
 * other datasets it has.
 *
 * @module
 */

import { requireRun } from "../../butler/registry/require_run.ts";
import type { Environment } from "../../base/environment.ts";
import { NotFoundError, UsageError } from "../../base/errors.ts";
import { uuidToText } from "../../base/uuid.ts";
import { openRepositoryConfig } from "../../butler/config/open_repo_config.ts";
import { absolutePath, storedName } from "../../butler/datastore/datastore_path.ts";
import type { LockWaitOptions } from "../../butler/registry/lock_wait.ts";
import { openRegistry } from "../../butler/registry/open.ts";
import { RUN_PROVENANCE } from "../../butler/registry/provenance_dataset.ts";
import type { DatastoreRecord } from "../../butler/registry/registry.ts";
import { Zstd } from "../../codec/zstd.ts";
import { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { fileAdvice, localAdvice } from "../advice.ts";
import { describeDamage } from "../file/archive.ts";
import { checkFile } from "../file/file.ts";
import { LeftoverReport } from "../file/leftover_report.ts";
import { leftoversBeside } from "../file/leftovers.ts";
import type { Findings } from "../findings.ts";
import { adviceOnGraph, checkBacking, type IngestState } from "./backing.ts";
import { type CheckedRepository, combineChecks } from "./chain.ts";
import { CheckContext, type CheckRepositoryOptions } from "./context.ts";
import { CheckedFiles } from "./files.ts";
import { RecordsPass } from "./records.ts";
import { GraphTargets } from "./targets.ts";
import { FileTree } from "./tree.ts";
import { UnclaimedFiles } from "./unclaimed.ts";

/** The graph of a RUN. */
interface ChosenGraph {
  /** Null if it is damaged, which has been reported. */
  graph: ProvenanceGraph | null;
  path: string;
  /** What records of datasets that it backs say; null if it lies outside the datastore. */
  recordPath: string | null;
  isRegistered: boolean;
  /** Whether it is the file given, not one in the datastore. */
  isGiven: boolean;
}

/**
 * Checks a RUN and reports every problem. Nothing is changed, but that opening the database rolls an
 * unfinished transaction of a killed process back, as every reader does.
 *
 * @throws {NotFoundError} if repository or RUN don't exist.
 * @throws {UsageError} if that is no RUN, or the graph is of another.
 * @throws {EnvironmentError} if database, directories or files can't be read.
 */
export async function checkRepository(
  options: CheckRepositoryOptions,
  env: Environment,
  findings: Findings,
  wait: LockWaitOptions = {},
): Promise<CheckedRepository> {
  const config = await openRepositoryConfig(options.repository, env);
  using files = await CheckedFiles.open(config.datastores.map(({ root }) => root), env);
  await using registry = await openRegistry(config, { ...wait, writeable: false, env });
  await requireRun(registry, options.run, options.repository, {
    verb: "check",
    hint: "aggregate-graph registers it with the first datasets",
  });
  if (config.datastores.length === 1) {
    const context = new CheckContext(options, config, registry, files, findings);
    return await new RepositoryCheck(context).run();
  }
  const checked: CheckedRepository[] = [];
  let { graph } = options;
  for (const [i, datastore] of config.datastores.entries()) {
    findings.datastore = datastore.name;
    const context = new CheckContext(
      { ...options, graph },
      { ...config, datastore },
      registry.ofDatastore(i),
      files,
      findings,
    );
    const one = await new RepositoryCheck(context).run();
    checked.push(one);
    // Where the graph isn't yet, it is compared with that of another datastore.
    if (graph === null && one.graphPath !== null) {
      graph = { path: one.graphPath, argument: one.graphPath, isFound: true };
    }
  }
  findings.datastore = null;
  return combineChecks(checked);
}

class RepositoryCheck {
  readonly #context: CheckContext;

  constructor(context: CheckContext) {
    this.#context = context;
  }

  async run(): Promise<CheckedRepository> {
    const { options, config, findings, runPath, files } = this.#context;
    const { root } = config.datastore;
    await files.requireRoot(root);
    const { runByDirectory } = await this.#context.runsInside();
    const storage = files.storage(root);
    const tree = storage === null
      ? FileTree.scan(root, runPath, runByDirectory, findings.steps)
      : await FileTree.list(storage, runPath, runByDirectory, findings.steps);
    const zstd = await Zstd.load();
    const chosen = await this.#chooseGraph(zstd);
    using graph = chosen?.graph;
    const targets = graph ? await this.#openTargets(graph) : null;
    const records = new RecordsPass(this.#context, tree);
    await records.run(chosen?.recordPath ?? null, targets);
    await records.reportMissingGraphs(chosen?.isRegistered ? chosen.recordPath : null);
    let state: IngestState | "no graph" = "no graph";
    const graphMtimeMs = chosen === null ? 0 : (await files.facts(chosen.path))?.modifiedMs ?? 0;
    if (chosen !== null) await tree.claim(this.#context.relativePath(chosen.path) ?? "");
    if (chosen !== null && targets !== null) {
      state = await checkBacking({
        findings,
        advice: this.#context.advice,
        run: options.run,
        graph: chosen.graph!,
        graphArgument: options.graph?.argument ?? null,
        graphMtimeMs,
        root,
        files,
        nameOf: storage === null ? storedName : (path) => path,
        runPath,
        isRegistered: chosen.isRegistered,
        isGiven: chosen.isGiven,
        targets,
        registered: records.registered,
        tree,
        isNothingThere: records.isNothingThere,
        prune: (id) => this.#context.prune(id),
      });
      if (options.readData) await this.#checkGraphData(chosen);
    }
    const isRegistered = chosen?.isRegistered ?? false;
    const known = targets === null
      ? isRegistered ? "damaged" : "none"
      : isRegistered
      ? "ingested"
      : "not ingested";
    const leftovers = new LeftoverReport({
      findings,
      repository: options.repository,
      repair: this.#context.advice.repair(),
      hasSoundGraph: targets !== null,
    });
    const unclaimed = new UnclaimedFiles(this.#context, leftovers);
    await unclaimed.report(tree, known, {
      nRegistered: records.registered.n,
      graphMtimeMs: targets === null ? 0 : graphMtimeMs,
    });
    const found = options.graph?.isFound === true ? options.graph.path : null;
    for (const path of new Set([chosen?.path, options.graph?.path])) {
      if (path === undefined || path === found || this.#isInside(path)) continue;
      if (isRemoteUri(path)) continue;
      for (const leftover of leftoversBeside(path)) await leftovers.report(leftover);
    }
    return {
      nDatasets: records.nDatasets,
      nFiles: tree.nFiles,
      graphPath: chosen?.path ?? null,
      state,
      leftovers: leftovers.removable,
      ingest: state === "unfinished" || state === "unregistered"
        ? { graphPath: chosen!.isGiven ? chosen!.path : null }
        : null,
    };
  }

  /** Whether a path is in the RUN's directory, where every file is looked at anyway. */
  #isInside(path: string): boolean {
    const inside = this.#context.relativePath(path);
    return inside !== null && inside.startsWith(`${this.#context.runPath}/`);
  }

  /** The registered graph, else one at the template's place, else the one given. */
  async #chooseGraph(zstd: Zstd): Promise<ChosenGraph | null> {
    const { run, graph: given } = this.#context.options;
    const { root } = this.#context.config.datastore;
    const type = await this.#context.type(RUN_PROVENANCE);
    const id = type === null || type.group.required.length > 0
      ? null
      : await this.#context.registry.findDataset(RUN_PROVENANCE, run, []);
    if (id !== null) return await this.#registeredGraph(id, zstd);
    if (!this.#context.takesGraph) return null;
    const inDatastore = absolutePath(root, this.#context.templatePath);
    const isThere = await this.#context.files.isThere(inDatastore);
    if (!isThere && given === null) return null;
    const path = isThere ? inDatastore : given!.path;
    return {
      graph: await this.#openGraph(path, zstd, isThere ? path : given!.argument),
      path,
      recordPath: isThere ? this.#context.templatePath : null,
      isRegistered: false,
      isGiven: !isThere,
    };
  }

  async #registeredGraph(id: Uint8Array, zstd: Zstd): Promise<ChosenGraph | null> {
    const { run, graph: given } = this.#context.options;
    const where = `run_provenance of RUN "${run}"`;
    const record = (await this.#context.registry.records(id)).find(({ component }) =>
      component === null
    );
    if (record === undefined && !this.#context.takesGraph) return null;
    if (record === undefined) {
      this.#context.findings.add({
        kind: "registered-without-record",
        where,
        what: "it is registered, but no datastore record says where it is",
        advice: await this.#context.prune(id),
      });
      return null;
    }
    const path = this.#context.recordedFile(record.path)?.path ?? null;
    if (path === null || !await this.#context.files.isThere(path)) {
      this.#context.findings.add({
        kind: "missing-graph",
        where,
        what: `its record points at "${record.path}", which isn't there`,
        advice: localAdvice(
          path,
          () => fileAdvice.restore(path ?? record.path, given?.argument ?? null),
        ),
      });
      return null;
    }
    const graph = await this.#openGraph(path, zstd, path);
    if (graph !== null && given !== null) await this.#compareGiven(graph, given, zstd);
    await this.#checkRecord(record, path, where);
    const own = uuidToText(id);
    if (graph !== null && graph.header.provenance_dataset_id !== own) {
      this.#context.findings.note(
        `run_provenance has id ${own}, the header of its file says ` +
          `${graph.header.provenance_dataset_id}: the reference ingested it`,
      );
    }
    const recordPath = this.#context.relativePath(path);
    if (recordPath === null) {
      this.#context.findings.add({
        kind: "missing-graph",
        where,
        what: `"${path}" lies outside the datastore, so no dataset can be backed by it`,
        advice: this.#context.advice.ingestInside(await this.#context.prune(id), path),
      });
    }
    return { graph, path, recordPath, isRegistered: true, isGiven: false };
  }

  async #checkRecord(record: DatastoreRecord, path: string, where: string): Promise<void> {
    const size = (await this.#context.files.facts(path))?.size ?? 0;
    const recorded = record.fileSize;
    if (recorded === null || recorded < 0 || recorded === size) return;
    this.#context.findings.add({
      kind: "graph-size",
      where,
      what:
        `"${path}" has ${size} bytes, its record says ${recorded}; the butler refuses to read it`,
      advice: localAdvice(path, () => fileAdvice.restore(path)),
    });
  }

  async #compareGiven(
    graph: ProvenanceGraph,
    given: { path: string; argument: string },
    zstd: Zstd,
  ): Promise<void> {
    const other = await this.#openGraph(given.path, zstd, given.argument);
    if (other === null) return;
    using _other = other;
    if (other.header.provenance_dataset_id !== graph.header.provenance_dataset_id) {
      this.#context.findings.note(`"${given.argument}" is not the graph that the RUN holds`);
    }
  }

  /** Opens a graph and checks its structure; null, reported, if it can't be used. */
  async #openGraph(path: string, zstd: Zstd, argument: string): Promise<ProvenanceGraph | null> {
    let graph: ProvenanceGraph | null = null;
    try {
      graph = await ProvenanceGraph.open(await this.#context.files.openGraph(path), zstd);
      await graph.verifyStructure();
    } catch (error) {
      graph?.close();
      if (error instanceof NotFoundError) throw error;
      this.#context.findings.add({
        kind: "damaged-graph",
        where: argument,
        what: describeDamage(error),
        advice: adviceOnGraph(error, argument),
      });
      return null;
    }
    const { output_run } = graph.header;
    if (output_run === this.#context.options.run) return graph;
    graph.close();
    const state = `it is of RUN "${output_run}"`;
    if (path === this.#context.options.graph?.path) {
      throw new UsageError(
        `Cannot check RUN "${this.#context.options.run}" with "${argument}": ${state}`,
      );
    }
    this.#context.findings.add({
      kind: "missing-graph",
      where: argument,
      what: `${state}, not of "${this.#context.options.run}"`,
      advice: localAdvice(path, () => fileAdvice.restore(path)),
    });
    return null;
  }

  async #openTargets(graph: ProvenanceGraph): Promise<GraphTargets | null> {
    try {
      return await GraphTargets.open(
        graph,
        this.#context.registry.universe,
        this.#context.datastore,
        await this.#context.registry.dimensionRecordSource(),
        this.#context.config.datastores.length > 1,
      );
    } catch (error) {
      this.#reportDamaged(graph.name, error);
      return null;
    }
  }

  #reportDamaged(path: string, error: unknown): void {
    this.#context.findings.add({
      kind: "damaged-graph",
      where: path,
      what: describeDamage(error),
      advice: adviceOnGraph(error, path),
    });
  }

  async #checkGraphData({ path }: ChosenGraph): Promise<void> {
    const argument = path === this.#context.options.graph?.path
      ? this.#context.options.graph.argument
      : path;
    using copy = await this.#context.files.copy(path);
    const file = copy?.path ?? path;
    await checkFile({ path: file, argument, readData: true }, this.#context.findings);
    // The repair of a repository doesn't touch the graph itself.
    this.#context.findings.withdrawFileRepairs(null);
  }
}
