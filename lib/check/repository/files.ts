/**
 * Files that a check looks at, on disks or in remote stores.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { EnvironmentError, NotFoundError, UnusableFileError } from "../../base/errors.ts";
import { openNamedGraph } from "../../qg/absent_graph.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import { DEFAULT_MAX_FILE_SIZE } from "../../storage/file_source.ts";
import { isFile } from "../../storage/path_kind.ts";
import { copyHere, type LocalCopy } from "../../storage/remote/local_copy.ts";
import { openRemoteRoots } from "../../storage/remote/open_storage.ts";
import type { RemoteRoots } from "../../storage/remote/remote_roots.ts";
import type { Storage } from "../../storage/remote/storage.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";

/** What is asked of a file. */
interface FileFacts {
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970 by the clock of who keeps it; 0 if that isn't told. */
  modifiedMs: number;
}

/** Files of a repository. Paths are absolute, or places below the roots of remote stores. */
export class CheckedFiles implements Disposable {
  readonly #roots: RemoteRoots;
  readonly #env: Environment;

  private constructor(roots: RemoteRoots, env: Environment) {
    this.#roots = roots;
    this.#env = env;
  }

  /** Opens the stores of some roots; nothing is asked yet. */
  static async open(roots: readonly string[], env: Environment): Promise<CheckedFiles> {
    return new CheckedFiles(await openRemoteRoots(roots, { env }), env);
  }

  /** The storage of a remote root; null for one on a disk. */
  storage(root: string): Storage | null {
    return this.#roots.storage(root);
  }

  /** Where the root is missing, nothing is known of any file: a disk may not be mounted. */
  async requireRoot(root: string): Promise<void> {
    const storage = this.storage(root);
    if (storage !== null) {
      if (await storage.look()) return;
      throw new EnvironmentError(`Cannot check datastore "${root}": there is no such directory`, {
        hint: "check datastore.root in the repository's configuration, and the server",
      });
    }
    try {
      if (Deno.statSync(root).isDirectory) return;
    } catch (error) {
      if (!isAbsence(error)) throw fileError("look at the datastore's root", root, error);
    }
    throw new EnvironmentError(`Cannot check datastore "${root}": there is no such directory`, {
      hint: "mount its disk, or check datastore.root in the repository's configuration",
    });
  }

  /** Whether a file is there; of a place in a store that isn't the repository's nothing is known, so true. */
  async isThere(path: string): Promise<boolean> {
    if (!isRemoteUri(path)) return isFile(path);
    return this.#roots.find(path) === null || await this.facts(path) !== null;
  }

  /** Null if the file isn't there. */
  async facts(path: string): Promise<FileFacts | null> {
    const remote = this.#roots.find(path);
    if (remote !== null) {
      const version = await remote.storage.stat(remote.path);
      return version && { size: version.size, modifiedMs: version.modifiedMs ?? 0 };
    }
    try {
      const { size, mtime } = Deno.statSync(path);
      return { size, modifiedMs: mtime?.getTime() ?? 0 };
    } catch (error) {
      if (isAbsence(error)) return null;
      throw fileError("look at file", path, error);
    }
  }

  /** A whole file in a remote store; null if it isn't there, or larger than any that is recorded. */
  async readWhole(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const remote = this.#roots.find(path)!;
    try {
      return (await remote.storage.readWhole(remote.path, DEFAULT_MAX_FILE_SIZE))?.bytes ?? null;
    } catch (error) {
      if (error instanceof UnusableFileError) return null;
      throw error;
    }
  }

  /** Opens a graph. @throws {NotFoundError} if it isn't there. */
  async openGraph(path: string): Promise<ByteSource> {
    const remote = this.#roots.find(path);
    if (remote === null) return openNamedGraph(path);
    const source = await remote.storage.open(remote.path);
    if (source !== null) return source;
    throw new NotFoundError(`Cannot open graph "${path}": there is no such file`);
  }

  /** A copy of a remote file on this machine; null for what is here. */
  async copy(path: string): Promise<LocalCopy | null> {
    if (this.#roots.find(path) === null) return null;
    const source = await this.openGraph(path);
    try {
      return await copyHere(source, path.slice(path.lastIndexOf("/") + 1), this.#env);
    } finally {
      source.close();
    }
  }

  [Symbol.dispose](): void {
    this.#roots[Symbol.dispose]();
  }
}
