/**
 * How the graph file gets into the datastore. What a mode will do is planned and checked first, while
 * nothing is changed; carrying it out leaves the source where it is, so that the same command line
 * works again whatever happens. Source: `schema/butler-repository.md`, section 4.9.
 *
 * @module
 */

import { accessSync, constants, statfsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { EnvironmentError, NotFoundError, ProvgraphError, RefusedError } from "../base/errors.ts";
import { fsyncDirectory, removeIfPresent } from "../storage/durable_file.ts";
import { failpoint } from "../storage/failpoints.ts";
import { FileSource } from "../storage/file_source.ts";
import {
  type FileStamp,
  isSameStamp,
  requireStamp,
  stampAt,
  stampOf,
} from "../storage/file_stamp.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { TemporaryFile } from "../storage/temporary_file.ts";
import type { TransferMode } from "./transfer_mode.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import { fileError, systemErrorCode } from "../storage/file_errors.ts";

/** What will be done with the graph file. */
export interface TransferPlan {
  /** Absolute path of the file that was given, or its place in a remote store. */
  source: string;
  /** The same of the file in the datastore; the source itself if it is used in place. */
  target: string;
  /** What the record of `run_provenance` says. */
  graphRecordPath: string;
  /** What the records of the datasets backed by the graph say: always relative to the root. */
  backedRecordPath: string;
  how:
    | "in place"
    | "link or copy"
    | "hard link"
    | "hard link or symlink"
    | "copy"
    | "symlink"
    /** Into a remote store. */
    | "put";
  /** Target of a symbolic link. */
  linkText: string | null;
  /** Whether the source is to be deleted when everything else is done. */
  deleteSource: boolean;
}

/** Extension that the datastore's formatter for provenance graphs supports. */
const GRAPH_EXTENSION = ".qg";

/**
 * The plan by which a graph gets to the place that the file template gives it, under its own record.
 *
 * @throws {RefusedError} if its name is not that of a graph.
 */
export function planToTemplate(
  how: TransferPlan["how"],
  source: string,
  root: string,
  templatePath: string,
): TransferPlan {
  requireGraphName(source);
  return {
    source,
    target: absolutePath(root, templatePath),
    graphRecordPath: templatePath,
    backedRecordPath: templatePath,
    how,
    linkText: null,
    deleteSource: false,
  };
}

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
  const plan = planToTemplate("copy", source, root, templatePath);
  const { target } = plan;
  const inside = pathInside(root, source);
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

/** @throws {RefusedError} if the datastore's formatter doesn't take files of such a name. */
function requireGraphName(source: string): void {
  if (source.endsWith(GRAPH_EXTENSION)) return;
  throw new RefusedError(
    `Cannot ingest graph "${source}": its name doesn't end in "${GRAPH_EXTENSION}"`,
    { hint: `rename it to "${basename(source)}${GRAPH_EXTENSION}"` },
  );
}

/** Path relative to `root`, or null if `path` isn't below it. Symbolic links count as written. */
export function pathInside(root: string, path: string): string | null {
  if (isRemoteUri(root)) return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
  if (isRemoteUri(path)) return null;
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
 * Whether another file than the graph is at a plan's target, which {@linkcode carryOutTransfer} won't
 * replace.
 *
 * @param source The opened graph.
 * @throws {EnvironmentError} if it can't be read.
 */
export function isTargetTaken(plan: TransferPlan, source: FileSource): boolean {
  return plan.how !== "in place" && isTaken(plan.target) && !isContentOf(plan.target, source);
}

/**
 * Puts the graph at its target, durably. The source stays. What is at the target is never
 * replaced: one of two processes gets the name, the other an error. Idempotent: the same content,
 * left by a killed process, is used.
 *
 * @param source The opened graph, which is what is put there, whatever its path leads to by now.
 * @returns which file is at the target.
 * @throws {EnvironmentError} if that fails; no half-written file is left under the target's name.
 */
export function carryOutTransfer(plan: TransferPlan, source: FileSource): FileStamp {
  try {
    if (plan.how !== "in place") {
      Deno.mkdirSync(dirname(plan.target), { recursive: true });
      failpoint("transfer.directory-made");
    }
    let placed: FileStamp | null = null;
    if (plan.how !== "in place" && !isTaken(plan.target)) {
      removeIfPresent(plan.target);
      placed = place(plan, source);
      failpoint("transfer.named");
    }
    const stamp = requireContent(plan, source, placed);
    syncFile(plan.target);
    fsyncDirectory(dirname(plan.target));
    fsyncDirectory(dirname(dirname(plan.target)));
    return stamp;
  } catch (error) {
    if (error instanceof ProvgraphError) throw error;
    throw fileError(`transfer graph "${plan.source}" to`, plan.target, error);
  }
}

/** Whether something has a name; an empty file, left by {@linkcode giveName}, is nothing. */
function isTaken(path: string): boolean {
  try {
    const { isFile, size } = Deno.lstatSync(path);
    return !isFile || size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * The stamp of the target, if it has the bytes of the source.
 *
 * @param placed A file of this process that has them, if it made one.
 */
function requireContent(
  { source: path, target }: TransferPlan,
  source: FileSource,
  placed: FileStamp | null,
): FileStamp {
  const before = stampAt(target);
  if (before !== null && placed !== null && isSameStamp(before, placed)) return before;
  if (before !== null && isContentOf(target, source)) {
    const after = stampAt(target);
    if (after !== null && isSameStamp(before, after)) return after;
  }
  throw new EnvironmentError(
    `Cannot ingest graph "${path}": "${target}" is not the graph that was checked; another process has ` +
      "put another one there, or replaced the one that was given",
    { hint: "find out which process works on it, then run the same command again" },
  );
}

/** Gives the target its name; returns which file that is, if it is a copy. */
function place(plan: TransferPlan, source: FileSource): FileStamp | null {
  const { target } = plan;
  // Each of these fails if the name is taken.
  switch (plan.how) {
    case "symlink":
      Deno.symlinkSync(plan.linkText!, target);
      break;
    case "hard link":
      linkSource(plan, source);
      break;
    case "hard link or symlink":
      if (!tryLink(plan, source)) Deno.symlinkSync(plan.linkText!, target);
      break;
    case "link or copy":
      return tryLink(plan, source) ? null : copy(plan, source);
    case "copy":
      return copy(plan, source);
    case "in place":
      break;
    case "put":
      throw new Error("a store is no file system");
    default:
      plan.how satisfies never;
  }
  return null;
}

function tryLink(plan: TransferPlan, source: FileSource): boolean {
  try {
    linkSource(plan, source);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists || error instanceof ProvgraphError) throw error;
    return false;
  }
}

/** Hard links what the path leads to, and takes that back if it isn't the file that was checked. */
function linkSource(plan: TransferPlan, source: FileSource): void {
  const expected = stampOf(source.info());
  syncFile(plan.source);
  Deno.linkSync(Deno.realPathSync(plan.source), plan.target);
  const found = stampAt(plan.target);
  if (found !== null && isSameStamp(found, expected)) return;
  // The name is this process's own, and what it leads to is somewhere else as well.
  if (found !== null) Deno.removeSync(plan.target);
  requireStamp(plan.source, expected, "graph");
  throw new EnvironmentError(
    `Cannot ingest graph "${plan.source}": it was replaced while it was put into the datastore`,
    { hint: "run the same command again: it checks the new one" },
  );
}

/** Copy with the time of the source: originals newer than the graph are told by it. */
function copy(plan: TransferPlan, source: FileSource): FileStamp {
  using temporary = TemporaryFile.create(plan.target);
  const { file, path } = temporary;
  const piece = new Uint8Array(PIECE_SIZE);
  for (let at = 0; at < source.size; at += PIECE_SIZE) {
    const part = piece.subarray(0, Math.min(PIECE_SIZE, source.size - at));
    source.readInto(part, at);
    for (let done = 0; done < part.length;) done += file.writeSync(part.subarray(done));
  }
  failpoint("transfer.copied");
  const { mtime } = source.info();
  if (mtime !== null) file.utimeSync(mtime, mtime);
  file.syncSync();
  if (!isContentOf(path, source)) {
    throw new EnvironmentError(`Cannot copy "${plan.source}": the copy reads back differently`);
  }
  failpoint("transfer.placed");
  const stamp = stampOf(file.statSync());
  giveName(path, plan.target);
  return stamp;
}

/**
 * Gives a file another name, if that isn't taken. Where no hard links are, the name is created
 * first, as an empty file: so nothing but an empty file can ever be replaced.
 *
 * @throws {Deno.errors.AlreadyExists} if it is taken.
 */
function giveName(path: string, name: string): void {
  try {
    Deno.linkSync(path, name);
    return;
  } catch (error) {
    if (!NO_HARD_LINKS.has(systemErrorCode(error) ?? "")) throw error;
  }
  using own = Deno.openSync(name, { write: true, createNew: true });
  const found = stampAt(name);
  if (found === null || !isSameStamp(found, stampOf(own.statSync()))) {
    throw new EnvironmentError(`Cannot create "${name}": another process uses the name`);
  }
  Deno.renameSync(path, name);
}

/** What file systems without hard links, or that don't allow one, answer. */
const NO_HARD_LINKS: ReadonlySet<string> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EMLINK",
  "ENOSYS",
]);

const PIECE_SIZE = 1 << 20;

/** Whether a path leads to the bytes of an opened file. */
export function isContentOf(path: string, source: FileSource): boolean {
  let file: FileSource;
  try {
    file = FileSource.open(path);
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
  using other = file;
  const [a, b] = [stampOf(other.info()), stampOf(source.info())];
  if (other.size !== source.size) return false;
  // The same file: what was checked is what is there, unless somebody has written to it since.
  if (isSameStamp(a, b)) return true;
  const [pieceA, pieceB] = [new Uint8Array(PIECE_SIZE), new Uint8Array(PIECE_SIZE)];
  for (let at = 0; at < source.size; at += PIECE_SIZE) {
    const length = Math.min(PIECE_SIZE, source.size - at);
    const [partA, partB] = [pieceA.subarray(0, length), pieceB.subarray(0, length)];
    other.readInto(partA, at);
    source.readInto(partB, at);
    for (let i = 0; i < length; i++) if (partA[i] !== partB[i]) return false;
  }
  return true;
}

function syncFile(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
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
 * Gives the graph of a RUN whose ingest was undone the name that it is to have, and takes the one in the
 * datastore from it. Idempotent.
 *
 * @param stored Where it is, or a link to it.
 * @param path Where it is to be; the same content may be there.
 * @param source The opened graph.
 * @throws {EnvironmentError} if that fails; then it is where it was.
 */
export function putGraphBack(stored: string, path: string, source: FileSource): void {
  const canonical = (name: string) => join(Deno.realPathSync(dirname(name)), basename(name));
  try {
    if (isTaken(path) && canonical(stored) === canonical(path)) return;
    carryOutTransfer(
      {
        source: stored,
        target: path,
        graphRecordPath: "",
        backedRecordPath: "",
        how: "link or copy",
        linkText: null,
        deleteSource: true,
      },
      source,
    );
    Deno.removeSync(stored);
    fsyncDirectory(dirname(stored));
  } catch (error) {
    if (error instanceof ProvgraphError) throw error;
    throw fileError(`move graph "${stored}" to`, path, error);
  }
}

/**
 * Gives a graph of a remote store a name on this machine, durably. Idempotent.
 *
 * @param path Where it is to be; the same content may be there.
 * @param source Its opened copy.
 * @throws {EnvironmentError} if that fails, or something else is there.
 */
export function copyGraphTo(path: string, source: FileSource): void {
  carryOutTransfer(
    {
      source: source.name,
      target: path,
      graphRecordPath: "",
      backedRecordPath: "",
      how: "copy",
      linkText: null,
      deleteSource: false,
    },
    source,
  );
}
