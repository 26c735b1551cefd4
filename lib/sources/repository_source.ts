/**
 * Documents of a repository, wherever they are now: in the original files until `ingest-graph`, in the
 * provenance graph that their records name afterwards. The answer is the same.
 *
 * @module
 */

import { requireRun } from "../butler/registry/require_run.ts";
import { NotFoundError, RefusedError, UsageError } from "../base/errors.ts";
import { uuidFromText, uuidToHex, uuidToText } from "../base/uuid.ts";
import { RUN_PROVENANCE } from "../butler/registry/provenance_dataset.ts";
import type { Registry } from "../butler/registry/registry.ts";
import type { GraphDocuments } from "./graph_source.ts";
import type { RepositoryInfo, RunInfo } from "./info.ts";
import { registeredRows } from "./registered_rows.ts";
import {
  fitsDataId,
  onlyRun,
  type SearchedRegistry,
  searchQuantum,
  typedValue,
} from "./registry_search.ts";
import type { Target } from "./repository/place.ts";
import type { RepositoryStore } from "./repository_store.ts";
import type { DatasetRow, DatasetWish, QuantumWish, RowDimensions, RowKind } from "./rows.ts";
import {
  type Candidate,
  type DataIdTerm,
  MAX_CANDIDATES,
  onlyCandidate,
  type Selector,
} from "./selector.ts";
import type { LogStore, StoredLog } from "./logs/log_store.ts";
import type { AttemptDocuments, DocumentSource } from "./source.ts";
import type { TabledQuanta } from "./table/tabled_quanta.ts";
import type { TraceSource } from "./trace/trace_source.ts";
import type { DatasetType } from "../butler/dimensions/dataset_type.ts";

const PACKAGES = "packages";
/** Storage class of logs. */
const LOG_CLASS = "ButlerLogRecords";
/** Dataset types of what a task leaves behind: its label and one of these. */
const SUFFIXES = ["_log", "_metadata", "_config"] as const;

/** A repository as a source of documents. */
export class RepositoryDocuments implements DocumentSource {
  readonly name: string;
  readonly isPlan = false;
  readonly run: string | null;
  readonly #store: RepositoryStore;
  readonly #registry: Registry;

  private constructor(store: RepositoryStore, run: string | null) {
    this.name = store.name;
    this.#store = store;
    this.#registry = store.registry;
    this.run = run;
  }

  /**
   * Documents of a repository.
   *
   * @param store Is closed with them, and when this throws.
   * @param run RUN to look in; null if the documents asked for leave no choice.
   * @throws {UsageError} if that is no RUN.
   */
  static async open(store: RepositoryStore, run: string | null): Promise<RepositoryDocuments> {
    try {
      if (run !== null) await requireRun(store.registry, run, store.config.argument);
      return new RepositoryDocuments(store, run);
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #searched(): SearchedRegistry {
    return { registry: this.#registry, name: this.name };
  }

  async attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments> {
    const target = await this.#target(selector);
    if ("graph" in target) return await target.graph.attempts(kind, target.selector);
    const { run, label, required } = target;
    const own = await this.#store.place(`${label}_${kind}`, run, required);
    if (own.kind === "graph") {
      return await (await this.#store.graph(own.path)).attempts(kind, idSelector(own.id, selector));
    }
    const graph = own.kind === "none" ? await this.#store.graphOf(run) : null;
    if (graph !== null) {
      return await graph.attempts(kind, await this.#siblingSelector(target, selector));
    }
    const { attemptsInFiles } = await import(
      import.meta.resolve("./attempts_in_files.ts")
    ) as typeof import("./attempts_in_files.ts");
    return await attemptsInFiles(this.#store, kind, target);
  }

  async quantum(selector: Selector): Promise<Uint8Array> {
    if (selector.kind === "dataId") {
      await this.#requireGraph(await this.#runOf(selector.label), "quantum");
    }
    const target = await this.#target(selector);
    if ("graph" in target) return await target.graph.quantum(target.selector);
    const graph = await this.#requireGraph(target.run, "quantum");
    return await graph.quantum(await this.#siblingSelector(target, selector));
  }

  async dataset(selector: Selector): Promise<Uint8Array> {
    if (selector.kind === "dataId") {
      const run = this.run ??
        await onlyRun(this.#searched, [selector.label], `dataset type "${selector.label}"`);
      return await (await this.#requireGraph(run, "dataset")).dataset(selector);
    }
    const id = await this.#uniqueId(selector);
    const info = await this.#registry.datasetInfo(id);
    const graph = info === null ? await this.#graphWith(id) : null;
    return await (graph ?? await this.#requireGraph(info!.run, "dataset"))
      .dataset(idSelector(id, selector));
  }

  async config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }> {
    const { label, run } = selector === null
      ? await this.#onlyConfig()
      : await this.#configTarget(selector);
    const place = await this.#store.place(`${label}_config`, run, []);
    if (place.kind === "file") {
      const { requireConfigForm } = await documentForms();
      requireConfigForm(place);
      const text = await this.#store.readFile(place);
      if (text !== null) return { label, text };
    }
    const graph = place.kind === "graph"
      ? await this.#store.graph(place.path)
      : await this.#store.graphOf(run);
    if (graph !== null) {
      return await graph.config({ kind: "dataId", label, terms: [], words: [label] });
    }
    throw new NotFoundError(
      `Cannot find config of task "${label}" in RUN "${run}" of ${this.name}` +
        (place.kind === "file" ? `: there is no file "${place.path}"` : ""),
    );
  }

  /** The run's own document while it is there: `ingest-graph` leaves it where it is. */
  async packages(): Promise<{ text: Uint8Array; stored: Uint8Array }> {
    const run = this.run ?? await onlyRun(this.#searched, [PACKAGES], "packages");
    const place = await this.#store.place(PACKAGES, run, []);
    const stored = place.kind === "file" ? await this.#store.readFile(place) : null;
    if (place.kind === "file" && stored !== null) {
      const { requirePackagesForm } = await documentForms();
      requirePackagesForm(place, place.zipMember ?? place.path);
      const { packagesJson } = await import(
        import.meta.resolve("../provenance/documents/packages.ts")
      ) as typeof import("../provenance/documents/packages.ts");
      const { text, isBroken } = packagesJson(new TextDecoder().decode(stored));
      if (!isBroken) return { text, stored };
    }
    return await (await this.#requireGraph(run, "packages")).packages();
  }

  async header(): Promise<Uint8Array> {
    const run = this.run ?? await onlyRun(this.#searched, [RUN_PROVENANCE], "run_provenance");
    return await (await this.#requireGraph(run, "header")).header();
  }

  async *quanta(wish?: QuantumWish): AsyncGenerator<Uint8Array> {
    yield* (await this.#requireGraph(await this.#listedRun(), "quanta")).quanta(wish);
  }

  async tabled(): Promise<TabledQuanta | null> {
    return await (await this.#requireGraph(await this.#listedRun(), "quanta")).tabled();
  }

  /** Registered datasets of the RUN, ascending by ID. */
  async *datasets(wish: DatasetWish): AsyncGenerator<DatasetRow> {
    yield* registeredRows(this.#registry, await this.#listedRun(), wish);
  }

  /** Does nothing: its documents may be in many files. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  async rowDimensions(kind: RowKind): Promise<RowDimensions> {
    const run = await this.#listedRun();
    if (kind === "quanta") {
      return await (await this.#requireGraph(run, "quanta")).rowDimensions(kind);
    }
    const types = await this.#registry.datasetTypesInRun(run);
    return {
      universe: this.#registry.universe,
      groups: new Map(types.map(({ name, group }) => [name, group])),
    };
  }

  async outputTypes(label: string): Promise<string[] | null> {
    return await (await this.#requireGraph(await this.#listedRun(), "tasks")).outputTypes(label);
  }

  async taskLabels(): Promise<string[]> {
    return await (await this.#requireGraph(await this.#listedRun(), "tasks")).taskLabels();
  }

  async info(isCounting: boolean): Promise<RepositoryInfo | RunInfo> {
    const { config } = this.#store;
    const path = config.argument;
    if (this.run !== null) {
      const documents = await this.#store.graphOf(this.run);
      const graph = documents && { documents, info: await documents.info(isCounting) };
      const { runInfo } = await import(
        import.meta.resolve("./run_info.ts")
      ) as typeof import("./run_info.ts");
      return await runInfo(this.#registry, this.run, path, graph);
    }
    const { namespace, version } = this.#registry.universe;
    return {
      kind: "repository",
      path,
      dialect: config.registry.dialect,
      datastoreRoots: config.datastores.map(({ root }) => root),
      universe: { namespace, version },
      ingestedRuns: await this.#registry.runsWithDatasetType(RUN_PROVENANCE),
    };
  }

  async traceSource(): Promise<TraceSource> {
    return await (await this.#requireGraph(await this.#listedRun(), "what reads what"))
      .traceSource();
  }

  /** Logs of the RUN's graph; before it is ingested, those that are registered. */
  async logs(): Promise<LogStore> {
    const run = await this.#loggedRun();
    const graph = await this.#store.graphOf(run);
    if (graph !== null) return await graph.logs();
    return {
      file: null,
      logs: (isWanted) => {
        if (isWanted !== null) {
          throw new RefusedError(
            `Cannot select logs of RUN "${run}" in ${this.name} by quanta: it holds no provenance graph`,
            { hint: "give the graph or chunk log of aggregate-graph as SOURCE" },
          );
        }
        return this.#registeredLogs(run);
      },
    };
  }

  async *#registeredLogs(run: string): AsyncGenerator<StoredLog> {
    const types = (await this.#registry.datasetTypesInRun(run))
      .filter(({ storageClass, name }) => storageClass === LOG_CLASS && name.endsWith("_log"));
    const wish = { types: new Set(types.map(({ name }) => name)), withImplied: false };
    for await (const row of registeredRows(this.#registry, run, wish)) {
      const selector: Selector = {
        kind: "id",
        id: uuidFromText(row.datasetId),
        words: [row.datasetId],
      };
      yield {
        quantumId: null,
        owner: {
          label: row.typeName.slice(0, -"_log".length),
          dataCoordinate: row.dataCoordinate,
        },
        place: null,
        read: async () => (await this.attempts("log", selector)).text,
      };
    }
  }

  async #loggedRun(): Promise<string> {
    return this.run ?? await onlyRun(this.#searched, [RUN_PROVENANCE, PACKAGES], "logs");
  }

  async #listedRun(): Promise<string> {
    return this.run ?? await onlyRun(this.#searched, [RUN_PROVENANCE], "a RUN to list");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  /** What a selector means: a task and data ID of the registry, or something only a graph knows. */
  async #target(
    selector: Selector,
  ): Promise<Target | { graph: GraphDocuments; selector: Selector }> {
    if (selector.kind === "dataId") {
      return await this.#byDataId(selector.label, selector.terms, selector);
    }
    if (selector.kind === "prefix" && await this.#isLabel(selector.words[0])) {
      return await this.#byDataId(selector.words[0], [], selector);
    }
    const id = await this.#uniqueId(selector);
    const byId = idSelector(id, selector);
    const info = await this.#registry.datasetInfo(id);
    if (info === null) {
      const graph = await this.#graphWith(id);
      return { graph, selector: byId };
    }
    this.#requireRun(info.run, id);
    const suffix = SUFFIXES.find((end) => info.typeName.endsWith(end));
    if (suffix === "_log" || suffix === "_metadata") {
      const label = info.typeName.slice(0, -suffix.length);
      return { run: info.run, label, required: info.required };
    }
    const graph = await this.#store.graphOf(info.run);
    if (graph !== null) return { graph, selector: byId };
    throw new RefusedError(
      `Cannot find the quantum of dataset ${uuidToText(id)} (${info.typeName}) in ${this.name}: ` +
        `RUN "${info.run}" has no provenance graph yet, and the registry doesn't know who made it`,
      { hint: "give LABEL DIMENSION=VALUE..., or the graph or chunk log as SOURCE" },
    );
  }

  #requireRun(run: string, id: Uint8Array): void {
    if (this.run === null || this.run === run) return;
    throw new NotFoundError(
      `Cannot find ${uuidToText(id)} in RUN "${this.run}" of ${this.name}: it is in RUN "${run}"`,
    );
  }

  /** A word of hexadecimal digits may be a task's label; an ID that begins with it goes first. */
  async #isLabel(word: string): Promise<boolean> {
    if (await this.#taskType(word) === null) return false;
    const hex = word.replaceAll("-", "").toLowerCase();
    return (await this.#registry.findDatasetIdPrefix(hex, this.run, 1)).length === 0;
  }

  /** The only ID that a selector may mean, in the registry or in the graphs of RUNs. */
  async #uniqueId(selector: Selector & { kind: "id" | "prefix" }): Promise<Uint8Array> {
    if (selector.kind === "id") return selector.id;
    const found = new Map<string, Candidate>();
    const limit = MAX_CANDIDATES + 1;
    for (const id of await this.#registry.findDatasetIdPrefix(selector.hex, this.run, limit)) {
      const info = await this.#registry.datasetInfo(id);
      found.set(uuidToHex(id), { id, text: info === null ? "dataset" : this.#describe(info) });
    }
    // Quanta are known to graphs alone; without a RUN, they count if nothing else fits.
    const run = this.run;
    if (run !== null || found.size === 0) {
      const runs = run === null ? await this.#registry.runsWithDatasetType(RUN_PROVENANCE) : [run];
      for (const name of runs) {
        const graph = await this.#store.graphOf(name);
        for (const candidate of await graph?.findPrefix(selector.hex) ?? []) {
          const key = uuidToHex(candidate.id);
          if (!found.has(key)) found.set(key, candidate);
        }
        if (found.size >= limit) break;
      }
    }
    if (found.size === 0) {
      throw new NotFoundError(`Cannot find "${selector.words[0]}" in ${this.name}`, {
        hint: "before ingest-graph, a repository knows datasets by ID but not quanta",
      });
    }
    return onlyCandidate([...found.values()], selector, this.name).id;
  }

  #describe({ typeName, run }: { typeName: string; run: string }): string {
    return `${typeName} in ${run}`;
  }

  async #byDataId(
    label: string,
    terms: readonly DataIdTerm[],
    selector: Selector,
  ): Promise<Target | { graph: GraphDocuments; selector: Selector }> {
    const type = await this.#taskType(label);
    if (type === null) {
      throw new NotFoundError(
        `Cannot find task "${label}" in ${this.name}: neither "${label}_log" nor ` +
          `"${label}_metadata" is a dataset type there`,
      );
    }
    const run = await this.#runOf(label);
    const given = new Map(terms.map(({ dimension, value }) => [dimension, value]));
    for (const dimension of given.keys()) {
      if (type.group.names.includes(dimension)) continue;
      throw new UsageError(
        `Cannot find "${selector.words.join(" ")}" by ${dimension}: its dimensions are ` +
          (type.group.names.join(", ") || "none"),
      );
    }
    const { group } = type;
    if (group.required.every((dimension) => given.has(dimension))) {
      const required = group.required.map((name) =>
        typedValue(this.#registry.universe, name, given.get(name)!)
      );
      if (
        given.size > required.length && !await fitsDataId(this.#registry, group, required, given)
      ) {
        throw new NotFoundError(`Cannot find "${selector.words.join(" ")}" in ${this.name}`);
      }
      return { run, label, required };
    }
    // Without a complete data ID, all quanta are gone through: those of the graph, if there is one.
    const graph = await this.#store.graphOf(run);
    if (graph !== null) {
      return { graph, selector: { kind: "dataId", label, terms, words: selector.words } };
    }
    return {
      run,
      label,
      required: await searchQuantum(this.#searched, label, group, run, given, selector),
    };
  }

  /** Dataset type that has the dimensions of a task's quanta, or null. */
  async #taskType(label: string): Promise<DatasetType | null> {
    return await this.#registry.findDatasetType(`${label}_metadata`) ??
      await this.#registry.findDatasetType(`${label}_log`);
  }

  /** The RUN that is given, or the only one that holds something of a task. */
  async #runOf(label: string): Promise<string> {
    return this.run ??
      await onlyRun(this.#searched, [`${label}_metadata`, `${label}_log`], `task "${label}"`);
  }

  async #configTarget(selector: Selector): Promise<{ label: string; run: string }> {
    const [label] = selector.words;
    const typeName = `${label}_config`;
    const isLabel = await this.#registry.findDatasetType(typeName) !== null;
    if (isLabel || selector.kind === "dataId") {
      if (!isLabel) {
        throw new NotFoundError(
          `Cannot find task "${label}" in ${this.name}: no dataset type "${typeName}" is registered`,
        );
      }
      return {
        label,
        run: this.run ?? await onlyRun(this.#searched, [typeName], `config of "${label}"`),
      };
    }
    const id = await this.#uniqueId(selector);
    const info = await this.#registry.datasetInfo(id);
    if (info === null || !info.typeName.endsWith("_config")) {
      throw new NotFoundError(
        `Cannot find config ${uuidToText(id)} in ${this.name}: ` +
          (info === null ? "it is not registered" : `it is a dataset of type "${info.typeName}"`),
      );
    }
    this.#requireRun(info.run, id);
    return { label: info.typeName.slice(0, -"_config".length), run: info.run };
  }

  async #onlyConfig(): Promise<{ label: string; run: string }> {
    const run = this.run ?? await onlyRun(this.#searched, [PACKAGES], "config");
    const types = (await this.#registry.datasetTypesInRun(run))
      .filter(({ name, storageClass }) => name.endsWith("_config") && storageClass === "Config");
    if (types.length === 1) return { label: types[0].name.slice(0, -"_config".length), run };
    throw new UsageError(
      `Cannot tell which config of RUN "${run}" is meant: it has ${types.length}`,
      types.length === 0
        ? {}
        : { hint: `labels are ${types.map(({ name }) => name.slice(0, -7)).join(", ")}` },
    );
  }

  /** Names a quantum to its graph: by a registered log or metadata of its own, else by data ID. */
  async #siblingSelector({ run, label, required }: Target, selector: Selector): Promise<Selector> {
    for (const suffix of ["_metadata", "_log"]) {
      const id = await this.#registry.findDataset(`${label}${suffix}`, run, required);
      if (id !== null) return idSelector(id, selector);
    }
    const type = await this.#taskType(label);
    const terms = (type?.group.required ?? []).map((dimension, i) => ({
      dimension,
      value: String(required[i]),
    }));
    return { kind: "dataId", label, terms, words: selector.words };
  }

  async #requireGraph(run: string, what: string): Promise<GraphDocuments> {
    const graph = await this.#store.graphOf(run);
    if (graph !== null) return graph;
    throw new RefusedError(
      `Cannot read ${what} from ${this.name}: RUN "${run}" holds no run_provenance yet, and without ` +
        "it a repository doesn't know its quanta",
      {
        hint: "give the graph or chunk log of aggregate-graph as SOURCE, or run ingest-graph first",
      },
    );
  }

  /** The graph that knows an ID which the registry doesn't. */
  async #graphWith(id: Uint8Array): Promise<GraphDocuments> {
    const runs = this.run === null
      ? await this.#registry.runsWithDatasetType(RUN_PROVENANCE)
      : [this.run];
    for (const run of runs) {
      const graph = await this.#store.graphOf(run);
      if (graph !== null && await graph.has(id)) return graph;
    }
    throw new NotFoundError(`Cannot find ${uuidToText(id)} in ${this.name}`, {
      hint: "before ingest-graph, a repository knows datasets by ID but not quanta",
    });
  }
}

/** Loaded where a file is read: once a RUN is ingested, its documents are in the graph. */
async function documentForms(): Promise<
  typeof import("../provenance/documents/document_forms.ts")
> {
  return await import(
    import.meta.resolve("../provenance/documents/document_forms.ts")
  ) as typeof import("../provenance/documents/document_forms.ts");
}

function idSelector(id: Uint8Array, { words }: Selector): Selector {
  return { kind: "id", id, words };
}
