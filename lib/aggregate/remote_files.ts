/**
 * What an aggregation finds out about files in remote stores before it scans: whether the stores answer,
 * whether the RUN has left anything, and of many files by lists what a request for each would tell.
 *
 * @module
 */

import type { Environment } from "../base/environment.ts";
import type { ChunkTable } from "../chunks/table.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { WholeFiles } from "../storage/whole_files.ts";
import type { ListedTable } from "./scan/listed_files.ts";
import type { RemoteKnowledge } from "./scan/remote_knowledge.ts";
import type { RemoteScanFiles } from "./scan/remote_scan_files.ts";
import { LocalScanFiles, type ScanFiles } from "./scan/scan_files.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";

/**
 * Lists are worth their while where so great a share of the quanta is to be looked at only: a page of a
 * list by prefix tells a thousand files, one of a directory those that are in it.
 */
const MIN_SHARE = { byPrefix: 1 / 200, byDirectory: 1 / 20 };

/** Files of quanta for the main thread. */
export class AggregationFiles implements Disposable {
  /** On disks, or in stores that some of them are in. */
  readonly files: ScanFiles;
  readonly #remote: RemoteScanFiles | null;

  private constructor(files: ScanFiles, remote: RemoteScanFiles | null) {
    this.files = files;
    this.#remote = remote;
  }

  /** Opens the stores of a repository; nothing is asked yet. */
  static async open(config: RepositoryConfig, env: Environment): Promise<AggregationFiles> {
    const roots = config.datastores.map(({ root }) => root);
    if (!roots.some(isRemoteUri)) {
      return new AggregationFiles(new LocalScanFiles(new WholeFiles("never", 1)), null);
    }
    const { RemoteScanFiles } = await import(
      import.meta.resolve("./scan/remote_scan_files.ts")
    ) as typeof import("./scan/remote_scan_files.ts");
    const remote = await RemoteScanFiles.open(roots, env, 1, null);
    return new AggregationFiles(remote, remote);
  }

  /**
   * Makes sure that every store answers.
   *
   * @returns URIs of roots that aren't there.
   */
  async missingRoots(): Promise<string[]> {
    const missing: string[] = [];
    for (const { storage } of this.#remote?.storages ?? []) {
      if (!await storage.look()) missing.push(storage.root.text);
    }
    return missing;
  }

  /** Whether any remote root has a file below a directory. */
  async hasAnyBelow(directory: string): Promise<boolean> {
    for (const { storage } of this.#remote?.storages ?? []) {
      for await (const _ of storage.list(`${directory}/`, 1)) return true;
    }
    return false;
  }

  /**
   * What scanners are told, so that they needn't ask; null where all is on disks.
   *
   * @param isIncomplete Whether execution may go on, so that much may be absent.
   * @param reuse Chunks of an earlier run.
   */
  async knowledge(
    index: GraphIndex,
    isIncomplete: boolean,
    reuse: ChunkTable | null,
  ): Promise<RemoteKnowledge | null> {
    if (this.#remote === null) return null;
    let nKept = 0;
    for (const offset of reuse?.chunkOffset ?? []) nKept += Number(offset >= 0);
    const isByPrefix = this.#remote.storages.every(({ storage }) =>
      storage.capabilities.listsByPrefix
    );
    const minShare = isByPrefix ? MIN_SHARE.byPrefix : MIN_SHARE.byDirectory;
    const isListing = isIncomplete || nKept > index.nQuanta * minShare;
    const listed = isListing ? await this.#list(this.#remote, index) : null;
    return { fetched: this.#remote.handOn(), listed };
  }

  [Symbol.dispose](): void {
    this.files.close();
  }

  /** Where the usual templates put logs and metadata; of others it isn't known, and each is asked for. */
  async #list(remote: RemoteScanFiles, index: GraphIndex): Promise<ListedTable | null> {
    const directories = new Set<string>();
    for (const task of index.arrays.taskFiles) {
      if (task === null) continue;
      for (const type of [task.metadataType, task.logType]) {
        if (type !== "") directories.add(`${task.run}/${type}/`);
      }
    }
    const [only] = remote.storages;
    if (remote.storages.length !== 1 || directories.size === 0) return null;
    const { listFiles } = await import(
      import.meta.resolve("./scan/listed_files.ts")
    ) as typeof import("./scan/listed_files.ts");
    return await listFiles(only.storage, [...directories], only.rootSlash);
  }
}
