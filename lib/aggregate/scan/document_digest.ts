/**
 * Digests of documents that have just been read.
 *
 * @module
 */

import { writeDigestOfRead } from "../../provenance/documents/usual_documents.ts";

/** Writes the digest of some bytes to a place: a `ContentDigest` of `storage`. */
interface DigestWriter {
  write(bytes: Uint8Array, target: Uint8Array, at: number): void;
}

/** Makes the digests that a `ContentDigest` makes, of what was read last by the way of reading it. */
export class DocumentDigest implements DigestWriter {
  readonly #rest: DigestWriter;

  /** @param rest Makes the digest of any other document. */
  constructor(rest: DigestWriter) {
    this.#rest = rest;
  }

  /** As `ContentDigest.write()`. */
  write(bytes: Uint8Array, target: Uint8Array, at: number): void {
    if (!writeDigestOfRead(bytes, target, at)) this.#rest.write(bytes, target, at);
  }
}
