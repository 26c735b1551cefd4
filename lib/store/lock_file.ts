/**
 * The lock that keeps two processes from one output.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { exists, removeIfPresent } from "./durable_file.ts";
import { failpoint } from "./failpoints.ts";
import { fileError, systemErrorCode } from "./file_source.ts";

/** Content of a lock file, JSON. Unknown keys are ignored. */
export interface LockHolder {
  /** Host name. */
  host: string;
  /** Process id on that host. */
  pid: number;
  /** PID namespace of the process, null if unknown: in another one its pid says nothing. */
  pidNamespace: string | null;
  /** When the process started, in clock ticks since boot (as text), null if unknown. */
  processStart: string | null;
  /** When the lock was taken, ISO 8601, UTC. */
  since: string;
  /** Whether the process keeps an advisory lock on the file, which ends with it. */
  keepsAdvisory: boolean;
}

/** How often the taking of a lock starts again because someone else was faster. */
const MAX_LOCK_ROUNDS = 20;
const LOCK_ROUND_MS = 5;
const MAX_LOCK_FILE_SIZE = 4096;
/** Start time of a process that has ended. */
const ENDED = "ended";

/**
 * A lock on a path: the file `<path>.lock`, created exclusively, that says who holds it.
 *
 * A lock whose process is gone is replaced: one that isn't in the table of processes any more, or,
 * where that can't be seen (a compiled binary), one that has lost the advisory lock on the file. Two
 * processes that both find it stale don't both win: one replaces it under an advisory lock on the
 * stale file itself, by a rename; the other then sees that the path leads to another file and starts
 * again.
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
    this.#identity = infoIdentity(file.statSync());
    this.#file = file;
    globalThis.addEventListener("unload", this.#onExit);
  }

  /**
   * Takes the lock on `path`.
   *
   * @throws {EnvironmentError} if another process holds it, or may; names the lock file, host, process
   * and time, and the hint says how to tell a stale one.
   */
  static acquire(path: string): LockFile {
    const lockPath = `${path}.lock`;
    const own = describeSelf();
    const draft = `${lockPath}.${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
    const file = openDraft(draft);
    let lock: LockFile | null = null;
    try {
      writeDraft(draft, file, own);
      failpoint("lock.drafted");
      for (let round = 0; round < MAX_LOCK_ROUNDS; round++) {
        if (createExclusively(draft, lockPath) || replaceIfStale(path, draft, lockPath, own)) {
          return lock = new LockFile(lockPath, file);
        }
        // Lets the faster one finish; a synchronous pause, as all of this is.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_ROUND_MS);
      }
    } finally {
      if (lock === null) file.close();
      removeIfPresent(draft);
    }
    throw new EnvironmentError(
      `Cannot lock "${path}": "${lockPath}" keeps changing hands`,
      { hint: "Start one process at a time" },
    );
  }

  /** Gives the lock back; a second call does nothing, nor does one after the file was replaced. */
  release(): void {
    if (this.#identity === null) return;
    const identity = this.#identity;
    this.#identity = null;
    globalThis.removeEventListener("unload", this.#onExit);
    if (pathIdentity(this.path) === identity) removeIfPresent(this.path);
    this.#file.close();
  }

  /** As {@linkcode LockFile.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** Device and inode of what is at a path, or null. */
function pathIdentity(path: string): string | null {
  try {
    return infoIdentity(Deno.statSync(path));
  } catch {
    return null;
  }
}

function infoIdentity(info: Deno.FileInfo): string {
  return `${info.dev}:${info.ino}`;
}

function openDraft(draft: string): Deno.FsFile {
  try {
    return Deno.openSync(draft, { read: true, write: true, createNew: true });
  } catch (error) {
    throw fileError("create lock file", draft, error);
  }
}

/** Writes what will become the lock file; no reader ever sees it half written. */
function writeDraft(draft: string, file: Deno.FsFile, own: LockHolder): void {
  try {
    file.lockSync(true);
    own.keepsAdvisory = true;
  } catch {
    // This file system has no such locks.
  }
  try {
    const bytes = new TextEncoder().encode(JSON.stringify(own) + "\n");
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
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
    // No hard links here: an exclusive create with a moment in which the file is empty, which a
    // reader takes for held.
    if (
      !["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS"].includes(systemErrorCode(error) ?? "")
    ) {
      throw fileError("create lock file", lockPath, error);
    }
  }
  try {
    Deno.openSync(lockPath, { write: true, createNew: true }).close();
    Deno.renameSync(draft, lockPath);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw fileError("create lock file", lockPath, error);
  }
}

/**
 * Puts the draft in place of a stale lock; false if the lock was gone or replaced meanwhile.
 *
 * @throws {EnvironmentError} if the lock is held.
 */
function replaceIfStale(path: string, draft: string, lockPath: string, own: LockHolder): boolean {
  try {
    {
      using file = Deno.openSync(lockPath);
      const holder = readHolder(file);
      const isStale = holder !== null &&
        (isGone(holder, own) ||
          (isHidden(holder, own) && holder.keepsAdvisory && !isAdvisoryHeld(lockPath)));
      if (!isStale) throw heldError(path, lockPath, holder);
    }
    using file = Deno.openSync(lockPath, { read: true, write: true });
    if (!lockAdvisory(file)) return false;
    // It may have been won on a file that somebody has just replaced, or that isn't stale.
    if (pathIdentity(lockPath) !== infoIdentity(file.statSync())) return false;
    const holder = readHolder(file);
    if (holder === null) return false;
    // The advisory lock was won just now: so a hidden holder that kept it is gone.
    const isStale = isGone(holder, own) || (isHidden(holder, own) && holder.keepsAdvisory);
    if (!isStale) return false;
    Deno.renameSync(draft, lockPath);
    return true;
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError("take over lock file", lockPath, error);
  }
}

/** Takes the advisory lock; false if another process has it, who then is replacing the file. */
function lockAdvisory(file: Deno.FsFile): boolean {
  if (typeof file.tryLockSync === "function") return file.tryLockSync(true);
  // Deno 2.6, which compiled binaries may run on, can only wait: for one rename at most.
  file.lockSync(true);
  return true;
}

/** Whether one of the two processes, on one host, can't see the other (a compiled binary). */
function isHidden(holder: LockHolder, own: LockHolder): boolean {
  return holder.host === own.host && (own.processStart === null || holder.processStart === null);
}

/** Whether a process of this host has the advisory lock; true also where that can't be known. */
function isAdvisoryHeld(lockPath: string): boolean {
  try {
    using file = Deno.openSync(lockPath, { read: true, write: true });
    return typeof file.tryLockSync !== "function" || !file.tryLockSync(true);
  } catch {
    return true;
  }
}

function readHolder(file: Deno.FsFile): LockHolder | null {
  const bytes = new Uint8Array(MAX_LOCK_FILE_SIZE);
  const size = file.readSync(bytes) ?? 0;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes.subarray(0, size)));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { host, pid, pidNamespace, processStart, since, keepsAdvisory } = value as Partial<
    LockHolder
  >;
  if (typeof host !== "string" || !Number.isInteger(pid) || pid! <= 0) return null;
  return {
    host,
    pid: pid!,
    pidNamespace: typeof pidNamespace === "string" ? pidNamespace : null,
    processStart: typeof processStart === "string" ? processStart : null,
    since: typeof since === "string" ? since : "an unknown time",
    keepsAdvisory: keepsAdvisory === true,
  };
}

/** True only if it is certain that the holder no longer runs. */
function isGone(holder: LockHolder, own: LockHolder): boolean {
  if (holder.host !== own.host || holder.pidNamespace !== own.pidNamespace) return false;
  // Without a start time of its own this process can't see /proc, so it can't know.
  if (own.processStart === null) return false;
  const start = processStart(holder.pid);
  // Processes of other users may be hidden from /proc, so the system is asked directly.
  if (start === null) return !exists(holder.pid);
  return start === ENDED || (holder.processStart !== null && start !== holder.processStart);
}

function heldError(path: string, lockPath: string, holder: LockHolder | null): EnvironmentError {
  if (holder === null) {
    return new EnvironmentError(
      `Cannot lock "${path}": "${lockPath}" exists and does not say who holds it`,
      { hint: `If no other process works on "${path}", remove "${lockPath}"` },
    );
  }
  const { host, pid, since } = holder;
  return new EnvironmentError(
    `Cannot lock "${path}": process ${pid} on host "${host}" holds "${lockPath}" since ${since}`,
    {
      hint:
        `Wait for it; the lock is stale only if "ps -p ${pid}" on host "${host}" shows no such ` +
        `process: then remove "${lockPath}"`,
    },
  );
}

function describeSelf(): LockHolder {
  return {
    host: Deno.hostname(),
    pid: Deno.pid,
    pidNamespace: ownPidNamespace(),
    processStart: processStart(Deno.pid),
    since: new Date().toISOString(),
    keepsAdvisory: false,
  };
}

function ownPidNamespace(): string | null {
  try {
    return Deno.readLinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

/**
 * Start of a process in clock ticks since boot: field 22 of `/proc/<pid>/stat`. Null if that can't be
 * read; {@linkcode ENDED} if the process has ended and only waits to be noticed (state Z or X).
 */
function processStart(pid: number): string | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    return null;
  }
  // Field 2, the command, is in parentheses and may contain anything, so count from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[22 - 3]];
  return state === "Z" || state === "X" ? ENDED : start ?? null;
}
