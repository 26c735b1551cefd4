/**
 * Decompression with a dictionary of documents too large for the small codec's heap of 16 MiB.
 *
 * The module is made here and not through the package's own `init`, for three reasons: it is made
 * when the first large document turns up, in the middle of synchronous code; it costs 40 ms of
 * start-up otherwise; and a heap that has grown can be dropped, while the package keeps it for ever.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { systemErrorText } from "../storage/file_errors.ts";
import { WasmDecoder } from "./zstd_wasm.ts";

/** Of this thread: whoever runs several commands compiles once. */
let compiled: WebAssembly.Module | null = null;

/** A decoder with the module of the package. */
export function largeDecoder(): WasmDecoder {
  return new WasmDecoder(() => compiled ??= new WebAssembly.Module(readWasm()));
}

function readWasm(): Uint8Array<ArrayBuffer> {
  try {
    const url = new URL("./zstd.wasm", import.meta.resolve("@bokuweb/zstd-wasm"));
    return Deno.readFileSync(url);
  } catch (cause) {
    throw new EnvironmentError(
      'Cannot load the decoder for large documents, "zstd.wasm" of package "@bokuweb/zstd-wasm": ' +
        systemErrorText(cause),
      { cause },
    );
  }
}
