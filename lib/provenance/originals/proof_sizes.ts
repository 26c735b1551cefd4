/**
 * How large what is kept of each file is: `schema/chunk-log.md`, section 5.
 *
 * @module
 */

/** Bytes of a digest: the layout has room for those of `storage/content_digest.ts`. */
const DIGEST_SIZE = 16;

/** Bytes of a stamp. */
export const STAMP_SIZE = 8;
/** Bytes of what is kept of one file: stamp and digest. All zero: nothing is known. */
export const FILE_PROOF_SIZE = STAMP_SIZE + DIGEST_SIZE;
/** Bytes of what is kept of a quantum's files: its log, then its metadata. */
export const QUANTUM_PROOFS_SIZE = 2 * FILE_PROOF_SIZE;
