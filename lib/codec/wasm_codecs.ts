/**
 * Codecs of a graph for where there is neither Deno nor Node: a browser hands in Zstandard as WebAssembly
 * and a function that inflates.
 *
 * @module
 */

import { checkFrame, damagedFrame } from "./checked_frame.ts";
import type { GraphCodecs, Inflate } from "./codecs.ts";
import { MAX_LARGE_SIZE, WasmDecoder } from "./zstd_wasm.ts";

/** Largest content that is returned unless the caller says less, in bytes. */
const DEFAULT_CONTENT_SIZE = 2 ** 30 + 2 ** 20;
const NO_DICTIONARY = new Uint8Array(0);

/**
 * Codecs made of a compiled `zstd.wasm` of "@bokuweb/zstd-wasm" 0.0.27.
 *
 * @param inflate Content of "deflated" bytes.
 */
export function wasmCodecs(module: WebAssembly.Module, inflate: Inflate): GraphCodecs {
  const decoder = new WasmDecoder(() => module);
  return {
    inflate,
    prepare: () => Promise.resolve(),
    decompressor: (given) => {
      const dictionary = given === null || given.length === 0 ? null : given.slice();
      return {
        decompress: (bytes, what, maxSize = DEFAULT_CONTENT_SIZE) => {
          const { frame, contentSize } = checkFrame(bytes, what, {
            dictionary,
            maxSize,
            maxTotal: MAX_LARGE_SIZE,
          });
          if (contentSize === 0) return new Uint8Array(0);
          const content = decoder.decompress(frame, dictionary ?? NO_DICTIONARY, contentSize);
          if (content === null) throw damagedFrame(what);
          return content;
        },
      };
    },
  };
}
