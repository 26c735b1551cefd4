/**
 * Deletes original files, many at a time, in a worker of its own while the next batch is registered.
 *
 * @module
 */

import { absolutePath } from "../butler/datastore_path.ts";
import type { WorkerReply } from "../base/worker_loop.ts";
import { failpoint } from "../store/failpoints.ts";
import { fileError } from "../store/file_source.ts";
import { type FileStamp, requireStamp } from "../store/file_stamp.ts";

/**
 * Deletions under way at a time. Where each waits for the disk, one by one takes four times as long, and 48
 * a third longer; each takes a thread of the runtime, of which there are at most 512.
 */
const N_IN_FLIGHT = 192;

/** What may be deleted. */
export interface DeleterOrders {
  /** Absolute path; nothing outside is ever deleted. */
  root: string;
  /**
   * Files modified later than this, in milliseconds since 1970, stay: they were written after the graph, so
   * their content is not in it.
   */
  newestMs: number;
  /** The graph that has the content, and which file that is: while it is there. */
  graph: { path: string; stamp: FileStamp };
}

/** What a deleter is told. */
export type DeleterRequest =
  | { kind: "setup"; orders: DeleterOrders; isFirst: boolean }
  | { kind: "delete"; batch: number; paths: string[] }
  | { kind: "end" };

/** What it answers. */
export type DeleterReply =
  | {
    kind: "deleted";
    batch: number;
    nDeleted: number;
    nAbsent: number;
    newer: string[];
    seconds: number;
  }
  | WorkerReply;

/** Deletes files below a root. */
export class Deleter {
  readonly #orders: DeleterOrders;

  constructor(orders: DeleterOrders) {
    this.#orders = orders;
  }

  /**
   * Deletes files. One that isn't there is no error: an earlier process may have got that far.
   *
   * @param paths Relative to the root.
   * @throws {EnvironmentError} for the first that can't be deleted, when all have been tried; if the graph
   *   isn't there any more, at once.
   */
  async delete(
    paths: readonly string[],
  ): Promise<{ nDeleted: number; nAbsent: number; newer: string[]; seconds: number }> {
    const startMs = performance.now();
    const { root, newestMs, graph } = this.#orders;
    failpoint("delete.before");
    if (paths.length > 0) requireStamp(graph.path, graph.stamp, "graph");
    let next = 0;
    let nDeleted = 0;
    let nAbsent = 0;
    const newer: string[] = [];
    let failure: unknown = null;
    const run = async () => {
      while (next < paths.length) {
        const relativePath = paths[next++];
        const path = absolutePath(root, relativePath);
        try {
          const info = Deno.statSync(path);
          if ((info.mtime?.getTime() ?? 0) > newestMs) {
            newer.push(relativePath);
            continue;
          }
          await Deno.remove(path);
          nDeleted++;
          failpoint("delete.one");
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) nAbsent++;
          else failure ??= fileError("delete original file", path, error);
        }
      }
    };
    await Promise.all(Array.from({ length: N_IN_FLIGHT }, run));
    if (failure !== null) throw failure;
    failpoint("delete.batch");
    return { nDeleted, nAbsent, newer, seconds: (performance.now() - startMs) / 1000 };
  }
}
