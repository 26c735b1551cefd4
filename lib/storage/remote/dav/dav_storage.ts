/**
 * A WebDAV collection as a storage. Source of requests and answers: `schema/storage.md`, section 4.
 *
 * @module
 */

import { EnvironmentError, NotFoundError, UnusableFileError } from "../../../base/errors.ts";
import type { ByteSource } from "../../byte_source.ts";
import { eachAtOnce } from "../at_once.ts";
import { DavClient } from "./dav_client.ts";
import { type DavEntry, propfind, readMultistatus } from "./dav_listing.ts";
import { DavPutter } from "./dav_put.ts";
import { type Answer, BodyTooLargeError } from "../http_transport.ts";
import { type ObjectVersion, objectVersion, versionOfHeaders } from "../object_version.ts";
import { askRange, contentRange, RangeSource, TAIL_SIZE } from "../range_source.ts";
import type {
  Deleted,
  ListedObject,
  PutOptions,
  Storage,
  StorageContext,
  StorageFacts,
  WholeObject,
} from "../storage.ts";
import type { StorageUrl } from "../storage_url.ts";
import { TakenNameError } from "../taken_name_error.ts";

/** Deletions under way at once; the window has the last word. */
const N_AT_ONCE = 64;

/** Files below a collection. */
export class DavStorage implements Storage {
  readonly root: StorageUrl;
  readonly capabilities = {
    isLocal: false,
    bulkDelete: 1,
    listsByPrefix: false,
    hasDirectories: true,
  };
  readonly #client: DavClient;
  readonly #putter: DavPutter;

  private constructor(root: StorageUrl, client: DavClient) {
    this.root = root;
    this.#client = client;
    this.#putter = new DavPutter(client, (path, what) => this.#entry(path, what));
  }

  /** @throws as {@linkcode DavClient.open}. */
  static async open(root: StorageUrl, context: StorageContext): Promise<DavStorage> {
    return new DavStorage(root, await DavClient.open(root, context));
  }

  async look(): Promise<boolean> {
    const entry = await this.#entry(this.root.path, `look at "${this.root.text}"`);
    return entry?.isCollection ?? false;
  }

  facts(): StorageFacts {
    return this.#client.facts();
  }

  async readWhole(path: string, maxSize: number): Promise<WholeObject | null> {
    const what = this.#what("read", path);
    const request = this.#get(path, {}, maxSize);
    let answer: Answer;
    try {
      answer = await this.#client.send(what, request);
      if (answer.status === 404) {
        if (await this.#entry(this.#path(path), what) === null) return null;
        answer = await this.#client.send(what, request);
      }
    } catch (error) {
      if (!(error instanceof BodyTooLargeError)) throw error;
      const size = error.size ?? (await this.stat(path))?.size;
      throw new UnusableFileError(
        "read",
        this.root.child(path).text,
        `it has ${size} bytes, more than the ${maxSize} allowed`,
      );
    }
    if (answer.status !== 200) throw this.#client.error(what, answer);
    return { bytes: answer.body, version: versionOfHeaders(answer.headers, answer.body.length) };
  }

  async stat(path: string): Promise<ObjectVersion | null> {
    const what = this.#what("look at", path);
    const entry = await this.#entry(this.#path(path), what);
    if (entry?.isCollection) {
      throw new UnusableFileError("look at", this.root.child(path).text, "it is a directory");
    }
    return entry?.version ?? null;
  }

  async open(path: string): Promise<ByteSource | null> {
    const what = this.#what("read", path);
    const ask = (range: string, etag: string | null, maxBody: number) =>
      askRange(what, range, () =>
        this.#client.send(
          what,
          this.#get(path, { range, ...(etag === null ? {} : { "if-match": etag }) }, maxBody),
        ));
    // XRootD doesn't know ranges that are counted from the end, and sends all.
    const bySize = this.#client.variant === "xrootd"
      ? await this.#tailBySize(path, what, ask)
      : null;
    if (bySize === null && this.#client.variant === "xrootd") return null;
    let answer = bySize ?? await ask(`bytes=-${TAIL_SIZE}`, null, TAIL_SIZE);
    if (answer.status === 404) {
      if (await this.#entry(this.#path(path), what) === null) return null;
      answer = await ask(`bytes=-${TAIL_SIZE}`, null, TAIL_SIZE);
    }
    if (answer.status === 416 || contentRange(answer) === null && answer.status !== 200) {
      // Not all servers know the last bytes; some refuse ranges of empty files.
      answer = await this.#tailBySize(path, what, ask) ?? answer;
    }
    const range = contentRange(answer);
    if (range === null && answer.status !== 200) throw this.#client.error(what, answer);
    const size = range?.size ?? answer.body.length;
    const offset = range?.start ?? 0;
    if (offset + answer.body.length !== size) {
      throw new EnvironmentError(
        `Cannot ${what}: the server sends ${answer.body.length} bytes at ${offset} of ${size}, not the last`,
      );
    }
    const etag = answer.headers.get("etag");
    const name = this.root.child(path).text;
    const tail = { offset, bytes: answer.body };
    return new RangeSource({ name, size, etag, tail }, ask);
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    const directory = prefix.replace(/\/$/, "");
    yield* this.#below(directory === "" ? this.root.path : this.#path(directory));
  }

  async put(path: string, source: ByteSource, how: PutOptions): Promise<ObjectVersion> {
    const { mustBeNew, skipsLook } = how;
    const what = this.#what("store", path);
    if (mustBeNew && !skipsLook) await this.#requireAbsent(path);
    await this.#putter.put(this.#path(path), source, mustBeNew, what);
    return await this.#stored(path, source.size);
  }

  async copyInside(from: string, to: string, how: PutOptions): Promise<ObjectVersion> {
    const source = await this.open(from);
    if (source === null) {
      throw new NotFoundError(`Cannot ${this.#what("copy", from)}: it isn't there`);
    }
    // COPY of dCache and XRootD is a transfer between servers, which needs credentials of its own kind.
    if (this.#client.variant !== "generic") return await this.put(to, source, how);
    if (how.mustBeNew) await this.#requireAbsent(to);
    const what = this.#what("store", to);
    await this.#putter.copy(this.#path(from), this.#path(to), how.mustBeNew, what);
    return await this.#stored(to, source.size);
  }

  async deleteMany(paths: readonly string[], onGone?: (n: number) => void): Promise<Deleted> {
    let nDeleted = 0;
    let nAbsent = 0;
    const gone = (isDeleted: boolean, n = 1) => {
      if (isDeleted) nDeleted += n;
      else nAbsent += n;
      onGone?.(n);
    };
    const byDirectory = new Map<string, string[]>();
    for (const path of paths) {
      const absolute = this.#path(path);
      const directory = absolute.slice(0, absolute.lastIndexOf("/")) || "/";
      const files = byDirectory.get(directory);
      if (files === undefined) byDirectory.set(directory, [absolute]);
      else files.push(absolute);
    }
    await eachAtOnce(byDirectory, N_AT_ONCE, async ([directory, files]) => {
      await this.#deleteIn(directory, files, gone);
    });
    return { nDeleted, nAbsent };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  /** A DELETE takes a collection with all that is in it: only what is seen to be a file gets one. */
  async #deleteIn(
    directory: string,
    files: readonly string[],
    gone: (isDeleted: boolean) => void,
  ): Promise<void> {
    const entries = new Map<string, DavEntry>();
    if (files.length === 1) {
      const entry = await this.#entry(files[0], `look at "${this.#textOf(files[0])}"`);
      if (entry !== null) entries.set(files[0], entry);
    } else {
      const listed = await this.#listed(directory);
      for (const entry of listed ?? []) entries.set(entry.path, entry);
    }
    await eachAtOnce(files, N_AT_ONCE, async (file) => {
      const entry = entries.get(file);
      if (entry === undefined) return gone(false);
      const text = this.#textOf(file);
      if (entry.isCollection) throw new UnusableFileError("delete", text, "it is a directory");
      const what = `delete "${text}"`;
      const answer = await this.#client.send(what, { method: "DELETE", path: file });
      if (![200, 202, 204, 404].includes(answer.status)) throw this.#client.error(what, answer);
      gone(answer.status !== 404);
    });
  }

  async *#below(directory: string): AsyncGenerator<ListedObject> {
    for (const entry of await this.#listed(directory) ?? []) {
      if (entry.isCollection) yield* this.#below(entry.path);
      else yield { path: this.#relative(entry.path), version: entry.version };
    }
  }

  /** What is right below a collection; null if that is absent. */
  async #listed(directory: string): Promise<DavEntry[] | null> {
    const what = `list "${this.#textOf(directory)}"`;
    const request = propfind(directory === "/" ? "/" : `${directory}/`, 1);
    const answer = await this.#client.send(what, request);
    if (answer.status === 404) {
      const entry = await this.#entry(directory, what);
      if (entry === null) return null;
      throw new EnvironmentError(`Cannot ${what}: the server finds it and doesn't list it`, {
        hint: "run the same command again",
      });
    }
    if (answer.status !== 207) throw this.#client.error(what, answer);
    const entries = await readMultistatus(this.#client.xml, answer, what);
    if (!entries.some(({ path }) => path === directory)) {
      throw new EnvironmentError(`Cannot ${what}: the answer is of something else`);
    }
    const inside = directory === "/" ? "/" : `${directory}/`;
    return entries.filter(({ path }) => path !== directory && path.startsWith(inside));
  }

  /** What is at an absolute path; null if nothing is, which two answers must say. */
  async #entry(path: string, what: string): Promise<DavEntry | null> {
    const usesHead = this.#client.variant === "xrootd";
    for (let nAbsences = 1;; nAbsences++) {
      const request = usesHead ? { method: "HEAD", path } : propfind(path, 0);
      const answer = await this.#client.send(what, request);
      if (usesHead && answer.status !== 404) return this.#entryOfHead(path, answer, what);
      if (answer.status === 404) {
        if (nAbsences === 2) return null;
        continue;
      }
      if (answer.status !== 207) throw this.#client.error(what, answer);
      const [entry] = await readMultistatus(this.#client.xml, answer, what);
      if (entry !== undefined) return entry;
      throw new EnvironmentError(`Cannot ${what}: the server's answer is empty`);
    }
  }

  /** A redirector of XRootD sends HEAD to who has the file, and PROPFIND not. */
  #entryOfHead(path: string, answer: Answer, what: string): DavEntry {
    if (answer.status === 409) {
      return { path, isCollection: true, version: objectVersion(0, null, null) };
    }
    const length = answer.headers.get("content-length") ?? "";
    if (answer.status !== 200 || !/^\d{1,15}$/.test(length)) throw this.#client.error(what, answer);
    const version = versionOfHeaders(answer.headers, Number(length));
    return { path, isCollection: false, version };
  }

  async #tailBySize(
    path: string,
    what: string,
    ask: (range: string, etag: string | null, maxBody: number) => Promise<Answer>,
  ): Promise<Answer | null> {
    const entry = await this.#entry(this.#path(path), what);
    if (entry === null || entry.isCollection) return null;
    const { size } = entry.version;
    if (size === 0) {
      return { status: 200, headers: new Headers(), body: new Uint8Array(0), url: this.root.text };
    }
    return await ask(`bytes=${Math.max(0, size - TAIL_SIZE)}-${size - 1}`, null, TAIL_SIZE);
  }

  /** Connections over which dCache sends data are of no use afterwards, and cost it a mover while kept. */
  #get(path: string, headers: Record<string, string>, maxBody: number) {
    const isFresh = this.#client.variant === "dcache";
    return { method: "GET", path: this.#path(path), headers, maxBody, isFresh };
  }

  async #requireAbsent(path: string): Promise<void> {
    if (await this.stat(path) === null) return;
    throw new TakenNameError(`Cannot ${this.#what("store", path)}: it is there already`);
  }

  async #stored(path: string, size: number): Promise<ObjectVersion> {
    const version = await this.stat(path) ?? objectVersion(-1, null, null);
    if (version.size === size) return version;
    throw new EnvironmentError(
      `Cannot ${
        this.#what("store", path)
      }: afterwards it has ${version.size} bytes, and not ${size}`,
      { hint: "find out who else writes there, then run the same command again" },
    );
  }

  #path(path: string): string {
    return this.root.child(path).path;
  }

  #relative(absolute: string): string {
    return absolute.slice(this.root.path === "/" ? 1 : this.root.path.length + 1);
  }

  #textOf(absolute: string): string {
    return `${this.root.scheme}://${this.root.authority}${absolute}`;
  }

  #what(action: string, path: string): string {
    return `${action} "${this.root.child(path).text}"`;
  }
}
