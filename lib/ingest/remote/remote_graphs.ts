/**
 * Graphs in remote stores: how they get there, and whether they still are what was put there. A store has
 * no names for unfinished files, links or locks: a graph is there whole after one request, or isn't.
 * Source: `schema/resume.md`, "Remote datastores".
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import {
  EnvironmentError,
  NotFoundError,
  ProvgraphError,
  RefusedError,
} from "../../base/errors.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import { failpoint } from "../../storage/failpoints.ts";
import type { FileSource } from "../../storage/file_source.ts";
import { copyHere } from "../../storage/remote/local_copy.ts";
import type { ObjectVersion } from "../../storage/remote/object_version.ts";
import type { RemotePlace, RemoteRoots } from "../../storage/remote/remote_roots.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";
import { isSameObject, type ReadableGraph } from "./placed_graph.ts";
import { planToTemplate, type TransferPlan } from "../transfer.ts";
import type { TransferMode } from "../transfer_mode.ts";

/** Bytes that are compared at once. */
const PIECE_SIZE = 2 ** 24;

/** Transfers that stores can do. */
const REMOTE_MODES: ReadonlySet<TransferMode> = new Set(["auto", "copy", "move"]);

/**
 * Makes sure that a graph that was given by its URI can be ingested so.
 *
 * @throws {RefusedError} if it can't: nothing has been changed.
 */
export function requireModeOfUri(mode: TransferMode, uri: string): void {
  if (REMOTE_MODES.has(mode)) return;
  throw new RefusedError(
    `Cannot ingest graph "${uri}" with transfer "${mode}": it is in a remote store, ` +
      (mode === "direct"
        ? "and datasets backed by a graph outside the datastore could not be found"
        : "which has no links"),
    { hint: 'use transfer "copy", "move" or "auto"' },
  );
}

/**
 * Plans how a graph gets into a datastore that is in a remote store, as `planTransfer()`.
 *
 * @param source Absolute path of a local file, or where an earlier process has put it in this store.
 * @throws {RefusedError} if the mode can't work: nothing has been changed.
 */
export function planRemoteTransfer(
  mode: TransferMode,
  source: string,
  root: string,
  templatePath: string,
): TransferPlan {
  const plan = planToTemplate("put", source, root, templatePath);
  if (isRemoteUri(source)) {
    const inside = source.slice(root.length + 1);
    return {
      ...plan,
      target: source,
      graphRecordPath: mode === "direct" ? StorageUrl.parse(root).child(inside).text : inside,
      backedRecordPath: inside,
      how: "in place",
    };
  }
  if (REMOTE_MODES.has(mode)) return { ...plan, deleteSource: mode === "move" };
  throw new RefusedError(
    `Cannot ingest graph "${source}" with transfer "${mode}": the datastore is in the remote store ` +
      `"${root}", ` +
      (mode === "direct"
        ? "and datasets backed by a graph outside could not be found"
        : "which has no links"),
    { hint: 'use transfer "copy", "move" or "auto"' },
  );
}

/** Places of graphs below remote roots. */
export class RemoteGraphs implements Disposable {
  readonly #roots: RemoteRoots;
  readonly #env: Environment;

  /** @param roots Closed with this. */
  constructor(roots: RemoteRoots, env: Environment) {
    this.#roots = roots;
    this.#env = env;
  }

  /** The store that a place is in, and its path there. */
  at(place: string): RemotePlace {
    const found = this.#roots.find(place);
    if (found !== null) return found;
    throw new RefusedError(`Cannot use "${place}": it lies outside the datastore`, {
      hint: "remove run_provenance from the RUN with the butler and ingest it with another mode",
    });
  }

  /** What is at a place; null if nothing is. */
  async versionAt(path: string): Promise<ObjectVersion | null> {
    const at = this.at(path);
    return await at.storage.stat(at.path);
  }

  /** Whether something is at a place that hasn't the bytes of an opened file. */
  async isTaken(path: string, source: FileSource): Promise<boolean> {
    return await this.versionAt(path) !== null && !await this.isContentOf(path, source);
  }

  /** Whether what is at a place has the bytes of an opened file. */
  async isContentOf(path: string, source: FileSource): Promise<boolean> {
    const version = await this.versionAt(path);
    if (version === null || version.size !== source.size) return false;
    const at = this.at(path);
    const other = await at.storage.open(at.path);
    if (other === null) return false;
    try {
      if (other.size !== source.size) return false;
      for (let offset = 0; offset < source.size; offset += PIECE_SIZE) {
        const length = Math.min(PIECE_SIZE, source.size - offset);
        const [a, b] = [await other.read(offset, length), source.readSync(offset, length)];
        for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
      }
      return true;
    } finally {
      other.close();
    }
  }

  /** As `carryOutTransfer()`. */
  async carryOut(plan: TransferPlan, source: FileSource): Promise<ObjectVersion> {
    const { target } = plan;
    const at = this.at(target);
    if (plan.how === "put" && await this.versionAt(target) === null) {
      try {
        await at.storage.put(at.path, source, { mustBeNew: true, skipsLook: true });
      } catch (error) {
        // A request that was sent twice finds what it has put there: the content decides below.
        if (!(error instanceof RefusedError) || await this.versionAt(target) === null) {
          throw asEnvironmentError(error);
        }
      }
      failpoint("transfer.named");
    }
    const before = await this.versionAt(target);
    if (before !== null && await this.isContentOf(target, source)) {
      const after = await this.versionAt(target);
      if (after !== null && isSameObject(before, after)) return after;
    }
    throw new EnvironmentError(
      `Cannot ingest graph "${plan.source}": "${target}" is not the graph that was checked; another ` +
        "process has put another one there, or replaced the one that was given",
      { hint: "find out which process works on it, then run the same command again" },
    );
  }

  /** Makes sure that a place has what was seen there. */
  async require(path: string, expected: ObjectVersion): Promise<void> {
    const found = await this.versionAt(path);
    if (found !== null && isSameObject(found, expected)) return;
    const state = found === null
      ? "is not there any more"
      : `was written to since it was checked (${expected.size} bytes then, ${found.size} now)`;
    throw new EnvironmentError(`Cannot go on with graph "${path}": it ${state}`, {
      hint:
        "find out which process works on it, then run the same command again: it checks the file anew",
    });
  }

  /** Removes what is at a place. */
  async remove(path: string): Promise<void> {
    const at = this.at(path);
    await at.storage.deleteMany([at.path]);
  }

  /** Opens what is at a place, by ranges. */
  async openToRead(path: string): Promise<ByteSource> {
    const at = this.at(path);
    const source = await at.storage.open(at.path);
    if (source !== null) return source;
    throw new NotFoundError(`Cannot open graph "${path}": there is no such file`);
  }

  /** Copies what is at a place to this machine. */
  async fetch(path: string): Promise<ReadableGraph> {
    const stamp = await this.versionAt(path);
    const source = await this.openToRead(path);
    try {
      const copy = await copyHere(source, path.slice(path.lastIndexOf("/") + 1), this.#env);
      try {
        if (stamp === null) {
          throw new NotFoundError(`Cannot open graph "${path}": it comes and goes`);
        }
        await this.require(path, stamp);
        return { path: copy.path, copy, placed: { path, stamp } };
      } catch (error) {
        copy[Symbol.dispose]();
        throw error;
      }
    } finally {
      source.close();
    }
  }

  [Symbol.dispose](): void {
    this.#roots[Symbol.dispose]();
  }
}

/** Something may have been changed by now: refusals end with 1, not with 2. */
function asEnvironmentError(error: unknown): unknown {
  if (!(error instanceof ProvgraphError) || error.exitCode !== 2) return error;
  return new EnvironmentError(error.message, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
