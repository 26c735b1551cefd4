/**
 * Decompression with a dictionary of documents too large for the small codec's heap of 16 MiB: the
 * WebAssembly module of "@bokuweb/zstd-wasm" 0.0.27, whose heap grows.
 *
 * The module is made here and not through the package's own `init`, for three reasons: it is made
 * when the first large document turns up, in the middle of synchronous code; it costs 40 ms of
 * start-up otherwise; and a heap that has grown can be dropped, while the package keeps it for ever.
 * The exported names are those of that version, which the import map pins and a test covers.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { systemErrorText } from "./system_errors.ts";

/** A heap beyond this isn't kept after the call that made it grow, in bytes. */
const KEEP_HEAP_SIZE = 2 ** 26;
const WASM_PAGE_SIZE = 65536;
/** Addresses are 32 bits and the package was built for half of them. */
const MAX_HEAP_SIZE = 2 ** 31;
/** Room for what else is in the heap: stack, tables, decoder state. */
const HEAP_RESERVE = 2 ** 22;

/** Largest content plus frame plus dictionary that fits, in bytes. */
export const MAX_LARGE_SIZE: number = MAX_HEAP_SIZE - HEAP_RESERVE;

interface Exports {
  f: WebAssembly.Memory;
  /** __wasm_call_ctors */
  g(): void;
  /** ZSTD_isError */
  h(code: number): number;
  /** ZSTD_createDCtx */
  n(): number;
  /** ZSTD_freeDCtx */
  o(context: number): number;
  /** ZSTD_decompress_usingDict */
  q(
    context: number,
    target: number,
    targetSize: number,
    source: number,
    sourceSize: number,
    dictionary: number,
    dictionarySize: number,
  ): number;
  /** malloc */
  s(size: number): number;
  /** free */
  t(address: number): void;
}

/** The decoder; its module is compiled at the first use (a few milliseconds). */
export class LargeDecoder {
  #module: WebAssembly.Module | null = null;
  #exports: Exports | null = null;

  /**
   * Decompresses one frame.
   *
   * @param contentSize what the frame header states; checked by the caller to be possible.
   * @returns null if the frame is damaged or needs another dictionary.
   * @throws {EnvironmentError} if there isn't memory enough.
   */
  decompress(
    frame: Uint8Array,
    dictionary: Uint8Array,
    contentSize: number,
  ): Uint8Array<ArrayBuffer> | null {
    const wasm = this.#exports ??= this.#instantiate();
    const addresses: number[] = [];
    const allocate = (size: number): number => {
      const address = wasm.s(Math.max(size, 1)) >>> 0;
      if (address === 0) {
        throw new EnvironmentError(
          `Cannot decompress a document of ${contentSize} bytes: not enough memory`,
        );
      }
      addresses.push(address);
      return address;
    };
    let context = 0;
    try {
      const target = allocate(contentSize);
      const source = allocate(frame.length);
      const dictionaryAt = allocate(dictionary.length);
      context = wasm.n();
      // A view of the heap is dead once the heap has grown, so there is one after all allocations
      // and another after the call.
      const heap = new Uint8Array(wasm.f.buffer);
      heap.set(frame, source);
      heap.set(dictionary, dictionaryAt);
      const size = wasm.q(
        context,
        target,
        contentSize,
        source,
        frame.length,
        dictionaryAt,
        dictionary.length,
      );
      if (wasm.h(size) !== 0 || size >>> 0 !== contentSize) return null;
      return new Uint8Array(wasm.f.buffer as ArrayBuffer, target, contentSize).slice();
    } finally {
      if (context !== 0) wasm.o(context);
      for (const address of addresses) wasm.t(address);
      if (wasm.f.buffer.byteLength > KEEP_HEAP_SIZE) this.#exports = null;
    }
  }

  #instantiate(): Exports {
    this.#module ??= new WebAssembly.Module(readWasm());
    let memory: WebAssembly.Memory | null = null;
    const stop = (): never => {
      throw new EnvironmentError("Cannot decompress: the zstd module gave up");
    };
    const instance = new WebAssembly.Instance(this.#module, {
      a: {
        /** proc_exit */ a: stop,
        /** _emscripten_runtime_keepalive_clear */ b: () => {},
        /** _abort_js */ c: stop,
        /** _setitimer_js */ d: () => 0,
        /** emscripten_resize_heap: true if the heap now has that size. */
        e: (wanted: number) => {
          const missing = (wanted >>> 0) - memory!.buffer.byteLength;
          if (wanted >>> 0 > MAX_HEAP_SIZE) return 0;
          try {
            memory!.grow(Math.ceil(missing / WASM_PAGE_SIZE));
            return 1;
          } catch {
            return 0;
          }
        },
      },
    });
    const exports = instance.exports as unknown as Exports;
    memory = exports.f;
    exports.g();
    return exports;
  }
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
