/**
 * Where a repository keeps what quanta left behind: original files, by record or predicted path, and
 * the provenance graphs of its RUNs.
 *
 * @module
 */

import type { DataIdValue } from "../butler/dimensions/data_id.ts";
import type { FileDatastore } from "../butler/datastore/datastore.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import { PROVENANCE_FORMATTER } from "../butler/registry/provenance_dataset.ts";
import { withRecords } from "../butler/dimensions/record_fetch.ts";
import { type RecordedFile, recordedPlace } from "../butler/datastore/recorded_file.ts";
import type { Registry } from "../butler/registry/registry.ts";
import type { RepositoryConfig } from "../butler/config/repo_config.ts";
import type { StoredAs } from "../provenance/documents/document_forms.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { isRemoteUri, StorageUrl } from "../storage/remote/storage_url.ts";
import type { Environment } from "../base/environment.ts";
import type { Zstd } from "../codec/zstd.ts";
import { GraphDocuments } from "./graph_source.ts";
import { RepositoryFiles } from "./repository/repository_files.ts";

/** A task and, but for configs, the quantum that is meant. */
export interface Target {
  run: string;
  label: string;
  required: DataIdValue[];
}

/** A file, or a member of one, that holds a dataset, and how it is to be read. */
export interface FilePlace extends RecordedFile, StoredAs {
  readonly kind: "file";
}

/** Where the stored form of a dataset is. */
export type Place =
  | FilePlace
  | { kind: "graph"; id: Uint8Array; path: string }
  | { kind: "none" };

/** Contents of a repository. */
export class RepositoryStore implements AsyncDisposable {
  /** How messages call it. */
  readonly name: string;
  readonly config: RepositoryConfig;
  readonly registry: Registry;
  readonly #zstd: Zstd;
  readonly #files: RepositoryFiles;
  readonly #graphs = new Map<string, GraphDocuments>();
  #datastore: FileDatastore | null = null;

  /** @param registry Is closed with the store. */
  constructor(config: RepositoryConfig, registry: Registry, zstd: Zstd, env: Environment) {
    this.name = `repository "${config.argument}"`;
    this.config = config;
    this.registry = registry;
    this.#zstd = zstd;
    this.#files = new RepositoryFiles(config.datastore.root, env);
  }

  /** Where a dataset is: its record says so; without one, the file may be at its predicted path. */
  async place(typeName: string, run: string, required: readonly DataIdValue[]): Promise<Place> {
    const id = await this.registry.findDataset(typeName, run, required);
    const record = id === null ? undefined : (await this.registry.records(id))[0];
    if (id !== null && record !== undefined) {
      const { formatter, storageClass } = record;
      const file = this.#recordedFile(record.path);
      return formatter === PROVENANCE_FORMATTER
        ? { kind: "graph", id, path: file.path }
        : { kind: "file", ...file, typeName, formatter, storageClass };
    }
    if (await this.graphOf(run) !== null) return { kind: "none" };
    return await this.#predictedPlace(typeName, run, required) ?? { kind: "none" };
  }

  #recordedFile(path: string): RecordedFile {
    return recordedPlace(path, this.config.datastore.root);
  }

  /** By the name of an older release only if nothing has today's. */
  async #predictedPlace(
    typeName: string,
    run: string,
    required: readonly DataIdValue[],
  ): Promise<FilePlace | null> {
    const type = await this.registry.findDatasetType(typeName);
    if (type === null) return null;
    // Loaded when needed: once a RUN is ingested, there is a record for everything.
    const { FileDatastore } = await import(
      import.meta.resolve("../butler/datastore/datastore.ts")
    ) as typeof import("../butler/datastore/datastore.ts");
    this.#datastore ??= new FileDatastore(this.config, this.registry.universe, {
      mockStorageClasses: true,
    });
    const { root } = this.#datastore;
    const plan = this.#datastore.plan(type, run);
    const values = await this.registry.expandDataId(type.group, required);
    if (!plan.accepts(values)) return null;
    const records = await this.registry.dimensionRecordSource();
    const [today, older] = await withRecords(() => [
      plan.path(values, records),
      plan.olderPath(values, records),
    ]);
    const isThere = (name: string) => this.#files.has(absolutePath(root, name));
    const name = older !== null && !await isThere(today!) && await isThere(older) ? older : today!;
    return {
      kind: "file",
      path: absolutePath(root, name),
      zipMember: null,
      typeName,
      formatter: plan.formatter,
      storageClass: plan.storageClass,
    };
  }

  /**
   * Content of a file or of the member that a record names; null if there is none.
   *
   * @throws {EnvironmentError} if it can't be read.
   * @throws {InvalidQuantumGraphFileError} if it is in a ZIP file that is damaged.
   */
  async readFile(file: RecordedFile): Promise<Uint8Array | null> {
    return await this.#files.read(file);
  }

  /** The graph that a RUN holds as run_provenance, or null. */
  async graphOf(run: string): Promise<GraphDocuments | null> {
    const path = await this.graphPathOf(run);
    return path === null ? null : await this.graph(path);
  }

  /** Path of the graph that a RUN holds as run_provenance, or null. */
  async graphPathOf(run: string): Promise<string | null> {
    const found = await this.registry.findRunProvenance(run);
    return found === null ? null : this.#recordedFile(found.record.path).path;
  }

  /** The graph at a path; opened once. */
  async graph(path: string): Promise<GraphDocuments> {
    let graph = this.#graphs.get(path);
    if (graph === undefined) {
      graph = new GraphDocuments(
        await ProvenanceGraph.open(await this.#files.open(path), this.#zstd),
        !isRemoteUri(path),
      );
      this.#graphs.set(path, graph);
    }
    return graph;
  }

  /** The URI of a file in a remote store that {@linkcode graphPathOf} has told about. */
  uriOf(path: string): string {
    const { root } = this.config.datastore;
    return path.startsWith(`${root}/`)
      ? StorageUrl.parse(root).child(path.slice(root.length + 1)).text
      : path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const graph of this.#graphs.values()) await graph[Symbol.asyncDispose]();
    this.#files[Symbol.dispose]();
    await this.registry[Symbol.asyncDispose]();
  }
}
