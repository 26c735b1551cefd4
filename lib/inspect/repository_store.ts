/**
 * Where a repository keeps what quanta left behind: original files, by record or predicted path, and
 * the provenance graphs of its RUNs.
 *
 * @module
 */

import { InvalidQuantumGraphFileError, NotFoundError } from "../base/errors.ts";
import { ByteBuilder } from "../base/bytes.ts";
import { basename } from "../base/paths.ts";
import type { DataIdValue } from "../butler/data_id.ts";
import { absolutePath, FileDatastore } from "../butler/datastore.ts";
import { localPath, uriScheme } from "../butler/local_path.ts";
import { withRecords } from "../butler/record_fetch.ts";
import type { Registry } from "../butler/registry.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import { parseLogFile } from "../provenance/log_records.ts";
import {
  assembleAttempts,
  type LogSource,
  type MetadataSource,
  writeLogBlock,
  writeMetadataBlock,
} from "../provenance/scan_quantum.ts";
import { parseTaskMetadata } from "../provenance/task_metadata.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { FileSource, readWholeFile, ReusableBuffer } from "../store/file_source.ts";
import type { Zstd } from "../store/zstd.ts";
import { PROVENANCE_FORMATTER } from "./check_context.ts";
import { type AttemptDocuments, attemptDocuments } from "./documents.ts";
import { GraphDocuments } from "./graph_documents.ts";
import { missingReason } from "./quantum_document.ts";

/** The process's environment variables, or a test's. */
export type Env = { get(name: string): string | undefined };

/** A task and, but for configs, the quantum that is meant. */
export interface Target {
  run: string;
  label: string;
  required: DataIdValue[];
}

/** Where the stored form of a dataset is. */
export type Place =
  | { kind: "file"; path: string }
  | { kind: "graph"; id: Uint8Array; path: string }
  | { kind: "none" };

/** Contents of a repository. */
export class RepositoryStore implements AsyncDisposable {
  /** How messages call it. */
  readonly name: string;
  readonly config: RepositoryConfig;
  readonly registry: Registry;
  readonly #env: Env;
  readonly #zstd: Zstd;
  readonly #graphs = new Map<string, GraphDocuments>();
  #datastore: FileDatastore | null = null;

  /** @param registry Is closed with the store. */
  constructor(config: RepositoryConfig, registry: Registry, env: Env, zstd: Zstd) {
    this.name = `repository "${config.argument}"`;
    this.config = config;
    this.registry = registry;
    this.#env = env;
    this.#zstd = zstd;
  }

  /** Where a dataset is: its record says so; without one, the file may be at its predicted path. */
  async place(typeName: string, run: string, required: readonly DataIdValue[]): Promise<Place> {
    const id = await this.registry.findDataset(typeName, run, required);
    const record = id === null ? undefined : (await this.registry.records(id))[0];
    if (id !== null && record !== undefined) {
      const path = this.#recordPath(record.path);
      return record.formatter === PROVENANCE_FORMATTER
        ? { kind: "graph", id, path }
        : { kind: "file", path };
    }
    if (await this.graphOf(run) !== null) return { kind: "none" };
    const path = await this.#predictedPath(typeName, run, required);
    return path === null ? { kind: "none" } : { kind: "file", path };
  }

  #recordPath(path: string): string {
    return uriScheme(path) === null
      ? absolutePath(this.config.datastore.root, path)
      : localPath(path, this.#env, this.config.datastore.root, "datastore record");
  }

  async #predictedPath(
    typeName: string,
    run: string,
    required: readonly DataIdValue[],
  ): Promise<string | null> {
    const type = await this.registry.findDatasetType(typeName);
    if (type === null) return null;
    this.#datastore ??= new FileDatastore(this.config, this.registry.universe, {
      mockStorageClasses: true,
    });
    const plan = this.#datastore.plan(type, run);
    const values = await this.registry.expandDataId(type.group, required);
    if (!plan.accepts(values)) return null;
    const records = await this.registry.dimensionRecordSource();
    const path = await withRecords(() => plan.path(values, records));
    return absolutePath(this.#datastore.root, path);
  }

  /** As the aggregator would record it, from the files that the attempts left. */
  async attemptsInFiles(
    kind: "log" | "metadata",
    { run, label, required }: Target,
  ): Promise<AttemptDocuments> {
    const paths: string[] = [];
    const read = async <T>(
      suffix: "log" | "metadata",
      parse: (bytes: Uint8Array, label: string) => T,
    ): Promise<{ bytes: Uint8Array; parsed: T } | null> => {
      const place = await this.place(`${label}_${suffix}`, run, required);
      if (place.kind !== "file") return null;
      paths.push(place.path);
      const bytes = this.readFile(place.path);
      return bytes && { bytes, parsed: parsing(place.path, () => parse(bytes, label)) };
    };
    const logFile = await read("log", parseLogFile);
    const metadataFile = await read("metadata", parseTaskMetadata);
    if (logFile === null && metadataFile === null) {
      throw new NotFoundError(
        `Cannot read ${kind} of "${label}" in RUN "${run}" of ${this.name}: there is neither a log ` +
          `nor a metadata file${paths.map((path) => `\n${path}`).join("")}`,
        { hint: "the quantum was blocked or not run, or it died before it could write" },
      );
    }
    const log: LogSource | null = logFile && { bytes: logFile.bytes, file: logFile.parsed };
    const metadata: MetadataSource | null = metadataFile &&
      { bytes: metadataFile.bytes, document: metadataFile.parsed };
    const { attempts } = parsing(paths[0], () => assembleAttempts(log, metadata, false));
    const out = new ByteBuilder();
    if (kind === "log") writeLogBlock(out, attempts, log?.bytes ?? null);
    else writeMetadataBlock(out, attempts);
    const views = attempts.map(({ status }) => ({
      status,
      caveats: 0,
      exception: null,
      usage: null,
    }));
    return attemptDocuments(
      out.take(),
      `${kind} of "${label}" in ${this.name}`,
      (attempt) => Promise.resolve(missingReason(kind, { attempts: views }, attempt)),
    );
  }

  /** A whole file, or null if there is none. @throws {EnvironmentError} if it can't be read. */
  readFile(path: string): Uint8Array | null {
    return readWholeFile(path, new ReusableBuffer())?.bytes ?? null;
  }

  /** The graph that a RUN holds as run_provenance, or null. */
  async graphOf(run: string): Promise<GraphDocuments | null> {
    const path = await this.graphPathOf(run);
    return path === null ? null : await this.graph(path);
  }

  /** Path of the graph that a RUN holds as run_provenance, or null. */
  async graphPathOf(run: string): Promise<string | null> {
    const found = await this.registry.findRunProvenance(run);
    return found === null ? null : this.#recordPath(found.record.path);
  }

  /** The graph at a path; opened once. */
  async graph(path: string): Promise<GraphDocuments> {
    let graph = this.#graphs.get(path);
    if (graph === undefined) {
      graph = new GraphDocuments(
        await ProvenanceGraph.open(FileSource.open(path), this.#zstd),
      );
      this.#graphs.set(path, graph);
    }
    return graph;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const graph of this.#graphs.values()) await graph[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
  }
}

function parsing<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new InvalidQuantumGraphFileError(
      `Cannot use file "${path}": ${cause.message}`,
      { cause, hint: `look at ${basename(path)} itself; aggregate-graph records it as absent` },
    );
  }
}
