/**
 * The lock that keeps two processes from one output.
 *
 * @module
 */

import { EnvironmentError, NotFoundError, ProvgraphError, RefusedError } from "../base/errors.ts";
import { isLocalFileSystem, keepAdvisoryLock, tryAdvisoryLock } from "./advisory_lock.ts";
import { removeIfPresent } from "./durable_file.ts";
import { failpoint } from "./failpoints.ts";
import {
  describeSelf,
  isConclusive,
  isForeignText,
  isGone,
  isRunning,
  type LockHolder,
  parseHolder,
} from "./lock_holder.ts";
import {
  createLocked,
  identityOf,
  kindOf,
  MAX_TRIES,
  openRegularFile,
  pathIdentity,
} from "./regular_file.ts";
import { fileError, isAbsence, systemErrorCode } from "./file_errors.ts";
import { lockDraftName } from "./temporary_name.ts";

/** How often the taking of a lock starts again because someone else was faster. */
const MAX_LOCK_ROUNDS = 20;
const LOCK_ROUND_MS = 5;
/** Bytes of a lock file that are read; its text has a few hundred. */
const MAX_LOCK_FILE_SIZE = 4096;

/**
 * A lock on a path: the file `<path>.lock`, created exclusively, on which its process keeps the advisory
 * lock; its text says to people who holds it.
 *
 * What decides is the advisory lock, which ends with its process, in whichever container it ran: a lock
 * file whose advisory lock can be had is stale and is replaced, whatever its text says. Only where
 * advisory locks don't work, or may be known to one host alone, the text is asked, and what can't be
 * known for certain is refused. Two processes that both find a lock stale don't both win: one replaces it
 * by a rename while it has the advisory lock on the stale file; the other then sees that the path leads
 * to another file and starts again. A file that is no lock of this tool is never replaced.
 */
export class LockFile implements Disposable {
  /** The lock file. */
  readonly path: string;
  #identity: string | null;
  readonly #file: Deno.FsFile;

  /** Also called when the process exits without unwinding, as at a second signal. */
  readonly #onExit = () => this.release();

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#identity = identityOf(file.statSync());
    this.#file = file;
    globalThis.addEventListener("unload", this.#onExit);
  }

  /**
   * Takes the lock on `path`.
   *
   * @throws {EnvironmentError} if another process holds it, or may; names the lock file, host, process
   *   and time, and the hint says how to tell a stale one.
   * @throws {RefusedError} if what has its name is no lock.
   */
  static acquire(path: string): LockFile {
    const lockPath = `${path}.lock`;
    const own = describeSelf();
    const { draft, file } = createDraft(path, lockPath, own);
    let lock: LockFile | null = null;
    let held: EnvironmentError | null = null;
    try {
      writeDraft(draft, file, own);
      failpoint("lock.drafted");
      for (let round = 0; round < MAX_LOCK_ROUNDS; round++) {
        if (createExclusively(draft, lockPath)) return lock = new LockFile(lockPath, file);
        const found = replaceIfStale(path, draft, lockPath, own);
        if (found === "replaced") return lock = new LockFile(lockPath, file);
        held = found === "changed" ? null : found;
        // Lets the faster one finish; a synchronous pause, as all of this is.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_ROUND_MS);
      }
    } finally {
      if (lock === null) file.close();
      removeIfPresent(draft);
    }
    throw held ?? new EnvironmentError(
      `Cannot lock "${path}": "${lockPath}" keeps changing hands`,
      { hint: "start one process at a time" },
    );
  }

  /** Gives the lock back; a second call does nothing, nor does one after the file was replaced. */
  release(): void {
    if (this.#identity === null) return;
    const identity = this.#identity;
    this.#identity = null;
    globalThis.removeEventListener("unload", this.#onExit);
    try {
      if (pathIdentity(this.path) === identity) removeIfPresent(this.path);
    } finally {
      this.#file.close();
    }
  }

  /** As {@linkcode LockFile.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** What a lock file tells to who only looks. */
interface LockState {
  /** Whether a process certainly holds it, certainly none does, or that can't be known. */
  use: "held" | "free" | "unknown";
  /** What its text says; null if that isn't whole. */
  holder: LockHolder | null;
}

/**
 * Looks at a lock file without taking the lock.
 *
 * @returns null if nothing is there, or what is there is no lock of this tool.
 */
export function inspectLock(lockPath: string): LockState | null {
  const opened = openToLook(lockPath);
  if (opened === null) return null;
  using file = opened;
  const text = readText(file);
  if (isForeignText(text)) return null;
  const holder = parseHolder(text);
  const isFree = tryAdvisoryLock(file);
  if (isFree === false) return { use: "held", holder };
  const own = describeSelf();
  if (isFree && isConclusive(holder, own, isLocalFileSystem(lockPath))) {
    return { use: "free", holder };
  }
  if (holder !== null && isGone(holder, own)) return { use: "free", holder };
  return { use: holder !== null && isRunning(holder, own) ? "held" : "unknown", holder };
}

/** For writing too, if that is permitted: locks of network file systems ask for it. */
function openToLook(lockPath: string): Deno.FsFile | null {
  for (const write of [true, false]) {
    try {
      if (!Deno.lstatSync(lockPath).isFile) return null;
      return openRegularFile(lockPath, { write }).file;
    } catch {
      // Gone, or not to be read by this user.
    }
  }
  return null;
}

/** Creates a draft, which this process keeps locked. */
function createDraft(
  path: string,
  lockPath: string,
  own: LockHolder,
): { draft: string; file: Deno.FsFile } {
  let created: ReturnType<typeof createLocked>;
  try {
    created = createLocked(() => lockDraftName(lockPath), keepAdvisoryLock);
  } catch (error) {
    throw fileError("create lock file", lockPath, error);
  }
  if (created === null) {
    throw new EnvironmentError(
      `Cannot lock "${path}": the draft of "${lockPath}" was taken away ${MAX_TRIES} times`,
      { hint: "end what removes files there, then run the same command again" },
    );
  }
  own.keepsAdvisory = created.keepsAdvisory;
  return { draft: created.path, file: created.file };
}

/** Writes what will become the lock file; no reader ever sees it half written, nor does a power cut. */
function writeDraft(draft: string, file: Deno.FsFile, own: LockHolder): void {
  try {
    const bytes = new TextEncoder().encode(JSON.stringify(own) + "\n");
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    file.syncSync();
  } catch (error) {
    throw fileError("create lock file", draft, error);
  }
}

/** Gives the draft the lock's name too; false if that is taken. A hard link is exclusive on NFS too. */
function createExclusively(draft: string, lockPath: string): boolean {
  try {
    Deno.linkSync(draft, lockPath);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    // No hard links here: an exclusive create, then a rename. A process killed in between leaves an empty
    // file without advisory lock, which is stale.
    if (
      !["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS"].includes(systemErrorCode(error) ?? "")
    ) {
      throw fileError("create lock file", lockPath, error);
    }
  }
  return claimByRename(draft, lockPath);
}

function claimByRename(draft: string, lockPath: string): boolean {
  try {
    using claim = Deno.openSync(lockPath, { read: true, write: true, createNew: true });
    // Somebody who finds the file empty and its advisory lock free takes it for stale.
    if (tryAdvisoryLock(claim) === false) return false;
    if (pathIdentity(lockPath) !== identityOf(claim.statSync())) return false;
    Deno.renameSync(draft, lockPath);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw fileError("create lock file", lockPath, error);
  }
}

/**
 * Puts the draft in place of a stale lock.
 *
 * @returns what became of it: "changed" if the lock was gone or replaced meanwhile; an error if a process
 *   has the advisory lock, who may hold the lock or be replacing it just now.
 * @throws {EnvironmentError} if the lock is certainly held, or may be.
 * @throws {RefusedError} if it is no lock.
 */
function replaceIfStale(
  path: string,
  draft: string,
  lockPath: string,
  own: LockHolder,
): "replaced" | "changed" | EnvironmentError {
  const file = openLock(path, lockPath);
  if (file === null) return "changed";
  using _file = file;
  try {
    const text = readText(file);
    if (isForeignText(text)) throw notALock(path, lockPath, "it has other content");
    const holder = parseHolder(text);
    const isFree = tryAdvisoryLock(file);
    if (isFree === false) {
      const error = heldError(path, lockPath, holder, true);
      if (holder !== null && isRunning(holder, own)) throw error;
      return error;
    }
    // The advisory lock may have been won on a file that somebody has just replaced.
    if (pathIdentity(lockPath) !== identityOf(file.statSync())) return "changed";
    const isStale = (isFree === true && isConclusive(holder, own, isLocalFileSystem(lockPath))) ||
      (holder !== null && isGone(holder, own));
    if (!isStale) throw heldError(path, lockPath, holder, false);
    Deno.renameSync(draft, lockPath);
    return "replaced";
  } catch (error) {
    if (error instanceof ProvgraphError) throw error;
    if (isAbsence(error)) return "changed";
    throw fileError("take over lock file", lockPath, error);
  }
}

/**
 * Opens what is at the lock's name; null if nothing is.
 *
 * @throws {RefusedError} if that is no regular file.
 * @throws {EnvironmentError} if it can't be opened.
 */
function openLock(path: string, lockPath: string): Deno.FsFile | null {
  try {
    // Not what a link leads to: this tool makes none here.
    const info = Deno.lstatSync(lockPath);
    if (info.isSymlink) throw notALock(path, lockPath, "it is a symbolic link");
    if (!info.isFile) throw notALock(path, lockPath, `it is ${kindOf(info)}`);
    return openRegularFile(lockPath, { action: "open lock file", write: true }).file;
  } catch (error) {
    if (isAbsence(error) || error instanceof NotFoundError) return null;
    if (error instanceof ProvgraphError) throw error;
    throw fileError("open lock file", lockPath, error);
  }
}

function readText(file: Deno.FsFile): string {
  const bytes = new Uint8Array(MAX_LOCK_FILE_SIZE);
  const size = file.readSync(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, size));
}

function notALock(path: string, lockPath: string, why: string): RefusedError {
  return new RefusedError(
    `Cannot lock "${path}": "${lockPath}" is no lock of this tool: ${why}`,
    { hint: `move "${lockPath}" elsewhere, or write to another file` },
  );
}

/** @param isUsed Whether a process certainly has the advisory lock. */
function heldError(
  path: string,
  lockPath: string,
  holder: LockHolder | null,
  isUsed: boolean,
): EnvironmentError {
  const who = holder === null
    ? `a process holds "${lockPath}"`
    : `process ${holder.pid} on host "${holder.host}" holds "${lockPath}" since ${holder.since}`;
  if (isUsed) {
    return new EnvironmentError(`Cannot lock "${path}": ${who}`, {
      hint: "wait until it has ended, or end it, then run the same command again",
    });
  }
  const where = holder === null ? "" : ` on host "${holder.host}"`;
  return new EnvironmentError(
    `Cannot lock "${path}": ${
      holder === null ? `"${lockPath}" does not say who holds it` : who
    }, and whether that still runs can't be known from here`,
    {
      hint: `make sure that no process${where} works on "${path}"; if none does, ` +
        `remove "${lockPath}" and run the same command again`,
    },
  );
}
