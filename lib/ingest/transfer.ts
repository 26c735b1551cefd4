/**
 * How the graph file gets into the datastore. What a mode will do is planned and checked first, while
 * nothing is changed; carrying it out leaves the source where it is, so that the same command line
 * works again whatever happens. Source: design notes, section 4; butler repository notes, section 4.9.
 *
 * @module
 */

import { accessSync, constants, statfsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { EnvironmentError, RefusedError } from "../base/errors.ts";
import { absolutePath } from "../butler/datastore.ts";
import { fsyncDirectory, renameDurably } from "../store/durable_file.ts";
import { failpoint } from "../store/failpoints.ts";
import type { TransferMode } from "./options.ts";
import { fileError } from "../store/file_source.ts";
import { removeLeftovers } from "../store/temporary_file.ts";
import { temporaryName } from "../store/temporary_name.ts";

/** What will be done with the graph file. */
export interface TransferPlan {
  /** Absolute path of the file that was given. */
  source: string;
  /** Absolute path of the file in the datastore; the source itself if it is used in place. */
  target: string;
  /** What the record of `run_provenance` says. */
  graphRecordPath: string;
  /** What the records of the datasets backed by the graph say: always relative to the root. */
  backedRecordPath: string;
  how: "in place" | "link or copy" | "hard link" | "hard link or symlink" | "copy" | "symlink";
  /** Target of a symbolic link. */
  linkText: string | null;
  /** Whether the source is to be deleted when everything else is done. */
  deleteSource: boolean;
}

/** Extension that the datastore's formatter for provenance graphs supports. */
const GRAPH_EXTENSION = ".qg";

/**
 * Plans the transfer.
 *
 * @param source Absolute path of an existing file.
 * @param root Absolute root of the datastore.
 * @param templatePath Where the file template puts the graph, relative to the root.
 * @throws {RefusedError} if the mode can't work: nothing has been changed.
 * @throws {EnvironmentError} if a directory isn't writeable or the disk is too small.
 */
export function planTransfer(
  mode: TransferMode,
  source: string,
  root: string,
  templatePath: string,
): TransferPlan {
  if (!source.endsWith(GRAPH_EXTENSION)) {
    throw new RefusedError(
      `Cannot ingest graph "${source}": its name doesn't end in "${GRAPH_EXTENSION}"`,
      { hint: `rename it to "${basename(source)}${GRAPH_EXTENSION}"` },
    );
  }
  const target = absolutePath(root, templatePath);
  const inside = pathInside(root, source);
  const plan: TransferPlan = {
    source,
    target,
    graphRecordPath: templatePath,
    backedRecordPath: templatePath,
    how: "copy",
    linkText: null,
    deleteSource: false,
  };
  if (inside !== null && (mode === "auto" || mode === "direct" || inside === templatePath)) {
    const recorded = mode === "direct" ? pathToFileURL(source).href : inside;
    return {
      ...plan,
      target: source,
      graphRecordPath: recorded,
      backedRecordPath: inside,
      how: "in place",
    };
  }
  switch (mode) {
    case "direct":
      throw new RefusedError(
        `Cannot ingest graph "${source}" with transfer "direct": it lies outside the datastore ` +
          `"${root}", and datasets backed by it could not be found`,
        { hint: 'use another transfer mode, such as "copy" or "move"' },
      );
    case "move":
      plan.how = "link or copy";
      plan.deleteSource = true;
      break;
    case "hardlink":
      plan.how = "hard link";
      break;
    case "link":
    case "auto":
      plan.how = "hard link or symlink";
      plan.linkText = source;
      break;
    case "symlink":
      plan.how = "symlink";
      plan.linkText = source;
      break;
    case "relsymlink":
      plan.how = "symlink";
      plan.linkText = relative(dirname(target), source);
      break;
    case "copy":
      break;
    default:
      mode satisfies never;
  }
  checkPlan(plan, mode);
  return plan;
}

/** Path relative to `root`, or null if `path` isn't below it. Symbolic links count as written. */
export function pathInside(root: string, path: string): string | null {
  const from = relative(root, path);
  return from === "" || /^(?:\.\.(?:\/|$)|\/)/.test(from) ? null : from;
}

function checkPlan(plan: TransferPlan, mode: TransferMode): void {
  let directory = dirname(plan.target);
  for (;;) {
    try {
      if (!Deno.statSync(directory).isDirectory) {
        throw new EnvironmentError(
          `Cannot ingest graph into "${plan.target}": "${directory}" is no directory`,
        );
      }
      break;
    } catch (error) {
      if (error instanceof EnvironmentError) throw error;
      if (!(error instanceof Deno.errors.NotFound)) {
        throw fileError("ingest graph into", plan.target, error);
      }
      directory = dirname(directory);
    }
  }
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (plan.deleteSource) accessSync(dirname(plan.source), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fileError(`ingest graph with transfer "${mode}": write to`, directory, error);
  }
  const source = statSource(plan.source);
  const isSameDevice = source.dev === Deno.statSync(directory).dev;
  if (plan.how === "hard link" && !isSameDevice) {
    throw new RefusedError(
      `Cannot ingest graph "${plan.source}" with transfer "hardlink": the datastore is on another ` +
        "file system",
      { hint: 'use transfer "link", "copy" or "move"' },
    );
  }
  if (plan.how === "copy" || (plan.how === "link or copy" && !isSameDevice)) {
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < source.size) {
      throw new EnvironmentError(
        `Cannot ingest graph "${plan.source}": it has ${source.size} bytes, the file system of ` +
          `"${directory}" only ${bavail * bsize} free`,
        { hint: "free some space and run the same command again" },
      );
    }
  }
}

function statSource(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (error) {
    // Another ingest-graph may have moved it away since we read it.
    throw fileError("transfer graph", path, error);
  }
}

/**
 * Puts the graph at its target, durably. The source stays. Idempotent: a target left by a killed
 * process is replaced.
 *
 * @throws {EnvironmentError} if that fails; no half-written file is left under the target's name.
 */
export function carryOutTransfer(plan: TransferPlan): void {
  try {
    if (plan.how === "in place" || isSameFile(plan.source, plan.target)) {
      syncFile(plan.target);
      fsyncDirectory(dirname(plan.target));
      return;
    }
    Deno.mkdirSync(dirname(plan.target), { recursive: true });
    failpoint("transfer.directory-made");
    removeLeftovers(plan.target, false);
    const temporary = temporaryName(plan.target);
    syncFile(plan.source);
    try {
      place(plan, temporary);
      failpoint("transfer.placed");
      renameDurably(temporary, plan.target);
      failpoint("transfer.renamed");
      fsyncDirectory(dirname(dirname(plan.target)));
    } finally {
      removeIfThere(temporary);
    }
  } catch (error) {
    throw fileError(`transfer graph "${plan.source}" to`, plan.target, error);
  }
}

function place(plan: TransferPlan, temporary: string): void {
  switch (plan.how) {
    case "symlink":
      Deno.symlinkSync(plan.linkText!, temporary);
      break;
    case "hard link":
      Deno.linkSync(Deno.realPathSync(plan.source), temporary);
      break;
    case "hard link or symlink":
      if (!tryLink(plan.source, temporary)) Deno.symlinkSync(plan.linkText!, temporary);
      break;
    case "link or copy":
      if (!tryLink(plan.source, temporary)) copyDurably(plan.source, temporary);
      break;
    case "copy":
      copyDurably(plan.source, temporary);
      break;
    case "in place":
      break;
    default:
      plan.how satisfies never;
  }
}

function tryLink(source: string, target: string): boolean {
  try {
    Deno.linkSync(Deno.realPathSync(source), target);
    return true;
  } catch {
    return false;
  }
}

/** Copy with the time of the source: originals newer than the graph are told by it. */
function copyDurably(source: string, target: string): void {
  Deno.copyFileSync(source, target);
  failpoint("transfer.copied");
  const info = Deno.statSync(source);
  if (info.mtime !== null) Deno.utimeSync(target, info.mtime, info.mtime);
  syncFile(target);
  if (!haveSameContent(source, target)) {
    throw new EnvironmentError(`Cannot copy "${source}": the copy reads back differently`);
  }
}

const COMPARE_SIZE = 1 << 20;

/** Whether two files have the same bytes. */
export function haveSameContent(a: string, b: string): boolean {
  using fileA = Deno.openSync(a);
  using fileB = Deno.openSync(b);
  if (fileA.statSync().size !== fileB.statSync().size) return false;
  const bufferA = new Uint8Array(COMPARE_SIZE);
  const bufferB = new Uint8Array(COMPARE_SIZE);
  for (;;) {
    const nA = readFully(fileA, bufferA);
    const nB = readFully(fileB, bufferB);
    if (nA !== nB) return false;
    for (let i = 0; i < nA; i++) if (bufferA[i] !== bufferB[i]) return false;
    if (nA < COMPARE_SIZE) return true;
  }
}

function readFully(file: Deno.FsFile, buffer: Uint8Array): number {
  let at = 0;
  while (at < buffer.length) {
    const n = file.readSync(buffer.subarray(at));
    if (n === null) break;
    at += n;
  }
  return at;
}

function syncFile(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether two paths lead to one file: the same inode. */
export function isSameFile(a: string, b: string): boolean {
  try {
    const infoA = Deno.statSync(a);
    const infoB = Deno.statSync(b);
    return infoA.dev === infoB.dev && infoA.ino === infoB.ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Deletes the source of a finished move. A file that merely has the same name or header stays: it is
 * deleted only if the datastore has the same file, or the same bytes on another file system.
 *
 * @param source Path as given.
 * @param target The graph in the datastore.
 * @returns whether it was deleted.
 */
export function deleteMovedSource(source: string, target: string): boolean {
  try {
    if (!isMovedSource(source, target)) return false;
    Deno.removeSync(source);
    fsyncDirectory(dirname(source));
  } catch (error) {
    // Another ingest-graph of the same graph may have deleted it at any time since we looked.
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError("delete moved graph", source, error);
  }
  return true;
}

function isMovedSource(source: string, target: string): boolean {
  const info = Deno.lstatSync(source);
  const canonical = (path: string) => join(Deno.realPathSync(dirname(path)), basename(path));
  if (canonical(source) === canonical(target) || info.isSymlink) return false;
  // A link to the source, made by another transfer mode, would be left pointing nowhere.
  if (Deno.lstatSync(target).isSymlink) return false;
  return isSameFile(source, target) ||
    (info.dev !== Deno.statSync(target).dev && haveSameContent(source, target));
}
