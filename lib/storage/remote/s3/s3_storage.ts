/**
 * A bucket, or what is below a prefix in it, as a storage. Source of requests and answers:
 * `schema/storage.md`, section 3.
 *
 * @module
 */

import {
  EnvironmentError,
  NotFoundError,
  RefusedError,
  UnusableFileError,
} from "../../../base/errors.ts";
import type { ByteSource } from "../../byte_source.ts";
import { type Answer, BodyTooLargeError } from "../http_transport.ts";
import { type ObjectVersion, objectVersion, versionOfHeaders } from "../object_version.ts";
import { askRange, contentRange, RangeSource, TAIL_SIZE } from "../range_source.ts";
import { abortOldUploads } from "./old_uploads.ts";
import { codeOf, S3Client } from "./s3_client.ts";
import { MAX_KEYS, S3Deleter } from "./s3_delete.ts";
import { MAX_COPY, S3Putter } from "./s3_put.ts";
import type {
  Deleted,
  ListedObject,
  PutOptions,
  Storage,
  StorageCapabilities,
  StorageContext,
  StorageFacts,
  WholeObject,
} from "../storage.ts";
import type { StorageUrl } from "../storage_url.ts";
import { children, textOf, type XmlElement } from "../xml.ts";
import { TakenNameError } from "../taken_name_error.ts";

/** Objects of one bucket whose keys begin with the root's path. */
export class S3Storage implements Storage {
  readonly root: StorageUrl;
  readonly #client: S3Client;
  readonly #putter: S3Putter;
  readonly #deleter: S3Deleter;
  /** Root's path without the first slash, and one at its end; empty for the whole bucket. */
  readonly #prefix: string;
  /** Whether the bucket has been seen, so that what isn't in it is absent. */
  #hasBucket = false;

  private constructor(root: StorageUrl, client: S3Client, partSize: number | undefined) {
    this.root = root;
    this.#client = client;
    const abortOld = (key: string, what: string) => abortOldUploads(client, key, what);
    this.#putter = new S3Putter(client, abortOld, partSize);
    this.#deleter = new S3Deleter(client);
    this.#prefix = root.path === "/" ? "" : `${root.path.slice(1)}/`;
  }

  /**
   * @param partSize Bytes of a part of a large object; for tests.
   * @throws {UsageError} if the configuration can't work.
   */
  static async open(
    root: StorageUrl,
    context: StorageContext,
    partSize?: number,
  ): Promise<S3Storage> {
    return new S3Storage(root, await S3Client.open(root.authority, context), partSize);
  }

  get capabilities(): StorageCapabilities {
    const bulkDelete = this.#deleter.hasBulk ? MAX_KEYS : 1;
    return { isLocal: false, bulkDelete, listsByPrefix: true, hasDirectories: false };
  }

  async look(): Promise<boolean> {
    await this.#listPage(this.#prefix, null, 1);
    this.#hasBucket = true;
    return true;
  }

  facts(): StorageFacts {
    return this.#client.facts();
  }

  async readWhole(path: string, maxSize: number): Promise<WholeObject | null> {
    const place = this.root.child(path);
    const what = `read "${place.text}"`;
    const request = { method: "GET", key: place.path.slice(1), maxBody: maxSize };
    let answer: Answer;
    try {
      answer = await this.#client.send(what, request);
      if (answer.status === 404) {
        if (await this.#isAbsent(path, what, answer)) return null;
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
    const request = { method: "HEAD", key: this.#key(path) };
    let answer = await this.#client.send(what, request);
    if (answer.status === 404) {
      if (await this.#isAbsent(path, what, answer)) return null;
      answer = await this.#client.send(what, request);
    }
    if (answer.status !== 200) throw this.#client.error(what, answer);
    const length = answer.headers.get("content-length") ?? "";
    if (!/^\d{1,15}$/.test(length)) {
      throw new EnvironmentError(`Cannot ${what}: the server doesn't tell its size`);
    }
    return versionOfHeaders(answer.headers, Number(length));
  }

  async open(path: string): Promise<ByteSource | null> {
    const what = this.#what("read", path);
    const key = this.#key(path);
    const ask = (range: string, etag: string | null, maxBody: number) =>
      askRange(what, range, () =>
        this.#client.send(what, {
          method: "GET",
          key,
          headers: { range, ...(etag === null ? {} : { "if-match": etag }) },
          maxBody,
        }));
    let answer = await ask(`bytes=-${TAIL_SIZE}`, null, TAIL_SIZE);
    if (answer.status === 404) {
      if (await this.#isAbsent(path, what, answer)) return null;
      answer = await ask(`bytes=-${TAIL_SIZE}`, null, TAIL_SIZE);
    }
    const range = contentRange(answer);
    const isEmpty = answer.status === 416 || answer.status === 200 && answer.body.length === 0;
    if (range === null && answer.status !== 200 && !isEmpty) throw this.#client.error(what, answer);
    // The body of status 416 is an error document.
    const bytes = isEmpty ? new Uint8Array(0) : answer.body;
    const size = range?.size ?? bytes.length;
    const offset = range?.start ?? 0;
    if (offset + bytes.length !== size) {
      throw new EnvironmentError(
        `Cannot ${what}: the server sends ${bytes.length} bytes at ${offset} of ${size}, not the last`,
      );
    }
    const etag = answer.headers.get("etag");
    const name = this.root.child(path).text;
    return new RangeSource({ name, size, etag, tail: { offset, bytes } }, ask);
  }

  async *list(prefix: string, nWanted = MAX_KEYS): AsyncGenerator<ListedObject> {
    let token: string | null = null;
    const seen = new Set<string>();
    do {
      const page: ListPage = await this.#listPage(
        this.#prefix + prefix,
        token,
        Math.min(nWanted, MAX_KEYS),
      );
      for (const object of page.objects) {
        // Some programs make directories of empty objects.
        if (!object.path.endsWith("/")) yield object;
      }
      token = page.next;
      if (token !== null && seen.has(token)) {
        throw new EnvironmentError(
          `Cannot list "${this.root.text}/${prefix}": the server gives the same page again`,
          { hint: "run the same command again" },
        );
      }
      if (token !== null) seen.add(token);
    } while (token !== null);
    this.#hasBucket = true;
  }

  async put(path: string, source: ByteSource, how: PutOptions): Promise<ObjectVersion> {
    const { mustBeNew, skipsLook } = how;
    if (mustBeNew && !skipsLook) await this.#requireAbsent(path);
    await this.#putter.put(this.#key(path), source, mustBeNew, this.#what("store", path));
    return await this.#stored(path, source.size);
  }

  async copyInside(from: string, to: string, how: PutOptions): Promise<ObjectVersion> {
    const source = await this.stat(from);
    if (source === null) {
      throw new NotFoundError(`Cannot ${this.#what("copy", from)}: it isn't there`);
    }
    if (source.size > MAX_COPY) {
      const whole = await this.open(from);
      if (whole === null) {
        throw new NotFoundError(`Cannot ${this.#what("copy", from)}: it isn't there`);
      }
      return await this.put(to, whole, how);
    }
    if (how.mustBeNew) await this.#requireAbsent(to);
    await this.#putter.copy(this.#key(from), this.#key(to), this.#what("store", to));
    return await this.#stored(to, source.size);
  }

  async deleteMany(paths: readonly string[], onGone?: (n: number) => void): Promise<Deleted> {
    let nDeleted = 0;
    await this.#deleter.delete(
      paths.map((path) => this.#key(path)),
      `"${this.root.text}"`,
      (n) => {
        nDeleted += n;
        onGone?.(n);
      },
    );
    return { nDeleted, nAbsent: null };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  #key(path: string): string {
    return this.root.child(path).path.slice(1);
  }

  #what(action: string, path: string): string {
    return `${action} "${this.root.child(path).text}"`;
  }

  /**
   * Whether an answer 404 means that the object is absent. One alone isn't believed: a gateway may say so
   * while what is behind it is on its way.
   */
  async #isAbsent(path: string, what: string, answer: Answer): Promise<boolean> {
    const code = codeOf(answer);
    if (code === "NoSuchBucket") throw this.#client.error(what, answer);
    if (!this.#hasBucket) await this.look();
    // An answer to GET has a body, which tells a bucket that has vanished meanwhile from an absent object.
    const headers = { range: "bytes=0-0" };
    const request = { method: "GET", key: this.#key(path), headers, maxBody: 1 };
    let again: Answer;
    try {
      again = await this.#client.send(what, request);
    } catch (error) {
      // A store without ranges sends all of it: it is there.
      if (error instanceof BodyTooLargeError) return false;
      throw error;
    }
    if (again.status === 404) {
      if (codeOf(again) === "NoSuchBucket") throw this.#client.error(what, again);
      return true;
    }
    if (again.status < 300 || again.status === 416) return false;
    throw this.#client.error(what, again);
  }

  async #requireAbsent(path: string): Promise<void> {
    if (await this.stat(path) === null) return;
    throw new TakenNameError(`Cannot ${this.#what("store", path)}: it is there already`);
  }

  async #stored(path: string, size: number): Promise<ObjectVersion> {
    const version = await this.stat(path);
    if (version?.size === size) return version;
    throw new EnvironmentError(
      `Cannot ${this.#what("store", path)}: afterwards it has ${
        version === null ? "not been there" : `${version.size} bytes`
      }, and not ${size} bytes`,
      { hint: "find out who else writes there, then run the same command again" },
    );
  }

  async #listPage(prefix: string, token: string | null, maxKeys: number): Promise<ListPage> {
    const what = `list "s3://${this.root.authority}/${prefix}"`;
    const answer = await this.#client.send(what, {
      method: "GET",
      key: null,
      query: {
        "list-type": "2",
        prefix,
        "max-keys": String(maxKeys),
        "encoding-type": "url",
        ...(token === null ? {} : { "continuation-token": token }),
      },
    });
    if (answer.status !== 200) {
      const error = this.#client.error(what, answer);
      throw error instanceof NotFoundError
        ? new RefusedError(error.message, { hint: "check the name of the bucket and the endpoint" })
        : error;
    }
    const document = await this.#client.xml.read(answer.body, "ListBucketResult", `the ${what}`);
    return this.#page(document, what);
  }

  #page(document: XmlElement, what: string): ListPage {
    const isQuoted = textOf(document, "EncodingType") === "url";
    const isTruncated = textOf(document, "IsTruncated");
    const next = textOf(document, "NextContinuationToken");
    if (
      isTruncated !== "true" && isTruncated !== "false" ||
      isTruncated === "true" && (next === null || next === "")
    ) {
      throw new EnvironmentError(`Cannot ${what}: the answer doesn't tell whether there is more`);
    }
    const objects: ListedObject[] = [];
    for (const element of children(document, "Contents")) {
      const text = textOf(element, "Key") ?? "";
      const key = isQuoted ? decodeURIComponent(text.replaceAll("+", " ")) : text;
      const size = textOf(element, "Size") ?? "";
      if (!key.startsWith(this.#prefix) || !/^\d{1,15}$/.test(size)) {
        throw new EnvironmentError(`Cannot ${what}: the answer has "${key}" in it`);
      }
      objects.push({
        path: key.slice(this.#prefix.length),
        version: objectVersion(
          Number(size),
          textOf(element, "ETag"),
          textOf(element, "LastModified"),
        ),
      });
    }
    return { objects, next: isTruncated === "true" ? next : null };
  }
}

interface ListPage {
  objects: ListedObject[];
  /** Token of the next page; null if there is none. */
  next: string | null;
}
