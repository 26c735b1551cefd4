/**
 * Zstandard's decoder as WebAssembly: the module of "@bokuweb/zstd-wasm" 0.0.27, whose heap grows, without
 * the package's own glue. The module is handed in, so that it can be used where there is no Deno, and made
 * into an instance when the first document turns up.
 *
 * The exported names are those of that version, which the import map pins and a test covers.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";

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

/** The decoder; its instance is made at the first use (a few milliseconds). */
export class WasmDecoder {
  readonly #makeModule: () => WebAssembly.Module;
  #module: WebAssembly.Module | null = null;
  #exports: Exports | null = null;
  /** Of the instance; 0 before the first document. */
  #context = 0;

  /** @param makeModule Called once, when the first document turns up. */
  constructor(makeModule: () => WebAssembly.Module) {
    this.#makeModule = makeModule;
  }

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
    try {
      const target = allocate(contentSize);
      const source = allocate(frame.length);
      const dictionaryAt = allocate(dictionary.length);
      this.#context ||= wasm.n();
      // A view of the heap is dead once the heap has grown, so there is one after all allocations
      // and another after the call.
      const heap = new Uint8Array(wasm.f.buffer);
      heap.set(frame, source);
      heap.set(dictionary, dictionaryAt);
      const size = wasm.q(
        this.#context,
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
      for (const address of addresses) wasm.t(address);
      if (wasm.f.buffer.byteLength > KEEP_HEAP_SIZE) {
        this.#exports = null;
        this.#context = 0;
      }
    }
  }

  #instantiate(): Exports {
    this.#module ??= this.#makeModule();
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
