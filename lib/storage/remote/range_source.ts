/**
 * A remote file that is read by ranges of one version. The tail, read when it is opened, is kept: there a
 * graph has its directory.
 *
 * @module
 */

import { EnvironmentError, RefusedError } from "../../base/errors.ts";
import type { ByteSource } from "../byte_source.ts";
import { checkRange } from "../file_errors.ts";
import { type Answer, answerText, BodyTooLargeError } from "./http_transport.ts";

/** Bytes asked for when opening. */
export const TAIL_SIZE = 65_536;
/** Longer reads are made of several requests, so that a broken one costs no more than this; bytes. */
const MAX_RANGE = 2 ** 23;
const N_RANGES_AT_ONCE = 8;

/** What a range answer says: which bytes, and of how many. */
interface ContentRange {
  start: number;
  end: number;
  size: number;
}

/** Reads the header of an answer; null if it says nothing of use. */
export function contentRange({ status, headers }: Answer): ContentRange | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(
    headers.get("content-range") ?? "",
  );
  if (status !== 206 || match === null) return null;
  const [start, last, size] = match.slice(1).map(Number);
  return { start, end: last + 1, size };
}

/** The file as it was when it was opened. */
interface OpenedFile {
  name: string;
  size: number;
  /** What the store calls this version; null if it has no names for them. */
  etag: string | null;
  tail: { offset: number; bytes: Uint8Array };
}

/** Asks for a range, of the version with an entity tag. */
type RangeRequest = (
  range: string,
  etag: string | null,
  maxBody: number,
) => Promise<Answer>;

/**
 * Asks for a range.
 *
 * @param what is attempted, with its object.
 * @throws {RefusedError} if the store sends more than that: it ignores ranges.
 */
export async function askRange(
  what: string,
  range: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    const size = error.size === null ? "more" : `${error.size} bytes`;
    throw new RefusedError(
      `Cannot ${what} by ranges: asked for ${range.replace("=", " ")}, the server sends ${size}`,
      {
        cause: error,
        hint:
          "let the store, or the proxy before it, answer ranges; or copy the file here and give " +
          "its path",
      },
    );
  }
}

/** A file behind a network. */
export class RangeSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #etag: string | null;
  readonly #request: RangeRequest;
  #tail: { offset: number; bytes: Uint8Array };

  constructor(file: OpenedFile, request: RangeRequest) {
    this.name = file.name;
    this.size = file.size;
    this.#etag = file.etag;
    this.#tail = file.tail;
    this.#request = request;
  }

  /** @throws {EnvironmentError} if the file has changed, or the store sends something else. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, offset, length);
    const at = offset - this.#tail.offset;
    if (at >= 0 && at + length <= this.#tail.bytes.length) {
      return this.#tail.bytes.slice(at, at + length);
    }
    if (length === 0) return new Uint8Array(0);
    if (length <= MAX_RANGE) return await this.#readRange(offset, length);
    const bytes = new Uint8Array(length);
    let next = 0;
    const worker = async () => {
      while (next < length) {
        const start = next;
        next += MAX_RANGE;
        const n = Math.min(MAX_RANGE, length - start);
        bytes.set(await this.#readRange(offset + start, n), start);
      }
    };
    await Promise.all(Array.from({ length: N_RANGES_AT_ONCE }, worker));
    return bytes;
  }

  close(): void {
    this.#tail = { offset: 0, bytes: new Uint8Array(0) };
  }

  async #readRange(offset: number, length: number): Promise<Uint8Array> {
    const answer = await this.#request(
      `bytes=${offset}-${offset + length - 1}`,
      this.#etag?.startsWith("W/") ? null : this.#etag,
      length,
    );
    const etag = answer.headers.get("etag");
    const range = contentRange(answer);
    const isOther = this.#etag !== null && etag !== null && opaque(etag) !== opaque(this.#etag);
    if (answer.status === 412 || answer.status === 404 || answer.status === 416 || isOther) {
      throw this.#changed();
    }
    // A server without ranges sends all; that is good enough if all was asked for.
    if (answer.status === 200 && offset === 0 && length === this.size) return answer.body;
    if (range === null) {
      throw new EnvironmentError(
        `Cannot read "${this.name}" by ranges: ${
          answer.status === 200 ? "the server ignores them" : answerText(answer)
        }`,
      );
    }
    if (range.size !== this.size) throw this.#changed();
    if (range.start !== offset || range.end !== offset + length || answer.body.length !== length) {
      throw new EnvironmentError(
        `Cannot read "${this.name}": the server sends bytes ${range.start} to ${range.end}, which ` +
          "were not asked for",
        { hint: "run the same command again" },
      );
    }
    return answer.body;
  }

  #changed(): EnvironmentError {
    return new EnvironmentError(`Cannot read "${this.name}": the file has changed meanwhile`, {
      hint: "run the same command again",
    });
  }
}

/** An entity tag without its mark of weakness, which goes away as the file ages. */
function opaque(etag: string): string {
  return etag.replace(/^W\//, "");
}
