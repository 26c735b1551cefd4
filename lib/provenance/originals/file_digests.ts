/**
 * What is kept of each file that a graph's text was taken from, so that it can be told later whether a
 * file is still that one: a digest of its content, and a stamp of what the system says about it, which
 * spares reading it. Layout: `schema/quantum-graph.md`, section 8.6; `schema/chunk-log.md`, section 5.
 *
 * @module
 */

import type { ContentDigest } from "../../storage/content_digest.ts";
import type { FileVersion } from "../../storage/file_source.ts";
import { FILE_PROOF_SIZE, QUANTUM_PROOFS_SIZE, STAMP_SIZE } from "./proof_sizes.ts";

/** Which of a quantum's files, in the order in which they are kept. */
export const ProofOf = { LOG: 0, METADATA: 1 } as const;

/**
 * A file changed so short a time before it was looked at may change again without another time: clocks
 * of file systems tick every few milliseconds, some every two seconds, and the runtime tells times of
 * change in whole seconds. Milliseconds.
 */
const MIN_AGE_MS = 3000;

/** Nothing is known of any file. */
export const NO_PROOFS: Uint8Array = new Uint8Array(QUANTUM_PROOFS_SIZE);

/**
 * A number that other versions of a file, and other files, do not have: mixed of size, times of
 * modification and change, and inode. No program can set the time of change, so a file with the same
 * stamp has not been written to since. 0 where the system doesn't tell these.
 */
export function versionStamp({ size, mtimeNs, ctimeMs, inode }: FileVersion): bigint {
  if (ctimeMs === null || inode === null) return 0n;
  const mtimeMs = Number(mtimeNs / 1_000_000n);
  const stamp = BigInt(mix(0x9e3779b9, size, mtimeMs, ctimeMs, inode)) << 32n |
    BigInt(mix(0x85ebca6b, inode, ctimeMs, mtimeMs, size));
  return stamp === 0n ? 1n : stamp;
}

/** The stamp of an object in a remote store, by its strong entity tag: one that changes gets another. */
export function tagStamp(tag: bigint): bigint {
  return tag === 0n ? 1n : tag;
}

/** As {@linkcode versionStamp}; 0 for a file that was changed just before it was looked at. */
export function stampToKeep(version: FileVersion): bigint {
  if (version.tag !== undefined) return tagStamp(version.tag);
  const { ctimeMs, seenMs } = version;
  return ctimeMs === null || seenMs - ctimeMs < MIN_AGE_MS ? 0n : versionStamp(version);
}

/**
 * The stamp of a version as it is found later, to be compared with one that was kept. What is in a remote
 * store has no time of change but a tag, which lists tell, too; without a strong one it is 0.
 */
export function stampFound(version: FileVersion): bigint {
  return version.tag === undefined ? versionStamp(version) : tagStamp(version.tag);
}

/** 32 bits of four numbers; every bit of each counts. The finish is that of MurmurHash3. */
function mix(seed: number, a: number, b: number, c: number, d: number): number {
  let hash = stepBoth(stepBoth(stepBoth(stepBoth(seed, a), b), c), d);
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}

function stepBoth(hash: number, number: number): number {
  return step(step(hash, number % 2 ** 32 | 0), Math.floor(number / 2 ** 32) | 0);
}

function step(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul(k << 15 | k >>> 17, 0x1b873593);
  const mixed = hash ^ k;
  return Math.imul(mixed << 13 | mixed >>> 19, 5) + 0xe6546b64 | 0;
}

/** Keeps what tells a file that was just read from every other. */
export function writeFileProof(
  target: Uint8Array,
  which: 0 | 1,
  version: FileVersion,
  bytes: Uint8Array,
  digest: Pick<ContentDigest, "write">,
): void {
  const at = which * FILE_PROOF_SIZE;
  new DataView(target.buffer, target.byteOffset, target.length)
    .setBigUint64(at, stampToKeep(version), false);
  digest.write(bytes, target, at + STAMP_SIZE);
}

/** Forgets a file: one whose content went nowhere. */
export function clearFileProof(target: Uint8Array, which: 0 | 1): void {
  target.fill(0, which * FILE_PROOF_SIZE, (which + 1) * FILE_PROOF_SIZE);
}

/** The stamp of what is kept at `at`; 0 says that only the content can tell. */
export function keptStampAt(proofs: Uint8Array, at: number): bigint {
  return new DataView(proofs.buffer, proofs.byteOffset, proofs.length).getBigUint64(at, false);
}

/** The digest of what is kept at `at`, a view; null if there is none. */
export function digestAt(proofs: Uint8Array, at: number): Uint8Array | null {
  const digest = proofs.subarray(at + STAMP_SIZE, at + FILE_PROOF_SIZE);
  return digest.some((byte) => byte !== 0) ? digest : null;
}
