/**
 * Bytes of a file that grows while it is read.
 *
 * @module
 */

import { EnvironmentError, NotFoundError } from "../base/errors.ts";
import { withoutSecrets } from "../base/text/secrets.ts";
import type { Fetch } from "../storage/http_source.ts";

/** What was read of a file that grows. */
interface GrownBytes {
  bytes: Uint8Array;
  /** Of the whole file, when it was read. */
  size: number;
}

/** A file that grows. */
export interface GrowingBytes {
  /** What errors call it. */
  readonly name: string;
  /**
   * Bytes from `offset` on, at most `length`; none if the file ends there or before.
   *
   * @throws {NotFoundError} if the file is gone.
   */
  read(offset: number, length: number): Promise<GrownBytes>;
}

/** A file behind `http(s)://` that grows: each read is one request, which tells the size as well. */
export function growingUrl(url: string, doFetch: Fetch): GrowingBytes {
  const name = withoutSecrets(url);
  return {
    name,
    read: async (offset, length) => {
      const response = await doFetch(url, {
        headers: { range: `bytes=${offset}-${offset + length - 1}` },
      });
      const range = response.headers.get("content-range") ?? "";
      const size = Number(/\/(\d{1,15})$/.exec(range)?.[1] ?? NaN);
      if (response.status === 416 && !Number.isNaN(size)) {
        await response.body?.cancel();
        return { bytes: new Uint8Array(0), size };
      }
      if (response.status === 404 || response.status === 410) {
        await response.body?.cancel();
        throw new NotFoundError(`Cannot find "${name}": the server answers ${response.status}`);
      }
      const start = Number(/^bytes (\d{1,15})-/.exec(range)?.[1] ?? NaN);
      if (response.status !== 206 || start !== offset || Number.isNaN(size)) {
        await response.body?.cancel();
        throw new EnvironmentError(
          `Cannot follow "${name}": the server doesn't send the bytes that are asked for`,
          { hint: "it has to answer range requests, see schema/explore.md" },
        );
      }
      const bytes = await atMost(response, length, name);
      return { bytes, size };
    },
  };
}

/** A dropped file; the browser tells nothing of what is written behind its end. */
export function growingBlob(blob: Blob, name: string): GrowingBytes {
  return {
    name,
    read: async (offset, length) => ({
      bytes: new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
      size: blob.size,
    }),
  };
}

async function atMost(response: Response, length: number, name: string): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const bytes = new Uint8Array(length);
  let n = 0;
  for (;;) {
    const { value } = await reader?.read() ?? {};
    if (value === undefined) return bytes.subarray(0, n);
    if (n + value.length > length) {
      await reader!.cancel();
      throw new EnvironmentError(
        `Cannot follow "${name}": the server sent more than the ${length} bytes asked for`,
      );
    }
    bytes.set(value, n);
    n += value.length;
  }
}
