/**
 * What all parts of a repository check share: the RUN, registry and datastore, where things are, and
 * how commands are worded.
 *
 * @module
 */

import { dirname, relative } from "node:path";
import { ProvgraphError } from "../base/errors.ts";
import type { DatasetType } from "../butler/dataset_ref.ts";
import { absolutePath, FileDatastore } from "../butler/datastore.ts";
import { localPath, uriScheme } from "../butler/local_path.ts";
import { PROVENANCE_STORAGE_CLASS, RUN_PROVENANCE } from "../butler/provenance_dataset.ts";
import type { Registry } from "../butler/registry.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import { commandLine, type Findings } from "./check_findings.ts";
import type { Env } from "./repository_store.ts";

/** Storage classes of what a graph backs, for when no graph says which types these are. */
export const BACKED_STORAGE_CLASSES: ReadonlySet<string> = new Set([
  "TaskMetadata",
  "PropertySet",
  "ButlerLogRecords",
  "Config",
]);

/** Options of a repository check. */
export interface CheckRepositoryOptions {
  /** As the user wrote it. */
  repository: string;
  run: string;
  /** A provenance graph that isn't ingested yet: absolute path and as the user wrote it. */
  graph: { path: string; argument: string } | null;
  /** Read every block of the graph as well. */
  readData: boolean;
}

/** The surroundings of one repository check. */
export class CheckContext {
  readonly options: CheckRepositoryOptions;
  readonly config: RepositoryConfig;
  readonly registry: Registry;
  readonly env: Env;
  readonly findings: Findings;
  readonly datastore: FileDatastore;
  /** Where the file template puts the graph, relative to the root. */
  readonly templatePath: string;
  /** The RUN as file templates write it. */
  readonly runPath: string;
  readonly #typeByName = new Map<string, DatasetType | null>();

  constructor(
    options: CheckRepositoryOptions,
    config: RepositoryConfig,
    registry: Registry,
    env: Env,
    findings: Findings,
  ) {
    this.options = options;
    this.config = config;
    this.registry = registry;
    this.env = env;
    this.findings = findings;
    this.datastore = new FileDatastore(config, registry.universe, { mockStorageClasses: true });
    const provenanceType: DatasetType = {
      name: RUN_PROVENANCE,
      group: registry.universe.group([]),
      storageClass: PROVENANCE_STORAGE_CLASS,
      isCalibration: false,
    };
    this.templatePath = this.datastore.plan(provenanceType, options.run)
      .path([], { column: () => undefined });
    this.runPath = dirname(dirname(this.templatePath));
  }

  /** Path relative to the datastore's root, or null if it lies elsewhere. */
  relativePath(path: string): string | null {
    const from = relative(this.config.datastore.root, path);
    return from === "" || from.startsWith("..") || from.startsWith("/") ? null : from;
  }

  /** Command line of this tool; REPO and RUN stand for those checked. */
  command(...words: string[]): string {
    const { repository, run } = this.options;
    return commandLine(
      "provgraph",
      ...words.map((word) => word === "REPO" ? repository : word === "RUN" ? run : word),
    );
  }

  /** Command with which the butler removes a dataset whose content is lost. */
  async pruneCommand(id: Uint8Array): Promise<string> {
    const { repository, run } = this.options;
    const info = await this.registry.datasetInfo(id);
    const type = info === null ? null : await this.type(info.typeName);
    const words = ["butler", "prune-datasets", repository, run, "--purge", run];
    if (info !== null) words.push("--datasets", info.typeName);
    if (info !== null && type !== null && info.required.length > 0) {
      words.push(
        "--where",
        type.group.required.map((name, i) => {
          const value = info.required[i];
          return `${name}=${
            typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : value
          }`;
        }).join(" AND "),
      );
    }
    return commandLine(...words, "--no-confirm");
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

  /** Absolute path of a record, or null if it isn't a local file inside the rules. */
  recordedFile(recordPath: string): string | null {
    const { root } = this.config.datastore;
    try {
      if (uriScheme(recordPath) !== null || recordPath.startsWith("/")) {
        return localPath(recordPath, this.env, root, "datastore record");
      }
      return absolutePath(root, recordPath);
    } catch (error) {
      if (error instanceof ProvgraphError) return null;
      throw error;
    }
  }
}

/** Whether a regular file, or a link to one, is at a path. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}
