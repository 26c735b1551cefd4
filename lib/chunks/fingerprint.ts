/**
 * Which predicted graph a chunk log belongs to.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { encodeUtf8 } from "../base/json_text.ts";

/**
 * Fingerprint of a predicted graph: SHA-256 over header and pipeline graph texts and the size of its
 * blocks. Two graphs of one pipeline differ in their headers' identifier.
 */
export function graphFingerprint(
  headerText: Uint8Array,
  pipelineGraphText: Uint8Array,
  nBlockBytes: number,
): string {
  // Not by `node:crypto`, which takes longer to load than this.
  const hash = sha256.create().update(headerText).update(encodeUtf8("\0"))
    .update(pipelineGraphText).update(encodeUtf8(`\0${nBlockBytes}`)).digest();
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
