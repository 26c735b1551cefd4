/** Helpers of the tests of the store layer. */

/** Runs `body` with a directory of its own, which is removed afterwards, also by a failing test. */
export function inTemporaryDirectory<T>(body: (directory: string) => T): T {
  const directory = Deno.makeTempDirSync({ prefix: "provgraph-store-" });
  const remove = () => Deno.removeSync(directory, { recursive: true });
  let result: T;
  try {
    result = body(directory);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

/** Bytes from a small generator: the same for the same seed. */
export function randomBytes(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < size; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state >>> 8;
  }
  return bytes;
}

/** Text that compresses like JSON records do, of about `size` bytes. */
export function recordText(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  const noise = randomBytes(Math.ceil(size / 40) + 1, seed);
  const parts: string[] = [];
  for (let i = 0, length = 0; length < size; i++) {
    const part = `{"detector":${noise[i % noise.length]},"visit":${i},"produced":true}`;
    parts.push(part);
    length += part.length;
  }
  return new TextEncoder().encode(parts.join(",")).slice(0, size);
}
