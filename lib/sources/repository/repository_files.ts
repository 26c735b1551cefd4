/**
 * Files that records name: on local disks, or in remote stores.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { NotFoundError, RefusedError } from "../../base/errors.ts";
import type { RecordedFile } from "../../butler/datastore/recorded_file.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import {
  fileIdentity,
  FileSource,
  readWholeFile,
  ReusableBuffer,
} from "../../storage/file_source.ts";
import type { Storage } from "../../storage/remote/storage.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";
import type { PlacedFiles } from "./place.ts";

/** Largest file, or member of a ZIP file, that is read whole; bytes. */
const MAX_SIZE = 2 ** 30;

/** Reads files of one repository. */
export class RepositoryFiles implements PlacedFiles {
  readonly #roots: readonly string[];
  readonly #env: Environment;
  /** By the text of their roots. */
  readonly #storages = new Map<string, Promise<Storage>>();

  /** @param roots Those of the datastores: paths, or URIs in remote stores. */
  constructor(roots: readonly string[], env: Environment) {
    this.#roots = roots;
    this.#env = env;
  }

  /** Whether a file is there. */
  async has(path: string): Promise<boolean> {
    if (!isRemoteUri(path)) return fileIdentity(path) !== null;
    const { storage, relative } = await this.#remote(path);
    return await storage.stat(relative) !== null;
  }

  /**
   * Content of a file, or of a member of one; null if it is absent.
   *
   * @throws {EnvironmentError} if it can't be read.
   * @throws {InvalidQuantumGraphFileError} if it is in a ZIP file that is damaged.
   */
  async read({ path, zipMember }: RecordedFile): Promise<Uint8Array | null> {
    if (isRemoteUri(path)) return await this.#readRemote(path, zipMember);
    if (zipMember === null) return readWholeFile(path, new ReusableBuffer())?.bytes ?? null;
    if (fileIdentity(path) === null) return null;
    const { readZipMember } = await import(
      import.meta.resolve("../../codec/zip_file.ts")
    ) as typeof import("../../codec/zip_file.ts");
    return await readZipMember(path, zipMember, MAX_SIZE);
  }

  /**
   * A file by ranges.
   *
   * @throws {NotFoundError} if it is absent.
   */
  async open(path: string): Promise<ByteSource> {
    if (!isRemoteUri(path)) return FileSource.open(path);
    const { storage, relative } = await this.#remote(path);
    const source = await storage.open(relative);
    if (source !== null) return source;
    throw new NotFoundError(`Cannot open file "${path}": it isn't there`);
  }

  [Symbol.dispose](): void {
    for (const opening of this.#storages.values()) {
      opening.then((storage) => storage[Symbol.dispose](), () => {});
    }
    this.#storages.clear();
  }

  async #readRemote(path: string, zipMember: string | null): Promise<Uint8Array | null> {
    if (zipMember !== null) {
      throw new RefusedError(
        `Cannot read "${zipMember}" of "${path}": ZIP files in remote stores aren't supported`,
      );
    }
    const { storage, relative } = await this.#remote(path);
    return (await storage.readWhole(relative, MAX_SIZE))?.bytes ?? null;
  }

  /** Below the root paths aren't quoted; elsewhere they are URIs. */
  async #remote(path: string): Promise<{ storage: Storage; relative: string }> {
    const root = this.#roots.find((each) => path.startsWith(`${each}/`));
    if (root !== undefined) {
      const storage = await this.#storage(root);
      return { storage, relative: path.slice(root.length + 1) };
    }
    const url = StorageUrl.parse(path);
    return { storage: await this.#storage(url.parent.text), relative: url.name };
  }

  #storage(root: string): Promise<Storage> {
    let storage = this.#storages.get(root);
    if (storage === undefined) {
      storage = loadStorage().then(({ openStorage }) => openStorage(root, { env: this.#env }));
      this.#storages.set(root, storage);
    }
    return storage;
  }
}

async function loadStorage(): Promise<typeof import("../../storage/remote/open_storage.ts")> {
  return await import(import.meta.resolve("../../storage/remote/open_storage.ts"));
}
