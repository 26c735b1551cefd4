/**
 * Types of the binding of "zstd-codec" 0.1.5 below its `Simple` interface; the package has none.
 * Source: the package's lib/zstd-codec.js.
 */

/** A C++ vector of bytes. */
export interface VectorU8 {
  resize(size: number, fill: number): void;
  size(): number;
  delete(): void;
}

/** A digested dictionary. */
export interface DictionaryHandle {
  delete(): void;
}

/** Negative results are errors. */
export interface Codec {
  compressBound(size: number): number;
  compress(target: VectorU8, source: VectorU8, level: number): number;
  decompress(target: VectorU8, source: VectorU8): number;
  compressUsingDict(target: VectorU8, source: VectorU8, dictionary: DictionaryHandle): number;
  decompressUsingDict(target: VectorU8, source: VectorU8, dictionary: DictionaryHandle): number;
}

export interface Binding {
  VectorU8: new () => VectorU8;
  ZstdCodec: new () => Codec;
  createCompressionDict(bytes: Uint8Array, level: number): DictionaryHandle | null;
  createDecompressionDict(bytes: Uint8Array): DictionaryHandle | null;
  /** The vector's bytes in the heap, valid until it is resized. */
  toTypedArrayView(vector: VectorU8): Uint8Array<ArrayBuffer>;
}
