/**
 * Inflating with what the runtime has.
 *
 * @module
 */

import { nodeZlib } from "../base/node_modules.ts";

/** Inflates bytes of a ZIP archive; see `Inflate`. */
export function inflateRaw(bytes: Uint8Array, maxSize: number): Uint8Array<ArrayBuffer> {
  // At least 1: zero would mean no limit.
  return new Uint8Array(
    nodeZlib().inflateRawSync(bytes, { maxOutputLength: Math.max(maxSize, 1) }),
  );
}
