/**
 * zstd with dictionaries. Three codecs hide behind one interface, because none does everything:
 *
 * | Document | Codec |
 * | --- | --- |
 * | read, content and frame up to 4 MiB | "zstd-codec" (digested dictionaries, heap of 16 MiB) |
 * | read, larger, with a dictionary | "@bokuweb/zstd-wasm", a module made when needed |
 * | read, larger, without | `node:zlib` |
 * | written, up to 1 MiB (without dictionary 256 KiB) | "zstd-codec" |
 * | written, larger | `node:zlib`, without dictionary, which any reader accepts |
 *
 * Who reads only a few documents does so without "zstd-codec" (`Zstd.forFewReads()`): it takes 20 ms
 * to load, "@bokuweb/zstd-wasm" 6 ms, but 50 µs more a document. Nor do small documents without a
 * dictionary need `node:zlib` then, which takes 20 ms as well.
 *
 * The size decides, never a failed attempt: out of memory, "zstd-codec" prints to stdout. Of its
 * heap, 11 MiB are usable; the limits leave room for six digested dictionaries.
 *
 * Source: `schema/quantum-graph.md`, section 3.
 *
 * @module
 */

import type { ZstdOptions } from "node:zlib";
import { equalBytes } from "../base/bytes.ts";
import { offerNativeCrc32 } from "../base/crc32.ts";
import { nodeZlib } from "../base/node_modules.ts";
import { checkFrame, damagedFrame } from "./checked_frame.ts";
import type { GraphCodecs, ZstdCompressor, ZstdDecompressor } from "./codecs.ts";
import { inflateRaw } from "./inflate.ts";
import type { ParquetCodec } from "./parquet.ts";
import type { Binding, Codec, DictionaryHandle, VectorU8 } from "./zstd_codec.d.ts";
import { largeDecoder } from "./zstd_large.ts";
import { MAX_LARGE_SIZE } from "./zstd_wasm.ts";

/** Largest content plus frame that the small codec reads, in bytes. */
const SMALL_READ_SIZE = 2 ** 22;
/** Largest document that the small codec writes, with and without dictionary, in bytes. */
const SMALL_WRITE_SIZE = 2 ** 20;
const SMALL_WRITE_SIZE_PLAIN = 2 ** 18;
/** Capacity of the two vectors kept for good, in bytes; larger documents get vectors of their own. */
const KEPT_SIZE = 2 ** 18;
/** Largest content that is returned unless the caller says less, in bytes: that of a log, all in all. */
const DEFAULT_CONTENT_SIZE = 2 ** 30 + 2 ** 20;
/** Largest content that is ever returned, in bytes. */
const MAX_CONTENT_SIZE = 2 ** 31;
/** The compressor ignores shorter dictionaries (`schema/quantum-graph.md`, section 3). */
const MIN_DICTIONARY_SIZE = 8;
/** Largest dictionary that is digested in the small codec's heap; the usual one has 32 KiB. */
const MAX_SMALL_DICTIONARY_SIZE = 2 ** 17;
/** Digested dictionaries kept: about 1 MB each for writing, the bytes and 30 KB for reading. */
const MAX_WRITE_DICTIONARIES = 2;
const MAX_READ_DICTIONARIES = 4;
/** Dictionaries recognised when they come again. */
const MAX_KNOWN_DICTIONARIES = 8;

const NO_DICTIONARY = new Uint8Array(0);

offerNativeCrc32(() => nodeZlib().crc32);

/**
 * The small codec of this thread, which all share that were made here: its heap has 16 MiB, and making
 * it takes longer than to read a hundred documents. Each of its calls is over before it returns.
 */
let smallCodec: Promise<SmallCodec> | null = null;

/** Dictionaries that the small codec has met, the last one first. */
const dictionaries: Uint8Array[] = [];

/** A copy of the dictionary, the same one for the same bytes: by it digested ones are found. */
function knownDictionary(dictionary: Uint8Array): Uint8Array {
  const found = dictionaries.find((known) => equalBytes(known, dictionary));
  if (found !== undefined) return found;
  const copy = dictionary.slice();
  dictionaries.unshift(copy);
  dictionaries.length = Math.min(dictionaries.length, MAX_KNOWN_DICTIONARIES);
  return copy;
}

async function makeSmallCodec(): Promise<SmallCodec> {
  const { loadBinding } = await import(
    import.meta.resolve("./zstd_binding.ts")
  ) as typeof import("./zstd_binding.ts");
  const { binding } = await loadBinding();
  return new SmallCodec(binding);
}

/** Codecs; those of a thread share the small one. */
export class Zstd implements GraphCodecs {
  /** Null until {@linkcode prepare} is done. */
  #small: SmallCodec | null = null;
  readonly #large = largeDecoder();

  private constructor() {}

  readonly inflate = inflateRaw;

  /** See {@linkcode GraphCodecs}. */
  async parquet(): Promise<ParquetCodec> {
    const { PARQUET } = await import(
      import.meta.resolve("./parquet_package.ts")
    ) as typeof import("./parquet_package.ts");
    return PARQUET;
  }

  /** Loads the small codec; that for large documents comes when one turns up. */
  static async load(): Promise<Zstd> {
    const zstd = new Zstd();
    await zstd.prepare();
    return zstd;
  }

  /**
   * Codecs to read a few documents with, there at once. {@linkcode prepare} comes before compressing,
   * and before reading many.
   */
  static forFewReads(): Zstd {
    return new Zstd();
  }

  /** Loads the small codec, unless it is there: decompressors made before use it from then on. */
  async prepare(): Promise<void> {
    if (this.#small !== null) return;
    smallCodec ??= makeSmallCodec();
    try {
      this.#small = await smallCodec;
    } catch (error) {
      smallCodec = null;
      throw error;
    }
  }

  /**
   * A compressor. Keep it: the dictionary is copied and digested (about 2 ms) once per dictionary
   * and level, and again only when more than two are used in turn.
   *
   * @param dictionary raw or trained; null or less than 8 bytes: none.
   * @param level 1 to 22.
   * @throws {RangeError} if the level or a dictionary of more than 128 KiB can't be used.
   */
  compressor(dictionary: Uint8Array | null, level: number): ZstdCompressor {
    if (!Number.isInteger(level) || level < 1 || level > 22) {
      throw new RangeError(`Cannot compress at level ${level}: levels are 1 to 22`);
    }
    const small = this.#small;
    if (small === null) throw new Error("Cannot compress: the codec is not prepared");
    const dict = dictionary === null || dictionary.length < MIN_DICTIONARY_SIZE
      ? null
      : knownDictionary(dictionary);
    if (dict !== null && dict.length > MAX_SMALL_DICTIONARY_SIZE) {
      throw new RangeError(
        `Cannot compress with a dictionary of ${dict.length} bytes: ` +
          `the limit is ${MAX_SMALL_DICTIONARY_SIZE}`,
      );
    }
    const limit = dict === null ? SMALL_WRITE_SIZE_PLAIN : SMALL_WRITE_SIZE;
    const compress = <T>(data: Uint8Array, take: (frame: Uint8Array) => T): T =>
      data.length > limit ? take(compressLarge(data, level)) : small.compress(
        data,
        dict === null ? null : small.writeDictionary(dict, level),
        level,
        take,
      );
    return {
      compress: (data) => compress(data, owned),
      compressInto: (data, out) => compress(data, (frame) => out.bytes(frame)),
    };
  }

  /**
   * A decompressor. Keep it, as the compressor.
   *
   * @param dictionary raw or trained; null or zero-length: none. Untrusted, of any size.
   */
  decompressor(dictionary: Uint8Array | null): ZstdDecompressor {
    const dict = dictionary === null || dictionary.length === 0
      ? null
      : knownDictionary(dictionary);
    const isSmallDictionary = dict === null || dict.length <= MAX_SMALL_DICTIONARY_SIZE;
    const decode = (frame: Uint8Array, contentSize: number): Uint8Array<ArrayBuffer> | null => {
      const small = this.#small;
      if (small !== null && isSmallDictionary && contentSize + frame.length <= SMALL_READ_SIZE) {
        return small.decompress(
          frame,
          contentSize,
          dict === null ? null : small.readDictionary(dict),
        );
      }
      // Without a dictionary, what the small codec could read: `node:zlib` takes longer to load.
      return dict === null && (small !== null || contentSize + frame.length > SMALL_READ_SIZE)
        ? decompressLarge(frame, contentSize)
        : this.#large.decompress(frame, dict ?? NO_DICTIONARY, contentSize);
    };
    return {
      decompress: (bytes, what, maxSize = DEFAULT_CONTENT_SIZE) => {
        const { frame, contentSize } = checkFrame(bytes, what, {
          dictionary: dict,
          maxSize: Math.min(maxSize, MAX_CONTENT_SIZE),
          maxTotal: dict === null ? Infinity : MAX_LARGE_SIZE,
        });
        // The small codec can't tell empty content from a failure.
        if (contentSize === 0) return new Uint8Array(0);
        const content = decode(frame, contentSize);
        if (content === null) throw damagedFrame(what);
        return content;
      },
    };
  }
}

/** "zstd-codec" below its `Simple` interface, with two vectors kept for good. */
class SmallCodec {
  readonly #binding: Binding;
  readonly #codec: Codec;
  readonly #source: VectorU8;
  readonly #target: VectorU8;
  /** Views of the whole kept vectors: the heap can't grow and they never reallocate. */
  readonly #sourceView: Uint8Array<ArrayBuffer>;
  readonly #targetView: Uint8Array<ArrayBuffer>;
  readonly #writeDictionaries: DigestedDictionary[] = [];
  readonly #readDictionaries: DigestedDictionary[] = [];

  constructor(binding: Binding) {
    this.#binding = binding;
    this.#codec = new binding.ZstdCodec();
    this.#source = new binding.VectorU8();
    this.#target = new binding.VectorU8();
    this.#source.resize(KEPT_SIZE, 0);
    this.#target.resize(this.#codec.compressBound(KEPT_SIZE), 0);
    this.#sourceView = binding.toTypedArrayView(this.#source);
    this.#targetView = binding.toTypedArrayView(this.#target);
  }

  writeDictionary(bytes: Uint8Array, level: number): DictionaryHandle {
    return cached(
      this.#writeDictionaries,
      bytes,
      level,
      MAX_WRITE_DICTIONARIES,
      () => this.#binding.createCompressionDict(bytes, level),
    );
  }

  readDictionary(bytes: Uint8Array): DictionaryHandle {
    return cached(
      this.#readDictionaries,
      bytes,
      0,
      MAX_READ_DICTIONARIES,
      () => this.#binding.createDecompressionDict(bytes),
    );
  }

  /** @param take is given the frame, as a view that is valid until it returns. */
  compress<T>(
    data: Uint8Array,
    dictionary: DictionaryHandle | null,
    level: number,
    take: (frame: Uint8Array) => T,
  ): T {
    return this.#run(
      data,
      data.length <= KEPT_SIZE ? 0 : this.#codec.compressBound(data.length),
      (target, source) =>
        dictionary === null
          ? this.#codec.compress(target, source, level)
          : this.#codec.compressUsingDict(target, source, dictionary),
      (frame) => {
        // It has room enough and can't fail on content: what is left is a dictionary with the magic
        // of a trained one that isn't one.
        if (frame === null) throw new RangeError("Cannot compress: the dictionary is damaged");
        return take(frame);
      },
    );
  }

  /** Null if the frame is damaged, needs another dictionary or has another size. */
  decompress(
    frame: Uint8Array,
    contentSize: number,
    dictionary: DictionaryHandle | null,
  ): Uint8Array<ArrayBuffer> | null {
    return this.#run(
      frame,
      contentSize,
      (target, source) =>
        dictionary === null
          ? this.#codec.decompress(target, source)
          : this.#codec.decompressUsingDict(target, source, dictionary),
      (content) => content?.length === contentSize ? content.slice() : null,
    );
  }

  /**
   * Runs one call on `data` and gives `take` a view of the result; null if the call fails.
   *
   * @param targetSize Bytes that the target must have; the kept one has room for any frame of as much
   *   as the kept source holds.
   */
  #run<T>(
    data: Uint8Array,
    targetSize: number,
    call: (target: VectorU8, source: VectorU8) => number,
    take: (result: Uint8Array<ArrayBuffer> | null) => T,
  ): T {
    if (data.length <= KEPT_SIZE && targetSize <= this.#targetView.length) {
      this.#source.resize(data.length, 0);
      this.#sourceView.set(data);
      const size = call(this.#target, this.#source);
      return take(size < 0 ? null : this.#targetView.subarray(0, size));
    }
    const source = new this.#binding.VectorU8();
    const target = new this.#binding.VectorU8();
    try {
      source.resize(data.length, 0);
      this.#binding.toTypedArrayView(source).set(data);
      target.resize(targetSize, 0);
      const size = call(target, source);
      return take(size < 0 ? null : this.#binding.toTypedArrayView(target).subarray(0, size));
    } finally {
      source.delete();
      target.delete();
    }
  }
}

interface DigestedDictionary {
  /** The one array that these bytes have. */
  bytes: Uint8Array;
  level: number;
  handle: DictionaryHandle;
}

/** The dictionary digested, now if it wasn't; the one unused longest makes room for it. */
function cached(
  cache: DigestedDictionary[],
  bytes: Uint8Array,
  level: number,
  maxEntries: number,
  make: () => DictionaryHandle | null,
): DictionaryHandle {
  const isIt = (entry: DigestedDictionary) => entry.bytes === bytes && entry.level === level;
  if (cache.length > 0 && isIt(cache[0])) return cache[0].handle;
  const at = cache.findIndex(isIt);
  if (at > 0) {
    cache.unshift(...cache.splice(at, 1));
    return cache[0].handle;
  }
  if (cache.length >= maxEntries) cache.pop()!.handle.delete();
  const handle = make();
  if (handle === null) throw new RangeError("Cannot digest the compression dictionary");
  cache.unshift({ bytes, level, handle });
  return handle;
}

function compressLarge(data: Uint8Array, level: number): Uint8Array<ArrayBuffer> {
  // A variable of its own, because the declarations of Deno 2.9 lack `pledgedSrcSize`. Without it
  // the frame has no content size and the reference can't read it.
  const { constants, zstdCompressSync } = nodeZlib();
  const options: ZstdOptions & { pledgedSrcSize: number } = {
    pledgedSrcSize: data.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  };
  return owned(zstdCompressSync(unshared(data), options));
}

function decompressLarge(frame: Uint8Array, contentSize: number): Uint8Array<ArrayBuffer> | null {
  let content: Uint8Array<ArrayBuffer>;
  try {
    content = owned(
      nodeZlib().zstdDecompressSync(unshared(frame), { maxOutputLength: contentSize }),
    );
  } catch {
    return null;
  }
  return content.length === contentSize ? content : null;
}

/** The bytes as an array that isn't in shared memory, which `node:zlib` doesn't take. */
function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
}

/** The bytes as a plain array that has its buffer to itself. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength
    ? new Uint8Array(bytes.buffer)
    : new Uint8Array(bytes);
}
