/**
 * Files that a killed process leaves: locks, temporary files, chunk logs. Told by their names; whether
 * somebody uses them is told by their advisory locks. Stale ones are removed only when it is certain that
 * nobody does.
 *
 * @module
 */

import { EnvironmentError } from "../../base/errors.ts";
import { basename, dirname, join } from "../../base/paths.ts";
import { inspectLock, LockFile } from "../../storage/lock_file.ts";
import { removeIfAbandoned, useOfUnfinished } from "../../storage/temporary_file.ts";
import { parseUnfinishedName } from "../../storage/temporary_name.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";

/** What a left-over file is. */
type LeftoverKind = "chunk log" | "lock" | "temporary";

/** A file by its name. */
export interface Leftover {
  kind: LeftoverKind;
  /** Absolute path. */
  path: string;
  /** Path of the file that it belongs to. */
  ownerPath: string;
  /** Process that a lock names, or null. */
  pid: number | null;
  /** Whether its process certainly doesn't run any more, certainly does, or can't be known. */
  process: "gone" | "running" | "unknown";
  /** Host that a lock names, or null. */
  host: string | null;
}

const LOCK = /^(.+)\.lock$/s;
const CHUNK_LOG = /^(.+)\.chunks$/s;

/** What a file is, by its name and its advisory lock, or null if it is none of ours. */
export function inspectLeftover(path: string): Leftover | null {
  const name = basename(path);
  const make = (kind: LeftoverKind, owner: string, process: Leftover["process"]): Leftover => ({
    kind,
    path,
    ownerPath: join(dirname(path), owner),
    pid: null,
    process,
    host: null,
  });
  const unfinished = parseUnfinishedName(name);
  if (unfinished !== null) {
    return make(
      "temporary",
      unfinished.owner,
      unfinished.keepsAdvisory ? stateOfTemporary(path) : "unknown",
    );
  }
  const lock = LOCK.exec(name);
  if (lock !== null) {
    const state = inspectLock(path);
    if (state === null) return null;
    const { use, holder } = state;
    const process = use === "held" ? "running" : use === "free" ? "gone" : "unknown";
    return {
      ...make("lock", lock[1], process),
      pid: holder?.pid ?? null,
      host: holder?.host ?? null,
    };
  }
  const chunks = CHUNK_LOG.exec(name);
  return chunks === null ? null : make("chunk log", chunks[1], "unknown");
}

function stateOfTemporary(path: string): Leftover["process"] {
  const use = useOfUnfinished(path);
  return use === "used" ? "running" : use === "abandoned" ? "gone" : "unknown";
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
    return leftover.kind === "lock" || removeIfAbandoned(leftover.path);
  } finally {
    lock.release();
  }
}
