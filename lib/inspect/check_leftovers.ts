/**
 * Files that a killed process leaves: locks, temporary files, chunk logs. Told by their names; stale
 * ones are removed only when it is certain that nobody uses them.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { basename, dirname, join } from "../base/paths.ts";
import { exists } from "../store/durable_file.ts";
import { LockFile } from "../store/lock_file.ts";
import { fileError, isAbsence, readLimitedText } from "../store/file_source.ts";

/** What a left-over file is. */
export type LeftoverKind = "chunk log" | "lock" | "temporary";

/** A file by its name. */
export interface Leftover {
  kind: LeftoverKind;
  /** Absolute path. */
  path: string;
  /** Path of the file that it belongs to. */
  ownerPath: string;
  /** Process that its name or content tells, or null. */
  pid: number | null;
  /** Whether that process certainly doesn't run any more, certainly does, or can't be known. */
  process: "gone" | "running" | "unknown";
  /** Host that a lock names, or null. */
  host: string | null;
}

const TEMPORARY = /^(.+)\.tmp-(\d{1,10})$/;
const LOCK_DRAFT = /^(.+)\.lock\.(\d{1,10})-[0-9a-f]{8}$/;
const LOCK = /^(.+)\.lock$/;
const CHUNK_LOG = /^(.+)\.chunks$/;
const MAX_LOCK_SIZE = 4096;

/** What a file is, by its name, or null if it is none of ours. */
export function inspectLeftover(path: string): Leftover | null {
  const name = basename(path);
  const make = (
    kind: LeftoverKind,
    owner: string,
    pid: string | null,
  ): Leftover => ({
    kind,
    path,
    ownerPath: join(dirname(path), owner),
    pid: pid === null ? null : Number(pid),
    process: pid === null ? "unknown" : processState(Number(pid)),
    host: null,
  });
  const temporary = TEMPORARY.exec(name);
  if (temporary !== null) return make("temporary", temporary[1], temporary[2]);
  const draft = LOCK_DRAFT.exec(name);
  if (draft !== null) return make("temporary", draft[1], draft[2]);
  const lock = LOCK.exec(name);
  if (lock !== null) return { ...make("lock", lock[1], null), ...lockHolder(path) };
  const chunks = CHUNK_LOG.exec(name);
  return chunks === null ? null : make("chunk log", chunks[1], null);
}

/** Files of ours beside a graph that belong to it. */
export function leftoversBeside(graphPath: string): Leftover[] {
  const directory = dirname(graphPath);
  const found: Leftover[] = [];
  try {
    for (const entry of Deno.readDirSync(directory)) {
      if (entry.isDirectory || !entry.name.startsWith(`${basename(graphPath)}.`)) continue;
      const leftover = inspectLeftover(join(directory, entry.name));
      if (leftover !== null && leftover.ownerPath === graphPath) found.push(leftover);
    }
  } catch (error) {
    if (!isAbsence(error)) throw fileError("read directory", directory, error);
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Only of this host's processes anything is known; a reused number counts as running. */
function processState(pid: number): Leftover["process"] {
  return exists(pid) ? "running" : "gone";
}

function lockHolder(path: string): Pick<Leftover, "pid" | "process" | "host"> {
  try {
    const text = readLimitedText(path, MAX_LOCK_SIZE, (state) => new Error(state));
    const holder: unknown = JSON.parse(text);
    if (typeof holder === "object" && holder !== null && "host" in holder && "pid" in holder) {
      const { host, pid } = holder;
      const namespace = "pidNamespace" in holder ? holder.pidNamespace : null;
      if (typeof host === "string" && typeof pid === "number" && Number.isInteger(pid) && pid > 0) {
        const isHere = host === Deno.hostname() && namespace === ownPidNamespace();
        return { host, pid, process: isHere ? processState(pid) : "unknown" };
      }
    }
  } catch {
    // Gone meanwhile, unreadable or no JSON: whoever holds it can't be known.
  }
  return { host: null, pid: null, process: "unknown" };
}

function ownPidNamespace(): string | null {
  try {
    return Deno.readLinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

/**
 * Removes a stale lock or temporary file. Chunk logs stay: they may be all that is left of a scan.
 *
 * @returns whether it was removed; false if its process may still run.
 * @throws {EnvironmentError} if it can't be removed.
 */
export function removeLeftover(leftover: Leftover): boolean {
  if (leftover.kind === "chunk log" || leftover.process !== "gone") return false;
  // The lock decides: whoever gets it knows that no other process works on the owner. A stale lock is
  // taken over, and goes when it is given back.
  let lock: LockFile;
  try {
    lock = LockFile.acquire(leftover.ownerPath);
  } catch (error) {
    if (error instanceof EnvironmentError) return false;
    throw error;
  }
  try {
    if (leftover.kind === "temporary") {
      try {
        Deno.removeSync(leftover.path);
      } catch (error) {
        if (!isAbsence(error)) throw fileError("remove", leftover.path, error);
      }
    }
  } finally {
    lock.release();
  }
  return true;
}
