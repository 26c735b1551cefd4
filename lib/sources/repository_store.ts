/**
 * Where a repository keeps what quanta left behind: original files, by record or predicted path, and
 * the provenance graphs of its RUNs.
 *
 * @module
 */

import type { DatastoreChain } from "../butler/datastore/datastore_chain.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import { PROVENANCE_FORMATTER } from "../butler/registry/provenance_dataset.ts";
import { withRecords } from "../butler/dimensions/record_fetch.ts";
import { type RecordedFile, recordedPlace } from "../butler/datastore/recorded_file.ts";
import type { DatastoreRecord, Registry } from "../butler/registry/registry.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { isRemoteUri, StorageUrl } from "../storage/remote/storage_url.ts";
import type { Zstd } from "../codec/zstd.ts";
import { GraphDocuments } from "./graph_source.ts";
import type { FilePlace, Place, PlacedFiles } from "./repository/place.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";

/** Contents of a repository. */
export class RepositoryStore implements AsyncDisposable {
  /** How messages call it. */
  readonly name: string;
  readonly config: RepositoryConfig;
  readonly registry: Registry;
  readonly #zstd: Zstd;
  readonly #files: PlacedFiles;
  readonly #graphs = new Map<string, GraphDocuments>();
  #datastores: DatastoreChain | null = null;

  /**
   * @param registry Is closed with the store.
   * @param files Those that records name; closed likewise.
   */
  constructor(
    config: RepositoryConfig,
    registry: Registry,
    files: PlacedFiles,
    zstd: Zstd,
  ) {
    this.name = `repository "${config.argument}"`;
    this.config = config;
    this.registry = registry;
    this.#zstd = zstd;
    this.#files = files;
  }

  /** Where a dataset is: its record says so; without one, the file may be at its predicted path. */
  async place(typeName: string, run: string, required: readonly DataIdValue[]): Promise<Place> {
    const id = await this.registry.findDataset(typeName, run, required);
    const stored = id === null ? null : await this.#stored(id);
    if (id !== null && stored !== null) {
      const { record: { formatter, storageClass }, file } = stored;
      return formatter === PROVENANCE_FORMATTER
        ? { kind: "graph", id, path: file.path }
        : { kind: "file", ...file, typeName, formatter, storageClass };
    }
    if (await this.graphOf(run) !== null) return { kind: "none" };
    return await this.#predictedPlace(typeName, run, required) ?? { kind: "none" };
  }

  /** Record and file of a dataset in the first datastore that has the file, or else a record. */
  async #stored(id: Uint8Array): Promise<{ record: DatastoreRecord; file: RecordedFile } | null> {
    let first: { record: DatastoreRecord; file: RecordedFile } | null = null;
    const { datastores } = this.config;
    for (const [i, { root }] of datastores.entries()) {
      const [record] = await this.registry.ofDatastore(i).records(id);
      if (record === undefined) continue;
      const file = recordedPlace(record.path, root);
      first ??= { record, file };
      if (datastores.length === 1 || await this.#files.has(file.path)) return { record, file };
    }
    return first;
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
    const { DatastoreChain } = await import(
      import.meta.resolve("../butler/datastore/datastore_chain.ts")
    ) as typeof import("../butler/datastore/datastore_chain.ts");
    this.#datastores ??= new DatastoreChain(this.config, this.registry.universe, {
      mockStorageClasses: true,
    });
    const { members } = this.#datastores;
    const plan = this.#datastores.plan(type, run);
    const values = await this.registry.expandDataId(type.group, required);
    const records = await this.registry.dimensionRecordSource();
    const places = await withRecords(() => plan.paths(values, records));
    const files = places.flatMap(({ datastore, paths }) =>
      paths.map((path) => absolutePath(members[datastore].root, path))
    );
    if (files.length === 0) return null;
    return {
      kind: "file",
      path: files.length === 1 ? files[0] : await this.#firstThere(files),
      zipMember: null,
      typeName,
      formatter: plan.first.formatter,
      storageClass: plan.first.storageClass,
    };
  }

  /** The first file that is there; the first of all if none is. */
  async #firstThere(files: readonly string[]): Promise<string> {
    for (const path of files) if (await this.#files.has(path)) return path;
    return files[0];
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
    return found === null ? null : (await this.#stored(found.id))!.file.path;
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
    const root = this.config.datastores.map((each) => each.root)
      .find((each) => path.startsWith(`${each}/`));
    return root === undefined
      ? path
      : StorageUrl.parse(root).child(path.slice(root.length + 1)).text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const graph of this.#graphs.values()) await graph[Symbol.asyncDispose]();
    this.#files[Symbol.dispose]();
    await this.registry[Symbol.asyncDispose]();
  }
}
