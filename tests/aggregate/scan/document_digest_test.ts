import assert from "node:assert/strict";
import { DocumentDigest } from "../../../lib/aggregate/scan/document_digest.ts";
import { withUsualForms } from "../../../lib/provenance/documents/usual_documents.ts";
import { ContentDigest, DIGEST_SIZE } from "../../../lib/storage/content_digest.ts";
import { randomBytes } from "../../storage/support.ts";

const contentDigest = await ContentDigest.load();

/** What is left to the other way of making digests is not made at all. */
const NO_REST = { write: () => assert.fail("left to the other way") };

// Stripes of 32 bytes, words of 8, half a word and single bytes: each with and without the others.
const SIZES = [...Array(70).keys(), 127, 128, 1000, 65_535, 65_536, 65_537, 2 ** 20 + 13, 2 ** 22];

for (const size of SIZES) {
  Deno.test(`the digest of a document of ${size} bytes that was read is the one of its content`, () => {
    const bytes = randomBytes(size, size);
    withUsualForms(bytes, () => {});
    const found = new Uint8Array(DIGEST_SIZE + 3);
    new DocumentDigest(NO_REST).write(bytes, found, 2);
    assert.deepEqual(found.subarray(2, -1), contentDigest.of(bytes));
    assert.deepEqual([found[0], found[1], found.at(-1)], [0, 0, 0]);
  });
}

const OTHERS: [what: string, read: (bytes: Uint8Array) => void, size: number][] = [
  ["was never read", () => {}, 100],
  ["was read before another", (bytes) => {
    withUsualForms(bytes, () => {});
    withUsualForms(randomBytes(100, 2), () => {});
  }, 100],
  ["has the bytes of one that was read", (bytes) => withUsualForms(bytes.slice(), () => {}), 100],
  ["is too large to be read so", (bytes) => withUsualForms(bytes, () => {}), 2 ** 22 + 1],
];

for (const [what, read, size] of OTHERS) {
  Deno.test(`the digest of a document that ${what} is made of its content`, () => {
    const bytes = randomBytes(size, 1);
    read(bytes);
    const found = new Uint8Array(DIGEST_SIZE);
    let isLeft = false;
    const rest = {
      write: (...args: [Uint8Array, Uint8Array, number]) => {
        isLeft = true;
        contentDigest.write(...args);
      },
    };
    new DocumentDigest(rest).write(bytes, found, 0);
    assert.ok(isLeft);
    assert.deepEqual(found, contentDigest.of(bytes));
  });
}
