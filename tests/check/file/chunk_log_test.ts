/** `check FILE` on chunk logs. */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../../lib/base/errors.ts";
import { readChunks } from "../../../lib/chunks/framing.ts";
import { FileSource } from "../../../lib/storage/file_source.ts";
import { concatBytes } from "../../../lib/base/bytes.ts";
import { expectProvgraph, type TemporaryDirectory, unpackFixture } from "../../support/fixtures.ts";
import { checkBytes } from "./support.ts";
import { CHUNK_LOG_MAGIC, ChunkType, makeChunk } from "../../../lib/chunks/chunk_format.ts";

let made: Promise<Uint8Array<ArrayBuffer>> | null = null;

/** Chunk log of a whole aggregation. */
function chunkLog(): Promise<Uint8Array<ArrayBuffer>> {
  return made ??= (async () => {
    await using work: TemporaryDirectory = await unpackFixture("small-mixed", "before");
    await expectProvgraph(
      ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg", "--keep-chunks", "-j", "1"],
      { cwd: work.path },
    );
    return Deno.readFileSync(work.join("out.qg.chunks"));
  })();
}

/** The chunks of a log with type, head and body, for making others. */
async function chunks(): Promise<{ type: number; head: Uint8Array; body: Uint8Array }[]> {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, await chunkLog());
    using source = FileSource.open(path);
    return [...readChunks(source, () => {
      throw new EnvironmentError("damaged");
    })].map(({ type, head, body }) => ({ type, head: head.slice(), body: body.slice() }));
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("checkFile() finds nothing when it gets a sound chunk log", async () => {
  for (const readData of [false, true]) {
    const { lines, checked } = await checkBytes(await chunkLog(), readData);
    assert.deepEqual(lines, []);
    assert.equal(checked.kind, "chunk log");
    assert.deepEqual(checked.contents, ["53 of 53 quanta", "54 chunks"]);
  }
});

Deno.test("checkFile() tells a torn tail when a chunk log is cut", async () => {
  const bytes = await chunkLog();
  const { lines, checked } = await checkBytes(bytes.subarray(0, bytes.length - 7));
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^torn-tail: x\.qg: bytes \d+ to \d+: \d+ bytes at its end are no whole/);
  assert.match(checked.contents[0], /^5\d of 53 quanta$/);
});

Deno.test("checkFile() tells the bytes when a chunk is damaged", async () => {
  const bytes = (await chunkLog()).slice();
  bytes[bytes.length >> 1] ^= 1;
  const { lines } = await checkBytes(bytes);
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^damaged-chunk: x\.qg: bytes \d+ to \d+: checksum mismatch/);
});

Deno.test("checkFile() tells when a chunk log has no header", async () => {
  const { kinds } = await checkBytes(CHUNK_LOG_MAGIC);
  assert.deepEqual(kinds, ["damaged-document"]);
});

Deno.test("checkFile() tells the chunk when its checksum is right and its content isn't", async () => {
  const all = await chunks();
  const scan = all.findIndex(({ type }) => type === ChunkType.SCAN);
  const cases: [RegExp, (chunk: { head: Uint8Array; body: Uint8Array }) => void][] = [
    [/misfiled-block: .*: it holds quantum/, ({ head }) => void head[3]++],
    [/status \S+, the head says/, ({ head }) => void (head[17] = 5)],
    [/"produced" of dataset [-0-9a-f]{36} is not as in the head/, ({ head }) => {
      // The first output: roles 1 and 2 are metadata and log.
      const at = [...Array((head.length - 72) / 24).keys()].map((i) => 72 + 24 * i)
        .find((at) => head[at + 21] === 1)!;
      head[at + 20] ^= 1;
    }],
    [/damaged-chunk: .*: its blocks should have/, ({ head }) => void head[28]++],
    [/damaged-chunk: .*has another length before it/, ({ body }) => void body[7]++],
    [/damaged-chunk: /, ({ body }) => void body.fill(0, 8, 20)],
  ];
  for (const [wanted, change] of cases) {
    const edited = all.map(({ type, head, body }, i) => {
      const copy = { head: head.slice(), body: body.slice() };
      if (i === scan) change(copy);
      return makeChunk(type, copy.head, copy.body);
    });
    const { lines } = await checkBytes(concatBytes([CHUNK_LOG_MAGIC, ...edited]));
    assert.ok(lines.some((line) => wanted.test(line)), `${wanted}\n${lines.join("\n")}`);
  }
});
