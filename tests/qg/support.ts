/** Helpers of the tests of quantum graph files. */

import assert from "node:assert/strict";
import { crc32, deflateRawSync } from "node:zlib";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { concatBytes, writeBigEndian, writeLittleEndian } from "../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { uuidFromText } from "../../lib/base/uuid.ts";
import type { ByteSource } from "../../lib/storage/byte_source.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { checkRange } from "../../lib/storage/file_errors.ts";

/** A file below `testdata/`. */
export function testdata(path: string): string {
  return new URL(`../../testdata/${path}`, import.meta.url).pathname;
}

export const PREDICTED = testdata("fixtures/small-mixed/predicted.qg");
export const PREDICTED_TRAINED = testdata("graphs/medium-trained_dict/predicted.qg");
export const PROVENANCE = testdata("fixtures/small-mixed/provenance.qg");
export const PROVENANCE_TRAINED = testdata("fixtures/small-mixed/provenance-with-dictionary.qg");

let zstdPromise: Promise<Zstd> | null = null;

/** One codec for all tests of a file. */
export function loadZstd(): Promise<Zstd> {
  return zstdPromise ??= Zstd.load();
}

/** Bytes of hexadecimal digits; blanks, `|` and line ends are ignored. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  const clean = digits.replace(/[\s|]/g, "");
  return Uint8Array.from(
    { length: clean.length / 2 },
    (_, i) => parseInt(clean.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Runs `body` with a file of the given content. */
export async function withFile<T>(
  content: Uint8Array,
  body: (path: string) => Promise<T>,
): Promise<T> {
  const path = Deno.makeTempFileSync({ prefix: "provgraph-qg-", suffix: ".qg" });
  try {
    Deno.writeFileSync(path, content);
    return await body(path);
  } finally {
    Deno.removeSync(path);
  }
}

/** A member of {@linkcode buildZip}. */
export interface TestMember {
  name: string;
  data: Uint8Array;
  deflated?: boolean;
  /** Extra field of the local header only, as the reference's streamed members have one. */
  localExtra?: Uint8Array;
}

/** Local header, data and directory entry of one member. */
export function zipParts(
  member: TestMember,
  headerOffset: number,
  size = member.data.length,
): { local: Uint8Array; stored: Uint8Array; central: Uint8Array } {
  const name = encodeUtf8(member.name);
  const extra = member.localExtra ?? new Uint8Array(0);
  const stored = member.deflated ? new Uint8Array(deflateRawSync(member.data)) : member.data;
  const common = new Uint8Array(26); // from "version needed" to "extra length"
  writeLittleEndian(common, 0, 2, 20);
  writeLittleEndian(common, 4, 2, member.deflated ? 8 : 0);
  writeLittleEndian(common, 10, 4, crc32(member.data));
  writeLittleEndian(common, 14, 4, member.deflated ? stored.length : size);
  writeLittleEndian(common, 18, 4, size);
  writeLittleEndian(common, 22, 2, name.length);
  const local = common.slice();
  writeLittleEndian(local, 24, 2, extra.length);
  const tail = new Uint8Array(14); // comment length ... local header offset
  writeLittleEndian(tail, 10, 4, headerOffset);
  return {
    local: concatBytes([hex("504b0304"), local, name, extra]),
    stored,
    central: concatBytes([hex("504b0102 1400"), common, tail, name]),
  };
}

/** End of central directory record. */
export function zipEnd(nMembers: number, offset: number, size: number): Uint8Array {
  const end = new Uint8Array(22);
  end.set(hex("504b0506"));
  writeLittleEndian(end, 8, 2, nMembers);
  writeLittleEndian(end, 10, 2, nMembers);
  writeLittleEndian(end, 12, 4, size);
  writeLittleEndian(end, 16, 4, offset);
  return end;
}

/** A ZIP archive by hand, independent of the writer under test. */
export function buildZip(members: readonly TestMember[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const centrals: Uint8Array[] = [];
  let at = 0;
  for (const member of members) {
    const { local, stored, central } = zipParts(member, at);
    parts.push(local, stored);
    centrals.push(central);
    at += local.length + stored.length;
  }
  const directory = concatBytes(centrals);
  return concatBytes([...parts, directory, zipEnd(members.length, at, directory.length)]);
}

/** Members of an archive made by {@linkcode buildZip} or by the reference, in order, with data. */
export function zipMembers(bytes: Uint8Array): (TestMember & { start: number })[] {
  const u = (at: number, n: number): number => {
    let value = 0;
    for (let i = n - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
    return value;
  };
  const end = bytes.length - 22;
  const members: (TestMember & { start: number })[] = [];
  let at = u(end + 16, 4);
  for (let i = 0; i < u(end + 10, 2); i++) {
    const [nName, nExtra, nComment] = [u(at + 28, 2), u(at + 30, 2), u(at + 32, 2)];
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nName));
    const header = u(at + 42, 4);
    const start = header + 30 + u(header + 26, 2) + u(header + 28, 2);
    members.push({ name, data: bytes.slice(start, start + u(at + 20, 4)), start });
    at += 46 + nName + nExtra + nComment;
  }
  return members;
}

/** A block: length, then payload. */
export function block(payload: Uint8Array, intSize: number): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(intSize);
  writeBigEndian(length, 0, intSize, payload.length);
  return concatBytes([length, payload]);
}

/** Rows of {@linkcode addressFile}: an id and `offset, size` of each column. */
export type TestRow = [id: string | Uint8Array, ...addresses: number[]];

/** An address file by hand; rows in the order given. */
export function addressFile(
  rows: readonly TestRow[],
  nAddresses: number,
  intSize: number,
): Uint8Array<ArrayBuffer> {
  const integer = (value: number): Uint8Array => {
    const bytes = new Uint8Array(intSize);
    writeBigEndian(bytes, 0, intSize, value);
    return bytes;
  };
  return concatBytes([
    Uint8Array.of(intSize),
    integer(rows.length),
    integer(nAddresses),
    ...rows.flatMap(([id, ...addresses], index) => [
      typeof id === "string" ? uuidFromText(id) : id,
      integer(index),
      ...addresses.map(integer),
    ]),
  ]);
}

/** A source made of pieces, some of them computed, for graphs larger than a test may hold. */
export class SparseSource implements ByteSource {
  readonly name = "sparse.qg";
  readonly size: number;
  readonly #pieces: { start: number; size: number; fill: (at: number, n: number) => Uint8Array }[] =
    [];

  constructor(
    pieces: readonly (Uint8Array | {
      size: number;
      fill: (at: number, n: number) => Uint8Array;
    })[],
  ) {
    let start = 0;
    for (const piece of pieces) {
      const size = piece instanceof Uint8Array ? piece.length : piece.size;
      const fill = piece instanceof Uint8Array
        ? (at: number, n: number) => piece.subarray(at, at + n)
        : piece.fill;
      this.#pieces.push({ start, size, fill });
      start += size;
    }
    this.size = start;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, offset, length);
    const result = new Uint8Array(length);
    for (const { start, size, fill } of this.#pieces) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + size);
      if (from < to) result.set(fill(from - start, to - from), from - offset);
    }
    return Promise.resolve(result);
  }

  close(): void {}
}

/** Expects the error of a damaged file; its message must match. */
export async function assertInvalid(
  action: () => unknown,
  message: RegExp = /./,
): Promise<void> {
  await assert.rejects(
    async () => await action(),
    (error: unknown) => {
      assert.ok(error instanceof InvalidQuantumGraphFileError, `unexpected error: ${error}`);
      assert.match(error.message, message);
      return true;
    },
  );
}
