/**
 * A place that holds files: local directory, bucket, WebDAV collection, or memory, behind one interface.
 * Absent, present and unknown are three answers: absence is `null`, and given only after a definite answer;
 * what can't be found out is an error.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import type { ByteSource } from "../byte_source.ts";
import type { ObjectVersion } from "./object_version.ts";
import type { StorageUrl } from "./storage_url.ts";

/** A file with its content. */
export interface WholeObject {
  bytes: Uint8Array<ArrayBuffer>;
  version: ObjectVersion;
}

/** A file of a list; its path is relative to the storage's root. */
export interface ListedObject {
  path: string;
  version: ObjectVersion;
}

/** What a storage can do; layers above ask for these, never for a scheme. */
export interface StorageCapabilities {
  /** Files lie on this machine and are read without waiting. */
  isLocal: boolean;
  /** Files that one request deletes; 1 if each needs its own. */
  bulkDelete: number;
  /** A list takes what begins with any text, not only whole directories. */
  listsByPrefix: boolean;
  /** Directories are things of their own, which stay when they are empty. */
  hasDirectories: boolean;
}

/** How a file is put. */
export interface PutOptions {
  /** Refuse to replace a file. */
  mustBeNew: boolean;
  /** The caller has looked whether there is one: only the store's own condition keeps a new file from replacing it. */
  skipsLook?: boolean;
}

/** What is known of a store and of us there. Nothing secret is in it. */
export interface StorageFacts {
  /** Where requests go; null if none are needed. */
  address: string | null;
  /** What identifies us: a variable, or a file with its profile; null if nothing is needed. */
  identity: string | null;
  /** What else matters, in words: region, kind of server. */
  details: readonly string[];
  /** How far the store's clock is ahead of ours, milliseconds; null if it hasn't told. Whole seconds count. */
  clockOffsetMs: number | null;
  /** Requests sent so far. */
  nRequests: number;
}

/** Result of {@linkcode Storage.deleteMany}. */
export interface Deleted {
  nDeleted: number;
  /** How many weren't there; null if the store doesn't tell. */
  nAbsent: number | null;
}

/** Files below one root. Paths are relative to it, with "/" between elements, and not quoted. */
export interface Storage extends Disposable {
  /** Where it is. */
  readonly root: StorageUrl;
  readonly capabilities: StorageCapabilities;

  /**
   * Makes sure that the store answers, lets us in and has a root, by one or two requests. To be called
   * once before anything is taken for absent.
   *
   * @returns whether there is such a root; where there are no directories, whether there is a bucket.
   * @throws {RefusedError} if it lets us not in: credentials, permissions.
   * @throws {EnvironmentError} if it can't be reached.
   */
  look(): Promise<boolean>;

  /** What is known of it, by what was asked so far. */
  facts(): StorageFacts;

  /**
   * A whole file; null if it is absent.
   *
   * @throws {UnusableFileError} if it has more than `maxSize` bytes.
   */
  readWhole(path: string, maxSize: number): Promise<WholeObject | null>;

  /** What a file is now; null if it is absent. */
  stat(path: string): Promise<ObjectVersion | null>;

  /** A file by ranges, all of one version: a read fails if it changed. Null if it is absent. */
  open(path: string): Promise<ByteSource | null>;

  /**
   * All files whose paths begin with a prefix; where `listsByPrefix` is false it must be a directory with
   * "/" at its end (or empty), whose files are listed at every depth. In no order.
   *
   * @param nWanted How many the caller will take: a store may take long to make a whole page.
   * @throws {EnvironmentError} if the list can't be read to its end.
   */
  list(prefix: string, nWanted?: number): AsyncIterable<ListedObject>;

  /**
   * Stores a file: afterwards it is there whole, or what was there before is.
   *
   * @throws {RefusedError} if it must be new and isn't.
   */
  put(path: string, source: ByteSource, how: PutOptions): Promise<ObjectVersion>;

  /** As {@linkcode put}, of a file in the same storage, whose content the store copies if it can. */
  copyInside(from: string, to: string, how: PutOptions): Promise<ObjectVersion>;

  /**
   * Deletes files; one that is absent is no error. All are tried before the first failure is thrown.
   *
   * @param onGone Told how many more are gone.
   */
  deleteMany(paths: readonly string[], onGone?: (n: number) => void): Promise<Deleted>;
}

/** What a storage is opened with. */
export interface StorageContext {
  env: Environment;
  /** Told what somebody should know though it isn't an error. */
  warn?: (message: string) => void;
  /** Most requests at once. */
  maxRequests?: number;
  /** Something was done with the store before, so that refused credentials have expired. */
  isContinued?: boolean;
  /** Stops everything. */
  signal?: AbortSignal;
}
