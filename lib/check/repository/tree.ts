/**
 * The files below a RUN's directory in the datastore, as a set of hashes: which of them some record
 * names is ticked off, the rest is listed by a second walk.
 *
 * @module
 */

import { dirname, join } from "../../base/paths.ts";
import type { CheckSteps } from "../steps.ts";
import type { Storage } from "../../storage/remote/storage.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";

/** Slots at first. */
const MIN_SLOTS = 1024;

/**
 * Files of one directory tree. Memory: about 24 bytes a file. Two paths share a hash once in 10^16
 * pairs; then one problem may be overlooked, nothing worse.
 */
export class FileTree {
  readonly #root: string;
  readonly #top: string;
  readonly #foreign: { has(directory: string): boolean };
  #slots = new Float64Array(MIN_SLOTS);
  #claimed = new Uint8Array(MIN_SLOTS);
  /** Number of files. */
  nFiles = 0;
  readonly #empty = new Set<string>();

  /** Null on a disk. */
  readonly #storage: Storage | null;

  private constructor(
    root: string,
    top: string,
    foreign: { has(directory: string): boolean },
    storage: Storage | null = null,
  ) {
    this.#root = root;
    this.#top = top;
    this.#foreign = foreign;
    this.#storage = storage;
  }

  /**
   * As {@linkcode scan}, of a tree in a remote store, by lists. Directories there are never told to be
   * empty: they are parts of names, or stay by design.
   */
  static async list(
    storage: Storage,
    top: string,
    foreign: { has(directory: string): boolean },
    steps: CheckSteps,
  ): Promise<FileTree> {
    const tree = new FileTree(storage.root.text, top, foreign, storage);
    steps.begin("list", null);
    for await (const path of tree.#listed()) {
      tree.#add(hashPath(path));
      steps.advance("list", 1);
    }
    steps.end("list");
    return tree;
  }

  async *#listed(): AsyncGenerator<string> {
    for await (const { path } of this.#storage!.list(`${this.#top}/`)) {
      if (!this.#isForeign(path)) yield path;
    }
  }

  #isForeign(path: string): boolean {
    for (let at = dirname(path); at.length > this.#top.length; at = dirname(at)) {
      if (this.#foreign.has(at)) return true;
    }
    return false;
  }

  /**
   * Walks a tree. Links to directories are not followed.
   *
   * @param root absolute root of the datastore.
   * @param top directory below it, relative.
   * @param foreign directories inside, relative to the root, that belong to others.
   * @param steps gets the number of files.
   * @throws {EnvironmentError} if a directory can't be read: absence must be known.
   */
  static scan(
    root: string,
    top: string,
    foreign: { has(directory: string): boolean },
    steps: CheckSteps,
  ): FileTree {
    const tree = new FileTree(root, top, foreign);
    const visit = (directory: string): boolean => {
      let hasFiles = false;
      for (const entry of readDirectory(join(root, directory))) {
        const path = `${directory}/${entry.name}`;
        if (entry.isDirectory) {
          if (foreign.has(path) || visit(path)) hasFiles = true;
          continue;
        }
        tree.#add(hashPath(path));
        steps.advance("list", 1);
        hasFiles = true;
      }
      if (!hasFiles) tree.#empty.add(directory);
      return hasFiles;
    };
    steps.begin("list", null);
    visit(top);
    steps.end("list");
    tree.#empty.delete(top);
    return tree;
  }

  /** Whether a path, relative to the root, is inside the tree. */
  covers(path: string): boolean {
    return path.startsWith(`${this.#top}/`);
  }

  /**
   * Whether a file was found, which is ticked off then; looks again outside the tree and behind linked
   * directories.
   */
  claim(path: string): boolean | Promise<boolean> {
    const slot = this.#slot(hashPath(path));
    if (this.#slots[slot] === 0) return this.#isThere(path);
    this.#claimed[slot] = 1;
    return true;
  }

  /** Directories, relative to the root, that hold no file at any depth. */
  get emptyDirectories(): ReadonlySet<string> {
    return this.#empty;
  }

  /** Files that were found and not ticked off, relative to the root, by a walk or list of their own. */
  async *unclaimed(): AsyncGenerator<string> {
    if (this.#storage === null) return yield* this.#unclaimedBelow(this.#top);
    for await (const path of this.#listed()) if (this.#isUnclaimed(path)) yield path;
  }

  *#unclaimedBelow(directory: string): Generator<string> {
    for (const entry of readDirectory(join(this.#root, directory))) {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory) {
        if (!this.#foreign.has(path)) yield* this.#unclaimedBelow(path);
        continue;
      }
      if (this.#isUnclaimed(path)) yield path;
    }
  }

  #isUnclaimed(path: string): boolean {
    const slot = this.#slot(hashPath(path));
    return this.#slots[slot] !== 0 && this.#claimed[slot] === 0;
  }

  #isThere(path: string): boolean | Promise<boolean> {
    if (this.#storage !== null) {
      // The list has told all inside.
      if (path === "" || this.covers(path)) return false;
      return this.#storage.stat(path).then((version) => version !== null);
    }
    try {
      Deno.lstatSync(join(this.#root, path));
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw fileError("look at file", join(this.#root, path), error);
    }
  }

  #add(hash: number): void {
    if (this.nFiles * 2 >= this.#slots.length) this.#grow();
    const slot = this.#slot(hash);
    if (this.#slots[slot] === 0) this.nFiles++;
    this.#slots[slot] = hash;
  }

  #slot(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash % this.#slots.length;
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Float64Array(old.length * 2);
    this.#claimed = new Uint8Array(old.length * 2);
    for (const hash of old) if (hash !== 0) this.#slots[this.#slot(hash)] = hash;
  }
}

function readDirectory(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    if (isAbsence(error)) return [];
    throw fileError("read directory", path, error);
  }
}

/** Hash of 53 bits, never 0: two multiplicative hashes side by side. */
function hashPath(path: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    a = Math.imul(a ^ c, 0x9e3779b1);
    b = Math.imul(b ^ c, 0x5f356495);
  }
  a = Math.imul(a ^ a >>> 16, 0x85ebca6b) ^ Math.imul(b ^ b >>> 13, 0xc2b2ae35);
  b = Math.imul(b ^ b >>> 16, 0x85ebca6b) ^ Math.imul(a ^ a >>> 13, 0xc2b2ae35);
  return 4294967296 * (b & 0x1fffff) + (a >>> 0) || 1;
}
