/**
 * What headers say of a file's version.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";

/** The version that an entity tag, or else a time, tells. */
export function objectVersion(
  size: number,
  etag: string | null,
  lastModified: string | null,
): ObjectVersion {
  const ms = lastModified === null ? NaN : Date.parse(lastModified);
  // Servers take the mark of weakness away as the file ages.
  const words = etag?.replace(/^W\//, "") ?? lastModified;
  return {
    size,
    tag: words === null ? null : tagOf(words),
    isExact: etag !== null && !etag.startsWith("W/"),
    modifiedMs: Number.isNaN(ms) ? null : ms,
  };
}

/** The version that an answer to GET or HEAD tells; `size` is of the whole file. */
export function versionOfHeaders(headers: Headers, size: number): ObjectVersion {
  return objectVersion(size, headers.get("etag"), headers.get("last-modified"));
}

/** First 63 bits of the text's SHA-256: it fits where times of files do. */
function tagOf(text: string): bigint {
  const digest = sha256(new TextEncoder().encode(text));
  return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) >> 1n;
}

/** What a file was when it was looked at. */
export interface ObjectVersion {
  /** Bytes. */
  size: number;
  /**
   * Tells a version from others: 63 bits of what the store says of it (entity tag, else time). Null if it
   * says nothing; then equal sizes don't mean equal files.
   */
  tag: bigint | null;
  /** Whether the tag is that of a strong entity tag: no other content has it. */
  isExact?: boolean;
  /** Time of last modification by the store's clock, milliseconds since 1970; null if not told. */
  modifiedMs: number | null;
}
