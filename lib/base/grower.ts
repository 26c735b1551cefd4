/**
 * Typed arrays of a length that isn't known before.
 *
 * @module
 */

type Growable = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** Makes an array on a buffer. */
interface ArrayType<T> {
  new (buffer: ArrayBufferLike): T;
  readonly BYTES_PER_ELEMENT: number;
}

/**
 * An array that doubles when full. Its memory is given back at once when it grows or is done: garbage of
 * this size would stay for the whole run, because the main thread makes hardly any other.
 */
export class Grower<T extends Growable> {
  array: T;
  readonly #type: ArrayType<T>;
  #buffer: ArrayBuffer;

  constructor(type: ArrayType<T>, length = 1024) {
    this.#type = type;
    this.#buffer = new ArrayBuffer(length * type.BYTES_PER_ELEMENT);
    this.array = new type(this.#buffer);
  }

  /** Makes room for index `last`. */
  reach(last: number): T {
    if (last >= this.array.length) {
      const length = Math.max(last + 1, this.array.length * 2);
      this.#buffer = this.#buffer.transfer(length * this.#type.BYTES_PER_ELEMENT);
      this.array = new this.#type(this.#buffer);
    }
    return this.array;
  }

  /** The first `n` elements on shared memory; the grower is empty then. */
  share(n: number): T {
    const size = n * this.#type.BYTES_PER_ELEMENT;
    const shared = new SharedArrayBuffer(size);
    new Uint8Array(shared).set(new Uint8Array(this.#buffer, 0, size));
    this.discard();
    return new this.#type(shared);
  }

  /** Gives the memory back. */
  discard(): void {
    this.#buffer = this.#buffer.transfer(0);
    this.array = new this.#type(this.#buffer);
  }
}
