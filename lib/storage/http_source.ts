/**
 * A file behind `http(s)://` as a byte source, by range requests.
 *
 * @module
 */

import { withoutSecrets } from "../base/text/secrets.ts";
import {
  EnvironmentError,
  hostRefused,
  NotFoundError,
  ProvgraphError,
  RefusedError,
} from "../base/errors.ts";
import type { ByteSource } from "./byte_source.ts";
import { checkRange } from "./file_errors.ts";

/** Bytes asked for when opening: the tail, where a ZIP archive has its directory. */
const TAIL_SIZE = 65536;
/** A server that ignores ranges sends everything; up to this size that is taken. */
const MAX_WHOLE_SIZE = 16 * 2 ** 20;
/** Tries of a request that fails in a way that may pass. */
const N_TRIES = 3;
/** Milliseconds for one request, and bytes that come at least in each one more. */
const TIMEOUT_MS = 60_000;
const MIN_BYTES_PER_MS = 100;

/** What a server may do; injected for tests. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * A remote file. Every range is one request; the tail read when opening, or the whole of a small file
 * from a server without ranges, is kept.
 */
export class HttpSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #url: string;
  readonly #fetch: Fetch;
  /** Tells whether the file is still the same one; null if the server says nothing of it. */
  readonly #version: string | null;
  #kept: { offset: number; bytes: Uint8Array };

  private constructor(
    url: string,
    doFetch: Fetch,
    size: number,
    version: string | null,
    kept: { offset: number; bytes: Uint8Array },
  ) {
    this.name = withoutSecrets(url);
    this.#url = url;
    this.#fetch = doFetch;
    this.size = size;
    this.#version = version;
    this.#kept = kept;
  }

  /**
   * Opens a remote file with one request.
   *
   * @throws {NotFoundError} if the server has no such file.
   * @throws {RefusedError} if the server ignores ranges and the file is larger than 16 MiB.
   * @throws {EnvironmentError} if the server can't be reached, refuses or answers nonsense.
   */
  static async open(url: string, doFetch: Fetch = fetch): Promise<HttpSource> {
    const response = await request(url, `bytes=-${TAIL_SIZE}`, TAIL_SIZE, doFetch);
    const version = versionOf(response);
    if (response.status === 200) {
      const length = Number(response.headers.get("content-length") ?? NaN);
      if (!(length <= MAX_WHOLE_SIZE)) {
        await response.body?.cancel();
        throw new RefusedError(
          `Cannot read "${withoutSecrets(url)}": the server ignores range requests, and the ` +
            `file has ${Number.isNaN(length) ? "an unknown number of" : length} bytes`,
          { hint: "download the file and give its path" },
        );
      }
      const bytes = await bodyOf(response, url, { start: 0, end: length });
      return new HttpSource(url, doFetch, bytes.length, version, { offset: 0, bytes });
    }
    const range = await contentRange(response, url);
    const start = Math.max(0, range.size - TAIL_SIZE);
    if (range.start !== start || range.end !== range.size) {
      throw await otherRange(response, url, range);
    }
    const bytes = await bodyOf(response, url, range);
    return new HttpSource(url, doFetch, range.size, version, { offset: range.start, bytes });
  }

  /**
   * Reads a range with one request, unless it is kept.
   *
   * @throws {EnvironmentError} if the server sends something else, or the file has changed.
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, offset, length);
    if (length === 0) return new Uint8Array(0);
    const at = offset - this.#kept.offset;
    if (at >= 0 && at + length <= this.#kept.bytes.length) {
      return this.#kept.bytes.slice(at, at + length);
    }
    const response = await request(
      this.#url,
      `bytes=${offset}-${offset + length - 1}`,
      length,
      this.#fetch,
    );
    const range = await contentRange(response, this.#url);
    if (range.size !== this.size || versionOf(response) !== this.#version) {
      await response.body?.cancel();
      throw new EnvironmentError(`Cannot read "${this.name}": the file has changed meanwhile`, {
        hint: "run the same command again",
      });
    }
    if (range.start !== offset || range.end !== offset + length) {
      throw await otherRange(response, this.#url, range);
    }
    return await bodyOf(response, this.#url, range);
  }

  close(): void {
    this.#kept = { offset: 0, bytes: new Uint8Array(0) };
  }
}

function versionOf(response: Response): string | null {
  return response.headers.get("etag") ?? response.headers.get("last-modified");
}

/** @param length bytes that are asked for; the answer may take longer the more these are. */
async function request(
  url: string,
  range: string,
  length: number,
  doFetch: Fetch,
): Promise<Response> {
  const name = withoutSecrets(url);
  for (let attempt = 1;; attempt++) {
    let response: Response;
    try {
      response = await doFetch(url, {
        headers: { range, "accept-encoding": "identity" },
        signal: AbortSignal.timeout(TIMEOUT_MS + length / MIN_BYTES_PER_MS),
      });
    } catch (cause) {
      if (cause instanceof ProvgraphError) throw cause; // whoever fetches knows better
      const refused = hostRefused(`read "${name}"`, cause);
      if (refused !== null) throw refused;
      if (attempt < N_TRIES) continue;
      throw new EnvironmentError(
        `Cannot read "${name}": ${cause instanceof Error ? cause.message : cause}`,
        { cause, hint: "check the address and the network, then try again" },
      );
    }
    if (response.status === 206 || response.status === 200) return response;
    await response.body?.cancel();
    if (response.status >= 500 && attempt < N_TRIES) continue;
    const reason = `the server answers ${response.status} ${response.statusText}`.trimEnd();
    if (response.status === 404 || response.status === 410) {
      throw new NotFoundError(`Cannot find "${name}": ${reason}`);
    }
    throw new EnvironmentError(`Cannot read "${name}": ${reason}`);
  }
}

/**
 * The body of an answer, which must have just the bytes of the range; no more than these are read.
 *
 * @throws {EnvironmentError} if there are fewer or more.
 */
async function bodyOf(
  response: Response,
  url: string,
  range: { start: number; end: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(range.end - range.start);
  const reader = response.body?.getReader();
  let n = 0;
  try {
    for (;;) {
      const { value } = await reader?.read() ?? {};
      if (value === undefined) break;
      if (n + value.length > bytes.length) {
        await reader!.cancel();
        throw wrongAnswer(url, `more than ${bytes.length} bytes`, range);
      }
      bytes.set(value, n);
      n += value.length;
    }
  } catch (cause) {
    if (cause instanceof EnvironmentError) throw cause;
    throw new EnvironmentError(
      `Cannot read "${withoutSecrets(url)}": the connection was cut`,
      { cause, hint: "try again" },
    );
  }
  if (n < bytes.length) throw wrongAnswer(url, `${n} bytes`, range);
  return bytes;
}

/** Half-open range that an answer covers, and the size of the whole file. */
async function contentRange(
  response: Response,
  url: string,
): Promise<{ start: number; end: number; size: number }> {
  const text = response.headers.get("content-range") ?? "";
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text);
  if (response.status !== 206 || match === null) {
    await response.body?.cancel();
    throw new EnvironmentError(
      `Cannot read "${withoutSecrets(url)}": the server doesn't say which bytes it sends`,
    );
  }
  const [start, last, size] = match.slice(1).map(Number);
  return { start, end: last + 1, size };
}

/** The error for an answer with another range than that which was asked for; it is not read. */
async function otherRange(
  response: Response,
  url: string,
  { start, end, size }: { start: number; end: number; size: number },
): Promise<EnvironmentError> {
  await response.body?.cancel();
  return new EnvironmentError(
    `Cannot read "${withoutSecrets(url)}": the server sends bytes ${start} to ${end} of ${size}, ` +
      "which were not asked for",
    { hint: "try again" },
  );
}

function wrongAnswer(
  url: string,
  sent: string,
  range: { start: number; end: number },
): EnvironmentError {
  return new EnvironmentError(
    `Cannot read "${withoutSecrets(url)}": the server sent ${sent} for bytes ` +
      `${range.start} to ${range.end}`,
    { hint: "try again" },
  );
}
