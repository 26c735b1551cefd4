/**
 * What all parts of a repository check share: the RUN, registry and datastore, where things are, and
 * how commands are worded.
 *
 * @module
 */

import { dirname, relative } from "node:path";
import { ProvgraphError } from "../../base/errors.ts";
import { FileDatastore } from "../../butler/datastore/datastore.ts";
import {
  type RecordedFile,
  recordedFile,
  recordedPlace,
} from "../../butler/datastore/recorded_file.ts";
import type { Registry } from "../../butler/registry/registry.ts";
import { provenancePath, provenanceType, RunsInside } from "../../butler/registry/runs_inside.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { type Advice, RunAdvice } from "../advice.ts";
import type { Findings } from "../findings.ts";
import type { CheckedFiles } from "./files.ts";
import type { RepositoryConfig } from "../../butler/config/repository_config.ts";
import type { DatasetType } from "../../butler/dimensions/dataset_type.ts";

/** Storage classes of what a graph backs, for when no graph says which types these are. */
export const BACKED_STORAGE_CLASSES: ReadonlySet<string> = new Set([
  "TaskMetadata",
  "PropertySet",
  "ButlerLogRecords",
  "Config",
]);

/** A graph to compare with. */
interface GivenGraph {
  path: string;
  argument: string;
  /** Whether it lies in another datastore of the chain, in whose check it was found. */
  isFound?: boolean;
}

/** Options of a repository check. */
export interface CheckRepositoryOptions {
  /** As the user wrote it. */
  repository: string;
  run: string;
  /** A provenance graph that isn't ingested yet: absolute path and as the user wrote it. */
  graph: GivenGraph | null;
  /** Read every block of the graph as well. */
  readData: boolean;
}

/** The surroundings of one repository check. */
export class CheckContext {
  readonly options: CheckRepositoryOptions;
  readonly config: RepositoryConfig;
  readonly registry: Registry;
  readonly files: CheckedFiles;
  readonly findings: Findings;
  readonly datastore: FileDatastore;
  /** Where the file template puts the graph, relative to the root. */
  readonly templatePath: string;
  /** The RUN as file templates write it. */
  readonly runPath: string;
  readonly advice: RunAdvice;
  #runsInside: RunsInside | null = null;
  readonly #typeByName = new Map<string, DatasetType | null>();

  constructor(
    options: CheckRepositoryOptions,
    config: RepositoryConfig,
    registry: Registry,
    files: CheckedFiles,
    findings: Findings,
  ) {
    this.options = options;
    this.config = config;
    this.registry = registry;
    this.files = files;
    this.findings = findings;
    const { repository, run, graph } = options;
    this.advice = new RunAdvice(repository, run, graph?.argument ?? null, config.ignored);
    this.datastore = new FileDatastore(config, registry.universe, { mockStorageClasses: true });
    this.templatePath = provenancePath(this.datastore, registry.universe, options.run);
    this.runPath = dirname(dirname(this.templatePath));
  }

  /** Whether the datastore takes provenance graphs; one alone is asked to, whatever it is said to. */
  get takesGraph(): boolean {
    return this.config.datastores.length === 1 ||
      this.datastore.mayAccept(provenanceType(this.registry.universe));
  }

  /** Path relative to the datastore's root, or null if it lies elsewhere. */
  relativePath(path: string): string | null {
    const { root } = this.config.datastore;
    if (isRemoteUri(root)) return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
    if (isRemoteUri(path)) return null;
    const from = relative(root, path);
    return from === "" || from.startsWith("..") || from.startsWith("/") ? null : from;
  }

  /** The RUNs whose files lie inside the directory of this one. Asked for once. */
  async runsInside(): Promise<RunsInside> {
    return this.#runsInside ??= await RunsInside.find(
      this.registry,
      this.datastore,
      this.options.run,
    );
  }

  /** How the butler removes a dataset whose content is lost. */
  async prune(id: Uint8Array): Promise<Advice> {
    const info = await this.registry.datasetInfo(id);
    const type = info === null ? null : await this.type(info.typeName);
    if (info === null || type === null || info.required.length === 0) {
      return this.advice.prune(info?.typeName ?? null, null);
    }
    const terms = type.group.required.map((name, i) => {
      const value = info.required[i];
      return `${name}=${typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : value}`;
    });
    return this.advice.prune(info.typeName, terms.join(" AND "));
  }

  /** The registered dataset type of a name, or null; looked up once. */
  async type(name: string): Promise<DatasetType | null> {
    let type = this.#typeByName.get(name);
    if (type === undefined) {
      type = await this.registry.findDatasetType(name);
      this.#typeByName.set(name, type);
    }
    return type;
  }

  /** The file of a record, or null if it isn't one inside the rules that can be looked at. */
  recordedFile(recordPath: string): RecordedFile | null {
    const { root } = this.config.datastore;
    try {
      return isRemoteUri(root) ? recordedPlace(recordPath, root) : recordedFile(recordPath, root);
    } catch (error) {
      if (error instanceof ProvgraphError) return null;
      throw error;
    }
  }
}
