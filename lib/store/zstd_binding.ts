/**
 * The binding of "zstd-codec". A module of its own, loaded only when needed: half of the start-up of a
 * command that reads one document.
 *
 * @module
 */

// @ts-types="./zstd_codec.d.ts"
import codecModule from "zstd-codec/module";
import type { Binding } from "./zstd_codec.d.ts";

/** Compiles the codec (about 15 ms). In an object, because the binding has a `then` method. */
export function loadBinding(): Promise<{ binding: Binding }> {
  return new Promise((resolve) => codecModule.run((binding) => resolve({ binding })));
}
