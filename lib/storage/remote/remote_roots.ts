/**
 * The stores in which the datastores of a repository are, and which of them a place is in.
 *
 * @module
 */

import type { Storage } from "./storage.ts";

/** A root in a remote store. */
export interface RemoteRoot {
  /** What places below it begin with. */
  rootSlash: string;
  storage: Storage;
}

/** Something in a remote store. */
export interface RemotePlace {
  storage: Storage;
  /** Path below the storage's root. */
  path: string;
}

/** All roots of one repository that are in remote stores; there may be none. */
export class RemoteRoots implements Disposable {
  readonly all: readonly RemoteRoot[];

  /** Closing them closes the storages. */
  constructor(all: readonly RemoteRoot[]) {
    this.all = all;
  }

  /** The storage of a root; null if it isn't one of these. */
  storage(root: string): Storage | null {
    return this.all.find(({ rootSlash }) => rootSlash === `${root}/`)?.storage ?? null;
  }

  /** Which root a place is below; null if none. */
  find(place: string): RemotePlace | null {
    const root = this.all.find(({ rootSlash }) => place.startsWith(rootSlash));
    return root === undefined
      ? null
      : { storage: root.storage, path: place.slice(root.rootSlash.length) };
  }

  [Symbol.dispose](): void {
    for (const { storage } of this.all) storage[Symbol.dispose]();
  }
}
