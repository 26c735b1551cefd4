import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import {
  clearFileProof,
  digestAt,
  keptStampAt,
  ProofOf,
  stampToKeep,
  versionStamp,
  writeFileProof,
} from "../../../lib/provenance/originals/file_digests.ts";
import { FILES_RECORD_SIZE } from "../../../lib/qg/quanta_files.ts";
import { ContentDigest } from "../../../lib/storage/content_digest.ts";
import type { FileVersion } from "../../../lib/storage/file_source.ts";
import { randomBytes } from "../../storage/support.ts";
import {
  FILE_PROOF_SIZE,
  QUANTUM_PROOFS_SIZE,
} from "../../../lib/provenance/originals/proof_sizes.ts";

const VERSION: FileVersion = {
  size: 3000,
  mtimeNs: 1_795_361_287_772_000_000n,
  ctimeMs: 1_795_361_287_000,
  inode: 10_266_593,
  seenMs: 1_795_361_999_000,
};

// Worked out with the reference implementation of XXH64, python-xxhash 3.
const DIGESTS: [what: string, bytes: Uint8Array, hex: string][] = [
  ["no bytes", new Uint8Array(0), "ef46db3751d8e999d5afba1336a3be4b"],
  ["one letter", encodeUtf8("a"), "d24ec4f1a98c6e5bdec2bc81c3cd46c6"],
  ["a word", encodeUtf8("abc"), "44bc2cf5ad770999bea9ca8199328908"],
];

for (const [what, bytes, hex] of DIGESTS) {
  Deno.test(`ContentDigest is XXH64 with two seeds for ${what}`, async () => {
    assert.equal((await ContentDigest.load()).of(bytes).toHex(), hex);
  });
}

Deno.test("ContentDigest is the same for contents that go through in pieces", async () => {
  const digest = await ContentDigest.load();
  const bytes = randomBytes(2 ** 20 + 17, 1);
  const inOne = randomBytes(2 ** 20, 1);
  assert.notDeepEqual(digest.of(bytes), digest.of(inOne));
  bytes[2 ** 20 + 16] ^= 1;
  const changed = digest.of(bytes);
  bytes[2 ** 20 + 16] ^= 1;
  assert.notDeepEqual(digest.of(bytes), changed);
  bytes[3] ^= 1;
  assert.notDeepEqual(digest.of(bytes), changed);
});

const OTHERS: [what: string, other: Partial<FileVersion>][] = [
  ["size", { size: 3001 }],
  ["size beyond 32 bits", { size: 3000 + 2 ** 32 }],
  ["time of modification", { mtimeNs: VERSION.mtimeNs + 1_000_000n }],
  ["time of modification, hours later", { mtimeNs: VERSION.mtimeNs + (2n ** 32n) * 1_000_000n }],
  ["time of change", { ctimeMs: VERSION.ctimeMs! + 1000 }],
  ["inode", { inode: VERSION.inode! + 1 }],
  ["inode beyond 32 bits", { inode: VERSION.inode! + 2 ** 40 }],
  ["negative time", { mtimeNs: -VERSION.mtimeNs }],
];

for (const [what, other] of OTHERS) {
  Deno.test(`versionStamp() is another for another ${what}`, () => {
    assert.notEqual(versionStamp({ ...VERSION, ...other }), versionStamp(VERSION));
    assert.notEqual(versionStamp({ ...VERSION, ...other }), 0n);
  });
}

Deno.test("versionStamp() depends on the file alone, not on when it was looked at", () => {
  assert.equal(versionStamp({ ...VERSION, seenMs: 5 }), versionStamp(VERSION));
});

for (const missing of ["ctimeMs", "inode"] as const) {
  Deno.test(`versionStamp() tells nothing where the system doesn't tell ${missing}`, () => {
    assert.equal(versionStamp({ ...VERSION, [missing]: null }), 0n);
  });
}

// Git's rule of racy files: whoever looks at once can't know that nothing comes after.
const AGES: [ageMs: number, isKept: boolean][] = [
  [-5000, false],
  [0, false],
  [1000, false],
  [2999, false],
  [3000, true],
  [1e9, true],
];

for (const [ageMs, isKept] of AGES) {
  Deno.test(`stampToKeep() ${isKept ? "is" : "is not"} there for a file changed ${ageMs} ms before`, () => {
    const version = { ...VERSION, seenMs: VERSION.ctimeMs! + ageMs };
    assert.equal(stampToKeep(version), isKept ? versionStamp(VERSION) : 0n);
  });
}

Deno.test("writeFileProof() keeps stamp and digest of each file at its place", async () => {
  const digest = await ContentDigest.load();
  const [log, metadata] = [encodeUtf8("log"), encodeUtf8("metadata")];
  const proofs = new Uint8Array(QUANTUM_PROOFS_SIZE);
  assert.equal(QUANTUM_PROOFS_SIZE, FILES_RECORD_SIZE);
  writeFileProof(proofs, ProofOf.LOG, VERSION, log, digest);
  writeFileProof(proofs, ProofOf.METADATA, { ...VERSION, size: 8 }, metadata, digest);
  assert.equal(keptStampAt(proofs, 0), versionStamp(VERSION));
  assert.deepEqual(digestAt(proofs, 0), digest.of(log));
  assert.equal(keptStampAt(proofs, FILE_PROOF_SIZE), versionStamp({ ...VERSION, size: 8 }));
  assert.deepEqual(digestAt(proofs, FILE_PROOF_SIZE), digest.of(metadata));
  clearFileProof(proofs, ProofOf.LOG);
  assert.deepEqual([keptStampAt(proofs, 0), digestAt(proofs, 0)], [0n, null]);
  assert.deepEqual(digestAt(proofs, FILE_PROOF_SIZE), digest.of(metadata));
});
