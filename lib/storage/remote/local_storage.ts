/**
 * A local directory as a storage.
 *
 * @module
 */

import { EnvironmentError } from "../../base/errors.ts";
import { dirname } from "../../base/paths.ts";
import type { ByteSource } from "../byte_source.ts";
import { fsyncDirectory } from "../durable_file.ts";
import {
  fileIdentity,
  FileSource,
  type FileVersion,
  readWholeFile,
  ReusableBuffer,
} from "../file_source.ts";
import { requireRegularFile } from "../regular_file.ts";
import { TemporaryFile } from "../temporary_file.ts";
import type { ObjectVersion } from "./object_version.ts";
import type {
  Deleted,
  ListedObject,
  PutOptions,
  Storage,
  StorageFacts,
  WholeObject,
} from "./storage.ts";
import type { StorageUrl } from "./storage_url.ts";
import { TakenNameError } from "./taken_name_error.ts";
import { fileError, isAbsence } from "../file_errors.ts";

/** Bytes that are copied at once. */
const PIECE_SIZE = 2 ** 22;

/** Files below a directory. */
export class LocalStorage implements Storage {
  readonly root: StorageUrl;
  readonly capabilities = {
    isLocal: true,
    bulkDelete: 1,
    listsByPrefix: false,
    hasDirectories: true,
  };

  constructor(root: StorageUrl) {
    this.root = root;
  }

  look(): Promise<boolean> {
    return settled(() => {
      try {
        return Deno.statSync(this.root.path).isDirectory;
      } catch (error) {
        if (isAbsence(error)) return false;
        throw fileError("look at directory", this.root.path, error);
      }
    });
  }

  facts(): StorageFacts {
    return { address: null, identity: null, details: [], clockOffsetMs: null, nRequests: 0 };
  }

  readWhole(path: string, maxSize: number): Promise<WholeObject | null> {
    return settled(() => {
      const file = readWholeFile(this.#path(path), new ReusableBuffer(1), maxSize);
      return file === null ? null : { bytes: file.bytes, version: objectVersion(file) };
    });
  }

  stat(path: string): Promise<ObjectVersion | null> {
    return settled(() => {
      const absolute = this.#path(path);
      const version = fileIdentity(absolute);
      if (version === null) return null;
      requireRegularFile(absolute, Deno.statSync(absolute));
      return objectVersion(version);
    });
  }

  open(path: string): Promise<ByteSource | null> {
    return settled(() => {
      const absolute = this.#path(path);
      return fileIdentity(absolute) === null ? null : FileSource.open(absolute);
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    const directory = prefix.replace(/\/$/, "");
    if (directory !== "") this.#path(directory);
    yield* this.#listed(directory);
  }

  *#listed(directory: string): Generator<ListedObject> {
    const absolute = directory === "" ? this.root.path : this.#path(directory);
    let entries: Deno.DirEntry[];
    try {
      entries = [...Deno.readDirSync(absolute)];
    } catch (error) {
      if (isAbsence(error)) return;
      throw fileError("read directory", absolute, error);
    }
    for (const entry of entries) {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory) yield* this.#listed(path);
      else if (entry.isFile) {
        const version = fileIdentity(this.#path(path));
        if (version !== null) yield { path, version: objectVersion(version) };
      }
    }
  }

  async put(path: string, source: ByteSource, { mustBeNew }: PutOptions): Promise<ObjectVersion> {
    const absolute = this.#path(path);
    makeDirectories(dirname(absolute));
    if (mustBeNew) await this.#requireAbsent(path);
    using file = TemporaryFile.create(absolute);
    for (let at = 0; at < source.size; at += PIECE_SIZE) {
      const piece = await source.read(at, Math.min(PIECE_SIZE, source.size - at));
      writeAll(file, piece);
    }
    try {
      file.file.syncSync();
    } catch (error) {
      throw fileError("make durable file", absolute, error);
    }
    if (mustBeNew) await this.#requireAbsent(path);
    file.publish();
    const version = await this.stat(path);
    if (version?.size !== source.size) {
      throw new EnvironmentError(
        `Cannot store file "${absolute}": somebody else has replaced it meanwhile`,
      );
    }
    return version;
  }

  async copyInside(from: string, to: string, how: PutOptions): Promise<ObjectVersion> {
    const source = FileSource.open(this.#path(from));
    try {
      return await this.put(to, source, how);
    } finally {
      source.close();
    }
  }

  async deleteMany(paths: readonly string[], onGone?: (n: number) => void): Promise<Deleted> {
    let nDeleted = 0;
    let nAbsent = 0;
    let failure: unknown = null;
    for (const path of paths) {
      const absolute = this.#path(path);
      try {
        Deno.removeSync(absolute);
        nDeleted++;
      } catch (error) {
        if (!isAbsence(error)) {
          failure ??= fileError("delete file", absolute, error);
          continue;
        }
        nAbsent++;
      }
      onGone?.(1);
    }
    if (failure !== null) throw failure;
    return await Promise.resolve({ nDeleted, nAbsent });
  }

  [Symbol.dispose](): void {}

  #path(relative: string): string {
    return this.root.child(relative).path;
  }

  async #requireAbsent(path: string): Promise<void> {
    if (await this.stat(path) === null) return;
    throw new TakenNameError(`Cannot store file "${this.#path(path)}": there is one already`);
  }
}

function objectVersion({ size, mtimeNs }: FileVersion): ObjectVersion {
  return { size, tag: mtimeNs, modifiedMs: Number(mtimeNs / 1_000_000n) };
}

function writeAll({ file, finalPath }: TemporaryFile, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
  } catch (error) {
    throw fileError("write file", finalPath, error);
  }
}

/** Makes a directory and those above it, each durable in the one above. */
function makeDirectories(path: string): void {
  try {
    Deno.mkdirSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    if (!isAbsence(error) || path === dirname(path)) throw fileError("make directory", path, error);
    makeDirectories(dirname(path));
    return makeDirectories(path);
  }
  fsyncDirectory(dirname(path));
}

/** What a function gives or throws, as a promise. */
function settled<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}
