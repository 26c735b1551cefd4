/**
 * Files of quanta in remote stores: many requests under way at once, each answer kept until the quantum
 * that wants it has been scanned.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { UnusableFileError } from "../../base/errors.ts";
import {
  DEFAULT_MAX_FILE_SIZE,
  fileIdentity,
  type FileVersion,
  hasRegularFile,
  readWholeFile,
  type ReusableBuffer,
  type WholeFile,
} from "../../storage/file_source.ts";
import type { ObjectVersion } from "../../storage/remote/object_version.ts";
import { openRemoteRoots } from "../../storage/remote/open_storage.ts";
import type { RemoteRoot, RemoteRoots } from "../../storage/remote/remote_roots.ts";
import { windowShare } from "../../storage/remote/request_window.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { Turns, type WantedFile } from "../../storage/whole_files.ts";
import { ListedFiles } from "./listed_files.ts";
import type { FetchedFile, RemoteKnowledge } from "./remote_knowledge.ts";
import type { LookForFile, ScanFiles } from "./scan_files.ts";

/** Turns that are begun at once: more than the window takes, which has the last word. */
const N_TURNS_AHEAD = 64;
/** Contents that are handed on to scanners, so that they aren't asked for twice; bytes. */
const MAX_HANDED_ON = 2 ** 24;

/** A file of which at least the version is known. */
interface KnownFile {
  version: FileVersion;
  bytes: Uint8Array<ArrayBuffer> | null;
}

type Fact = KnownFile | null | { error: unknown };

/** Files below roots some of which are in remote stores. */
export class RemoteScanFiles implements ScanFiles {
  readonly mayMiss = true;
  readonly #roots: RemoteRoots;
  readonly #fetched: ReadonlyMap<string, FetchedFile>;
  readonly #listed: ListedFiles | null;
  readonly #facts = new Map<string, Fact>();
  /** Paths whose turn hasn't ended, be it one of the next batch. */
  readonly #ahead = new Set<string>();
  /** Paths that were asked for, and whether their content was. */
  readonly #missing = new Map<string, boolean>();

  private constructor(roots: RemoteRoots, knowledge: RemoteKnowledge | null) {
    this.#roots = roots;
    this.#fetched = knowledge?.fetched ?? new Map();
    this.#listed = knowledge === null || knowledge.listed === null
      ? null
      : new ListedFiles(knowledge.listed);
  }

  /**
   * Opens the stores of some roots.
   *
   * @param roots Of datastores: local ones need nothing.
   * @param nReaders How many of these are at work in this process.
   * @param knowledge What another thread has found out, which has made sure that the stores answer.
   */
  static async open(
    roots: readonly string[],
    env: Environment,
    nReaders: number,
    knowledge: RemoteKnowledge | null,
  ): Promise<RemoteScanFiles> {
    const opened = await openRemoteRoots(roots, {
      env,
      maxRequests: windowShare(nReaders),
      isContinued: knowledge !== null,
    });
    return new RemoteScanFiles(opened, knowledge);
  }

  /** The storages with what paths of their files begin with. */
  get storages(): readonly RemoteRoot[] {
    return this.#roots.all;
  }

  get isMissing(): boolean {
    return this.#missing.size > 0;
  }

  read(path: string, buffer: ReusableBuffer): WholeFile | null {
    if (!isRemoteUri(path)) return readWholeFile(path, buffer);
    const fact = this.#fact(path, true);
    if (fact === null || fact.bytes === null) return null;
    return { ...fact.version, size: fact.bytes.length, bytes: fact.bytes };
  }

  identity(path: string): FileVersion | null {
    if (!isRemoteUri(path)) return fileIdentity(path);
    return this.#fact(path, false)?.version ?? null;
  }

  readonly exists: LookForFile = (path) =>
    isRemoteUri(path) ? this.#fact(path, false) !== null : hasRegularFile(path);

  turns(n: number, wantedAt: (turn: number) => readonly WantedFile[]): Turns {
    return new Turns(n, N_TURNS_AHEAD, {
      isWorthwhile: () => true,
      begin: (turn) => {
        const files = wantedAt(turn).filter(({ path }) => isRemoteUri(path));
        for (const { path } of files) this.#ahead.add(path);
        return files;
      },
      readAhead: async ({ path, isContentWanted }) => {
        if (this.#needs(path, isContentWanted)) await this.#fetch(path, isContentWanted);
      },
      forget: (path) => {
        this.#ahead.delete(path);
        this.#facts.delete(path);
      },
    });
  }

  missing(): Promise<void> | null {
    if (this.#missing.size === 0) return null;
    const wanted = [...this.#missing];
    this.#missing.clear();
    return Promise.all(wanted.map(([path, isContent]) => this.#fetch(path, isContent)))
      .then(() => {});
  }

  endBatch(): void {
    for (const path of this.#facts.keys()) if (!this.#ahead.has(path)) this.#facts.delete(path);
    this.#missing.clear();
  }

  /** What was read so far, for other threads. */
  handOn(): Map<string, FetchedFile> {
    const files = new Map<string, FetchedFile>();
    let nBytes = 0;
    for (const [path, fact] of this.#facts) {
      if (fact === null) files.set(path, null);
      else if ("bytes" in fact && fact.bytes !== null) {
        nBytes += fact.bytes.length;
        if (nBytes > MAX_HANDED_ON) break;
        files.set(path, { version: fact.version, bytes: fact.bytes });
      }
    }
    return files;
  }

  close(): void {
    this.#roots[Symbol.dispose]();
  }

  /** What is known of a file, as far as it goes; what isn't known yet counts as absent meanwhile. */
  #fact(path: string, isContentWanted: boolean): KnownFile | null {
    if (this.#needs(path, isContentWanted)) {
      this.#missing.set(path, isContentWanted || this.#missing.get(path) === true);
      return null;
    }
    const fact = this.#known(path);
    if (fact === undefined || fact === null) return null;
    if ("error" in fact) throw fact.error;
    return fact;
  }

  #needs(path: string, isContentWanted: boolean): boolean {
    const fact = this.#known(path);
    if (fact === undefined) return true;
    return isContentWanted && fact !== null && "bytes" in fact && fact.bytes === null;
  }

  #known(path: string): Fact | undefined {
    const fact = this.#facts.get(path);
    if (fact !== undefined) return fact;
    const fetched = this.#fetched.get(path);
    if (fetched !== undefined) return fetched;
    if (this.#listed === null || !this.#listed.covers(path)) return undefined;
    const listed = this.#listed.version(path);
    return listed === null
      ? null
      : { version: fileVersion({ ...listed, modifiedMs: null }), bytes: null };
  }

  /** Never fails: what goes wrong is told to who asks for the file. */
  async #fetch(path: string, isContentWanted: boolean): Promise<void> {
    try {
      const at = this.#roots.find(path);
      if (at === null) throw new Error(`"${path}" is below no datastore`);
      if (!isContentWanted) {
        const version = await at.storage.stat(at.path);
        this.#facts.set(path, version && { version: fileVersion(version), bytes: null });
        return;
      }
      const file = await at.storage.readWhole(at.path, DEFAULT_MAX_FILE_SIZE);
      this.#facts.set(path, file && { version: fileVersion(file.version), bytes: file.bytes });
    } catch (error) {
      this.#facts.set(path, { error: asFileError(error, path) });
    }
  }
}

/** Where a store tells nothing but sizes, no version is that of another time. */
function fileVersion({ size, tag, isExact = false }: ObjectVersion): FileVersion {
  const seenMs = Date.now();
  return {
    size,
    mtimeNs: tag ?? BigInt(seenMs),
    ctimeMs: null,
    inode: null,
    ...(isExact && tag !== null ? { tag } : {}),
    seenMs,
  };
}

/** Errors that say something of the file itself stay what they are. */
function asFileError(error: unknown, path: string): unknown {
  return error instanceof UnusableFileError || error instanceof Error
    ? error
    : new Error(`${path}: ${error}`);
}
