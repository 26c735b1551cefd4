/**
 * Numbers for paths, where millions of them are looked up and their texts would take too much memory.
 *
 * @module
 */

/** 64 bits of a path, never all zero: two hashes of 32 bits, each with the finish of MurmurHash3. */
export function hashOfPath(path: string): bigint {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995) ^ b >>> 15;
  }
  const hash = BigInt(finish(a)) << 32n | BigInt(finish(b));
  return hash === 0n ? 1n : hash;
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}
