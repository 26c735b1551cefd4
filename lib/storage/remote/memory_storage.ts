/**
 * A storage in memory, for tests: it keeps what it is given, in one thread, as long as it lives.
 *
 * @module
 */

import { EnvironmentError, NotFoundError, UnusableFileError } from "../../base/errors.ts";
import type { ByteSource } from "../byte_source.ts";
import { checkRange } from "../file_errors.ts";
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

interface Stored {
  bytes: Uint8Array<ArrayBuffer>;
  version: ObjectVersion;
}

/** Files in a map. */
export class MemoryStorage implements Storage {
  readonly root: StorageUrl;
  readonly capabilities = {
    isLocal: false,
    bulkDelete: 1000,
    listsByPrefix: true,
    hasDirectories: false,
  };
  readonly #files = new Map<string, Stored>();
  #nPuts = 0n;

  constructor(root: StorageUrl) {
    this.root = root;
  }

  look(): Promise<boolean> {
    return Promise.resolve(true);
  }

  facts(): StorageFacts {
    return { address: null, identity: null, details: [], clockOffsetMs: null, nRequests: 0 };
  }

  async readWhole(path: string, maxSize: number): Promise<WholeObject | null> {
    const file = this.#at(path);
    if (file === null) return null;
    if (file.bytes.length > maxSize) {
      throw new UnusableFileError(
        "read file",
        this.#text(path),
        `it has ${file.bytes.length} bytes, more than the ${maxSize} allowed`,
      );
    }
    return await Promise.resolve({ bytes: file.bytes.slice(), version: file.version });
  }

  async stat(path: string): Promise<ObjectVersion | null> {
    return await Promise.resolve(this.#at(path)?.version ?? null);
  }

  async open(path: string): Promise<ByteSource | null> {
    const file = this.#at(path);
    if (file === null) return null;
    const name = this.#text(path);
    return await Promise.resolve({
      name,
      size: file.bytes.length,
      // deno-lint-ignore require-await
      read: async (offset: number, length: number) => {
        checkRange(name, file.bytes.length, offset, length);
        if (this.#at(path) !== file) {
          throw new EnvironmentError(`Cannot read "${name}": it has changed meanwhile`, {
            hint: "run the same command again",
          });
        }
        return file.bytes.slice(offset, offset + length);
      },
      close: () => {},
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    for (const [path, { version }] of [...this.#files]) {
      if (path.startsWith(prefix)) yield await Promise.resolve({ path, version });
    }
  }

  async put(path: string, source: ByteSource, { mustBeNew }: PutOptions): Promise<ObjectVersion> {
    const read = await source.read(0, source.size);
    if (mustBeNew && this.#at(path) !== null) {
      throw new TakenNameError(`Cannot store "${this.#text(path)}": it is there already`);
    }
    const version = {
      size: read.length,
      tag: ++this.#nPuts,
      isExact: true,
      modifiedMs: Date.now(),
    };
    this.#files.set(this.#key(path), { bytes: read.slice(), version });
    return version;
  }

  async copyInside(from: string, to: string, how: PutOptions): Promise<ObjectVersion> {
    const source = await this.open(from);
    if (source === null) {
      throw new NotFoundError(`Cannot copy "${this.#text(from)}": it isn't there`);
    }
    return await this.put(to, source, how);
  }

  async deleteMany(paths: readonly string[], onGone?: (n: number) => void): Promise<Deleted> {
    let nDeleted = 0;
    for (const path of paths) {
      if (this.#files.delete(this.#key(path))) nDeleted++;
      onGone?.(1);
    }
    return await Promise.resolve({ nDeleted, nAbsent: paths.length - nDeleted });
  }

  [Symbol.dispose](): void {}

  #at(path: string): Stored | null {
    return this.#files.get(this.#key(path)) ?? null;
  }

  #text(path: string): string {
    return this.root.child(path).text;
  }

  #key(path: string): string {
    const { path: whole } = this.root.child(path);
    return whole.slice(this.root.path === "/" ? 1 : this.root.path.length + 1);
  }
}
