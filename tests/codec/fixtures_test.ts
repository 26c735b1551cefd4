/** The store layer on graphs that the reference wrote: dictionaries of every kind, ZIP64 extras. */

import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { MemorySource } from "../support/sources.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { dictionaryId } from "../../lib/codec/zstd_frame.ts";
import { FIXTURES } from "../support/fixtures.ts";

const zstd = await Zstd.load();

/** Every quantum graph file of the fixtures. */
function graphs(): string[] {
  return [...Deno.readDirSync(FIXTURES)].filter((entry) => entry.isDirectory).flatMap(({ name }) =>
    [...Deno.readDirSync(`${FIXTURES}/${name}`)].filter((entry) => entry.name.endsWith(".qg"))
      .map((entry) => `${name}/${entry.name}`)
  ).sort();
}

/** The frames of a member: one, or those of a multi-block file. */
function* frames(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  if (name.endsWith(".zst")) yield bytes;
  if (!name.endsWith(".mb")) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at));
    yield bytes.subarray(at + 8, at + 8 + length);
    at += 8 + length;
  }
}

for (const graph of graphs()) {
  Deno.test(`store reads ${graph}, compresses it again and reads that`, async () => {
    using source = FileSource.open(`${FIXTURES}/${graph}`);
    const zip = await ZipReader.open(source);
    const dictionary = zip.members.has("compression_dict")
      ? await zip.readMember("compression_dict")
      : null;
    const compressor = zstd.compressor(dictionary, 10);
    const decompressor = zstd.decompressor(dictionary);
    let [nFrames, nBytes] = [0, 0];
    for (const name of zip.members.keys()) {
      await zip.checkMember(name);
      for (const frame of frames(name, await zip.readMember(name))) {
        const text = decompressor.decompress(frame, name);
        const ends = String.fromCharCode(text[0], text[text.length - 1]);
        assert.ok(ends === "{}" || ends === "[]", `${name}: ${ends}`);
        nFrames++;
        nBytes += text.length;
        // Enough of each member to see every kind of content, not all 17 000 blocks of the largest.
        if (nFrames % 50 === 0 || name.endsWith(".zst")) {
          const again = decompressor.decompress(compressor.compress(text), name);
          assert.deepEqual(again, text);
        }
      }
    }
    assert.ok(nFrames > 50 && nBytes > 50_000, `${nFrames} frames, ${nBytes} bytes`);
  });
}

Deno.test("ZstdDecompressor refuses frames of a trained dictionary without it, and with another", async () => {
  using source = FileSource.open(`${FIXTURES}/medium/provenance.qg`);
  const zip = await ZipReader.open(source);
  const dictionary = await zip.readMember("compression_dict");
  const id = dictionaryId(dictionary);
  assert.ok(id > 0);
  const frame = await zip.readMember("header.json.zst");
  const other = dictionary.slice();
  other[4] ^= 1;
  for (const wrong of [null, other, dictionary.subarray(8)]) {
    assert.throws(
      () => zstd.decompressor(wrong).decompress(frame, "header.json.zst"),
      (error: Error) =>
        error instanceof InvalidQuantumGraphFileError &&
        error.message.includes(`dictionary ${id}`),
    );
  }
  // Cut anywhere, it may pass for a raw dictionary, but never reads as something else.
  const whole = zstd.decompressor(dictionary).decompress(frame, "header.json.zst");
  for (const length of [8, 100, 1000, dictionary.length - 1]) {
    try {
      const text = zstd.decompressor(dictionary.subarray(0, length)).decompress(frame, "header");
      assert.equal(text.length, whole.length);
    } catch (error) {
      assert.ok(error instanceof InvalidQuantumGraphFileError, String(error));
    }
  }
});

Deno.test("ZipReader refuses a graph cut at each edge of each member", async () => {
  const bytes = Deno.readFileSync(`${FIXTURES}/small-mixed/provenance-with-dictionary.qg`);
  const zip = await ZipReader.open(new MemorySource(bytes));
  const edges = [0, bytes.length - 1];
  for (const [name, member] of zip.members) {
    const start = await zip.dataOffset(name);
    edges.push(member.headerOffset, start, start + member.size);
  }
  for (const edge of edges.flatMap((edge) => [edge - 1, edge, edge + 1])) {
    if (edge < 0 || edge >= bytes.length) continue;
    await assert.rejects(
      ZipReader.open(new MemorySource(bytes.slice(0, edge), "cut.qg")),
      (error: Error) =>
        error instanceof InvalidQuantumGraphFileError && error.message.includes("cut.qg"),
    );
  }
});
