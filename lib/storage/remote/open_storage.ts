/**
 * Opening the storage of a place; what its scheme needs is loaded then and not before.
 *
 * @module
 */

import { NotFoundError } from "../../base/errors.ts";
import type { ByteSource } from "../byte_source.ts";
import { type RemoteRoot, RemoteRoots } from "./remote_roots.ts";
import type { Storage, StorageContext } from "./storage.ts";
import { isRemoteUri, StorageUrl } from "./storage_url.ts";

/**
 * Opens the storage of a root. What a scheme needs is loaded here and not before.
 *
 * @throws {UsageError} if the scheme isn't supported, or its configuration can't work.
 */
export async function openStorage(
  root: StorageUrl | string,
  context: StorageContext,
): Promise<Storage> {
  const url = typeof root === "string" ? StorageUrl.parse(root) : root;
  switch (url.scheme) {
    case "file": {
      const { LocalStorage } = await import(
        import.meta.resolve("./local_storage.ts")
      ) as typeof import("./local_storage.ts");
      return new LocalStorage(url);
    }
    case "mem": {
      const { MemoryStorage } = await import(
        import.meta.resolve("./memory_storage.ts")
      ) as typeof import("./memory_storage.ts");
      return new MemoryStorage(url);
    }
    case "s3": {
      const { S3Storage } = await import(
        import.meta.resolve("./s3/s3_storage.ts")
      ) as typeof import("./s3/s3_storage.ts");
      return await S3Storage.open(url, context);
    }
    case "dav":
    case "davs": {
      const { DavStorage } = await import(
        import.meta.resolve("./dav/dav_storage.ts")
      ) as typeof import("./dav/dav_storage.ts");
      return await DavStorage.open(url, context);
    }
  }
}

/**
 * Opens the stores of all roots that are in remote ones; nothing is asked yet but WebDAV servers what they
 * are.
 *
 * @param roots Those on disks are left out.
 * @throws {ProvgraphError} as {@linkcode openStorage}; then none stays open.
 */
export async function openRemoteRoots(
  roots: readonly string[],
  context: StorageContext,
): Promise<RemoteRoots> {
  using opened = new DisposableStack();
  const all: RemoteRoot[] = [];
  for (const root of roots.filter(isRemoteUri)) {
    all.push({ rootSlash: `${root}/`, storage: opened.use(await openStorage(root, context)) });
  }
  opened.move();
  return new RemoteRoots(all);
}

/**
 * Opens one file at a URI by ranges, with a storage of its own that closing it closes.
 *
 * @param what it is, for messages ("graph").
 * @throws {NotFoundError} if it is absent.
 * @throws {EnvironmentError} if the store can't be reached or doesn't let us in.
 */
export async function openRemoteFile(
  what: string,
  uri: string,
  context: StorageContext,
): Promise<ByteSource> {
  const url = StorageUrl.parse(uri);
  const storage = await openStorage(url.parent, context);
  let source: ByteSource | null = null;
  try {
    source = await storage.open(url.name);
  } finally {
    if (source === null) storage[Symbol.dispose]();
  }
  if (source === null) {
    throw new NotFoundError(`Cannot open ${what} "${url.text}": there is no such file`);
  }
  const opened = source;
  return {
    name: opened.name,
    size: opened.size,
    read: (offset, length) => opened.read(offset, length),
    close: () => {
      opened.close();
      storage[Symbol.dispose]();
    },
  };
}
