/**
 * Where graphs are in datastores, on disks or in remote stores, behind one set of questions: what is at a
 * place, whether it has the bytes of a file, and putting it there.
 *
 * @module
 */

import { dirname } from "../../base/paths.ts";
import { fsyncDirectory, removeIfPresent } from "../../storage/durable_file.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import { FileSource } from "../../storage/file_source.ts";
import { requireStamp, stampAt } from "../../storage/file_stamp.ts";
import type { Storage } from "../../storage/remote/storage.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { removeLeftovers } from "../../storage/temporary_file.ts";
import type { MovedSource, PlacedGraph, PlaceStamp, ReadableGraph } from "./placed_graph.ts";
import type { RemoteGraphs } from "./remote_graphs.ts";
import {
  carryOutTransfer,
  isContentOf,
  isTargetTaken,
  planTransfer,
  type TransferPlan,
} from "../transfer.ts";
import type { TransferMode } from "../transfer_mode.ts";

/** All places of a repository. */
export class GraphPlaces implements Disposable {
  /** Null if all roots are on disks. */
  readonly #remote: RemoteGraphs | null;

  /** @param remote Closed with this; null if all roots are on disks. */
  constructor(remote: RemoteGraphs | null) {
    this.#remote = remote;
  }

  /** Those of repositories that are on disks. */
  static local(): GraphPlaces {
    return new GraphPlaces(null);
  }

  /**
   * Deletes a graph that was given by its URI, when all else is done.
   *
   * @param targets The graph in the datastores that have it.
   */
  async deleteMoved(
    uri: string,
    graph: FileSource,
    targets: readonly string[],
  ): Promise<MovedSource> {
    const { deleteMovedObject } = await import(
      import.meta.resolve("./moved_object.ts")
    ) as typeof import("./moved_object.ts");
    return await deleteMovedObject(uri, graph, targets.filter(isRemoteUri), this.#remote!);
  }

  /** The storage of a remote root. */
  storage(root: string): Storage {
    return this.#remote!.at(`${root}/`).storage;
  }

  /**
   * Plans how a graph gets to its place, as `planTransfer()`.
   *
   * @param source Absolute path of a local file, or a place in the same store.
   */
  async plan(
    mode: TransferMode,
    source: string,
    root: string,
    templatePath: string,
  ): Promise<TransferPlan> {
    if (!isRemoteUri(root)) return planTransfer(mode, source, root, templatePath);
    const { planRemoteTransfer } = await import(
      import.meta.resolve("./remote_graphs.ts")
    ) as typeof import("./remote_graphs.ts");
    return planRemoteTransfer(mode, source, root, templatePath);
  }

  /** What is at a place; null if nothing is. */
  async stampAt(path: string): Promise<PlaceStamp | null> {
    return isRemoteUri(path) ? await this.#remote!.versionAt(path) : stampAt(path);
  }

  /** Whether a place has the bytes of an opened file. */
  async isContentOf(path: string, source: FileSource): Promise<boolean> {
    return isRemoteUri(path)
      ? await this.#remote!.isContentOf(path, source)
      : isContentOf(path, source);
  }

  /** Whether something else than the graph is at a plan's target, which is never replaced. */
  async isTaken(plan: TransferPlan, source: FileSource): Promise<boolean> {
    if (!isRemoteUri(plan.target)) return isTargetTaken(plan, source);
    return plan.how !== "in place" && await this.#remote!.isTaken(plan.target, source);
  }

  /**
   * Carries a plan out, as `carryOutTransfer()`: durably, idempotently, never replacing anything.
   *
   * @returns what is at the target then.
   */
  async carryOut(plan: TransferPlan, source: FileSource): Promise<PlaceStamp> {
    return isRemoteUri(plan.target)
      ? await this.#remote!.carryOut(plan, source)
      : carryOutTransfer(plan, source);
  }

  /** Removes what killed processes were about to put at a place. */
  removeLeftovers(path: string): void {
    if (!isRemoteUri(path)) removeLeftovers(path, true);
  }

  /**
   * Makes sure that a graph is still what was put there, or checked.
   *
   * @throws {EnvironmentError} if it isn't.
   */
  async require({ path, stamp }: PlacedGraph): Promise<void> {
    if ("dev" in stamp) requireStamp(path, stamp, "graph");
    else await this.#remote!.require(path, stamp);
  }

  /** Removes what is at a place, durably. */
  async remove(path: string): Promise<void> {
    if (isRemoteUri(path)) return await this.#remote!.remove(path);
    removeIfPresent(path);
    fsyncDirectory(dirname(path));
  }

  /** Opens what is at a place. @throws {NotFoundError} if nothing is. */
  async openToRead(path: string): Promise<ByteSource> {
    return isRemoteUri(path) ? await this.#remote!.openToRead(path) : FileSource.open(path);
  }

  /** Copies a graph in a remote store to this machine; one on a disk is read where it is. */
  async fetch(path: string): Promise<ReadableGraph> {
    return isRemoteUri(path) ? await this.#remote!.fetch(path) : { path, copy: null, placed: null };
  }

  [Symbol.dispose](): void {
    this.#remote?.[Symbol.dispose]();
  }
}
