import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { concatBytes, writeLittleEndian } from "../../lib/base/bytes.ts";
import { EnvironmentError, InvalidChunkLogError } from "../../lib/base/errors.ts";
import { type ChunkDamage, readChunks } from "../../lib/chunks/framing.ts";
import { ChunkLogWriter } from "../../lib/chunks/writer.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { inTemporaryDirectory, randomBytes } from "../storage/support.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  chunkSize,
  ChunkType,
  isChunkSound,
  makeChunk,
  readChunkPrefix,
} from "../../lib/chunks/chunk_format.ts";

const WINDOW_SIZE = 1 << 22;

interface Reading {
  chunks: { type: number; offset: number; head: string; body: string }[];
  damages: ChunkDamage[];
}

const latin1 = (bytes: Uint8Array) => Array.from(bytes, (b) => String.fromCharCode(b)).join("");
const bytesOf = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Reads a file of the given bytes. */
function readBytes(path: string, bytes: Uint8Array): Reading {
  Deno.writeFileSync(path, bytes);
  using source = FileSource.open(path);
  const damages: ChunkDamage[] = [];
  const chunks = [...readChunks(source, (damage) => damages.push(damage))].map((chunk) => ({
    type: chunk.type,
    offset: chunk.offset,
    head: latin1(chunk.head),
    body: latin1(chunk.body),
  }));
  return { chunks, damages };
}

const PARTS: readonly [type: number, head: string, body: string][] = [
  [ChunkType.HEADER, "{}", "header and dictionary"],
  [ChunkType.SCAN, "head one", "body one"],
  [99, "", "of a type that nobody knows"],
  [ChunkType.SCAN, "only a head", ""],
  [ChunkType.BLOCKED, "PGCk", "PGCkPGCk with markers inside"],
  [ChunkType.INIT, "", ""],
];
const CHUNKS = PARTS.map(([type, head, body]) => makeChunk(type, bytesOf(head), bytesOf(body)));
const SMALL_LOG = concatBytes([CHUNK_LOG_MAGIC, ...CHUNKS]);
const OFFSETS: number[] = [];
{
  let at = CHUNK_LOG_MAGIC.length;
  for (const chunk of CHUNKS) {
    OFFSETS.push(at);
    at += chunk.length;
  }
}
const EXPECTED = PARTS.map(([type, head, body], i) => ({ type, offset: OFFSETS[i], head, body }));

Deno.test("makeChunk() lays out marker, type, lengths, checksums, head and body when given them", () => {
  const chunk = makeChunk(2, bytesOf("ab"), bytesOf("cde"));
  const view = new DataView(chunk.buffer);
  assert.equal(latin1(chunk.subarray(0, 4)), "PGCk");
  assert.equal(view.getUint32(4, true), 2);
  assert.equal(view.getUint32(8, true), 2);
  assert.equal(view.getUint32(12, true), 3);
  assert.equal(view.getUint32(16, true), crc32("abcde"));
  assert.equal(view.getUint32(20, true), crc32(chunk.subarray(0, 20)));
  assert.equal(latin1(chunk.subarray(24)), "abcde");
  assert.equal(chunk.length, chunkSize(2, 3));
  assert.ok(isChunkSound(chunk));
});

Deno.test("ChunkLogWriter writes a log that readChunks() reads when it is created, and resumed", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/a.chunks`;
    {
      using writer = ChunkLogWriter.create(path);
      assert.equal(writer.size, CHUNK_LOG_MAGIC.length);
      assert.equal(writer.append(CHUNKS[0]), OFFSETS[0]);
      assert.equal(writer.append(concatBytes(CHUNKS.slice(1, 3))), OFFSETS[1]);
      writer.append(bytesOf("a torn tail"));
      writer.sync();
    }
    {
      using writer = ChunkLogWriter.resume(path, OFFSETS[3]);
      assert.equal(writer.append(concatBytes(CHUNKS.slice(3))), OFFSETS[3]);
      assert.equal(writer.size, SMALL_LOG.length);
      writer[Symbol.dispose]();
    }
    assert.deepEqual(Deno.readFileSync(path), SMALL_LOG);
    assert.deepEqual(readBytes(path, SMALL_LOG), { chunks: EXPECTED, damages: [] });
  });
});

Deno.test("ChunkLogWriter names the file when it can't write", () => {
  inTemporaryDirectory((directory) => {
    assert.throws(() => ChunkLogWriter.create(`${directory}/absent/a.chunks`), (error: unknown) => {
      assert.ok(error instanceof EnvironmentError);
      assert.match(error.message, /absent\/a\.chunks/);
      return true;
    });
    const writer = ChunkLogWriter.create(`${directory}/b.chunks`);
    writer[Symbol.dispose]();
    assert.throws(() => writer.append(CHUNKS[0]), EnvironmentError);
  });
});

Deno.test("readChunks() gives the chunks before the cut when a log is cut at any byte", () => {
  inTemporaryDirectory((directory) => {
    for (let size = 0; size < SMALL_LOG.length; size++) {
      const { chunks, damages } = readBytes(`${directory}/cut`, SMALL_LOG.subarray(0, size));
      const whole = EXPECTED.filter(({ offset }, i) => offset + CHUNKS[i].length <= size);
      assert.deepEqual(chunks, whole, `cut at ${size}`);
      const last = whole.length === 0 ? CHUNK_LOG_MAGIC.length : OFFSETS[whole.length];
      const start = size < CHUNK_LOG_MAGIC.length ? 0 : last;
      assert.deepEqual(
        damages.map(({ startByte, endByte, isTornTail }) => ({ startByte, endByte, isTornTail })),
        start === size ? [] : [{ startByte: start, endByte: size, isTornTail: true }],
        `cut at ${size}`,
      );
    }
  });
});

Deno.test("readChunks() loses the damaged chunk only when any byte of a log is changed", () => {
  inTemporaryDirectory((directory) => {
    for (let at = CHUNK_LOG_MAGIC.length; at < SMALL_LOG.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const bytes = SMALL_LOG.slice();
        bytes[at] ^= mask;
        const { chunks, damages } = readBytes(`${directory}/flipped`, bytes);
        const hit = OFFSETS.findLastIndex((offset) => offset <= at);
        assert.deepEqual(chunks, EXPECTED.filter((_, i) => i !== hit), `byte ${at} ^ ${mask}`);
        assert.equal(damages.length, 1);
        assert.equal(damages[0].startByte, OFFSETS[hit]);
        assert.equal(damages[0].endByte, OFFSETS[hit + 1] ?? SMALL_LOG.length);
        assert.equal(damages[0].isTornTail, hit === CHUNKS.length - 1);
      }
    }
  });
});

Deno.test("readChunks() finds the chunks behind it when bytes are lost, added or zeroed in the middle", () => {
  inTemporaryDirectory((directory) => {
    const cases: Record<string, Uint8Array> = {
      lost: concatBytes([SMALL_LOG.subarray(0, OFFSETS[1] + 30), SMALL_LOG.subarray(OFFSETS[2])]),
      added: concatBytes([
        SMALL_LOG.subarray(0, OFFSETS[2]),
        randomBytes(1000),
        SMALL_LOG.subarray(OFFSETS[2]),
      ]),
      zeroed: SMALL_LOG.slice().fill(0, OFFSETS[1], OFFSETS[3]),
      "two damaged in a row": (() => {
        const bytes = SMALL_LOG.slice();
        bytes[OFFSETS[1] + 25] ^= 1;
        bytes[OFFSETS[2] + 5] ^= 1;
        return bytes;
      })(),
    };
    for (const [name, bytes] of Object.entries(cases)) {
      const { chunks, damages } = readBytes(`${directory}/x`, bytes);
      const bodies = chunks.map(({ body }) => body);
      assert.deepEqual(bodies.slice(-3), EXPECTED.slice(-3).map(({ body }) => body), name);
      assert.equal(damages.length, 1, name);
      assert.equal(damages[0].isTornTail, false, name);
    }
  });
});

Deno.test("readChunks() refuses a file when its magic bytes are wrong", () => {
  inTemporaryDirectory((directory) => {
    for (let at = 0; at < CHUNK_LOG_MAGIC.length; at++) {
      const bytes = SMALL_LOG.slice();
      bytes[at] ^= 0x20;
      assert.throws(() => readBytes(`${directory}/x`, bytes), InvalidChunkLogError);
      assert.throws(
        () => readBytes(`${directory}/x`, bytes.subarray(0, at + 1)),
        InvalidChunkLogError,
      );
    }
    // A copy in text mode changes line ends, which the magic bytes are made to show.
    assert.throws(
      () => readBytes(`${directory}/x`, bytesOf(latin1(SMALL_LOG).replaceAll("\r\n", "\n"))),
      InvalidChunkLogError,
    );
  });
});

/** A prefix with a sound checksum and whatever lengths. */
function prefix(type: number, headSize: number, bodySize: number): Uint8Array {
  const bytes = makeChunk(type, new Uint8Array(0), new Uint8Array(0));
  writeLittleEndian(bytes, 8, 4, headSize);
  writeLittleEndian(bytes, 12, 4, bodySize);
  writeLittleEndian(bytes, 20, 4, crc32(bytes.subarray(0, 20)));
  return bytes;
}

Deno.test("readChunks() believes no length that the file can't have", () => {
  inTemporaryDirectory((directory) => {
    for (
      const [headSize, bodySize] of [
        [0xffffffff, 0],
        [0, 0xffffffff],
        [0x7fffffff, 0x7fffffff],
        [0x80000000, 1],
        [1, 0],
        [0, 1 << 30],
      ]
    ) {
      const huge = prefix(ChunkType.SCAN, headSize, bodySize);
      const alone = readBytes(`${directory}/x`, concatBytes([CHUNK_LOG_MAGIC, CHUNKS[0], huge]));
      assert.deepEqual(alone.chunks, EXPECTED.slice(0, 1));
      assert.equal(alone.damages.length, 1);
      assert.ok(alone.damages[0].isTornTail);
    }
    const between = concatBytes([
      SMALL_LOG.subarray(0, OFFSETS[1]),
      prefix(ChunkType.SCAN, 0x7ffffff0, 0x7ffffff0),
      SMALL_LOG.subarray(OFFSETS[1]),
    ]);
    const { chunks, damages } = readBytes(`${directory}/x`, between);
    assert.equal(chunks.length, CHUNKS.length);
    assert.deepEqual(damages.map(({ startByte, endByte }) => endByte - startByte), [
      CHUNK_PREFIX_SIZE,
    ]);
  });
});

Deno.test("readChunks() reads chunks at and across the edges of its window", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/large`;
    const bodies = [
      randomBytes(WINDOW_SIZE - 100, 1),
      randomBytes(90, 2),
      randomBytes(WINDOW_SIZE, 3),
      randomBytes(WINDOW_SIZE + 1, 4),
      randomBytes(10, 5),
    ];
    const chunks = bodies.map((body) => makeChunk(ChunkType.SCAN, new Uint8Array(2), body));
    Deno.writeFileSync(path, concatBytes([CHUNK_LOG_MAGIC, ...chunks]));
    using source = FileSource.open(path);
    const crcs = [...readChunks(source, () => assert.fail("damage"))].map(({ body }) =>
      crc32(body)
    );
    assert.deepEqual(crcs, bodies.map((body) => crc32(body)));
  });
});

Deno.test("readChunks() reads a damaged stretch once, also when it is full of markers", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/markers`;
    const markers = bytesOf("PGCk".repeat((WINDOW_SIZE + 4096) / 4));
    markers[0] = 0;
    // A marker that straddles the end of the first window begins a sound chunk.
    const cut = WINDOW_SIZE + 1 - 2;
    const bytes = concatBytes([
      CHUNK_LOG_MAGIC,
      markers.subarray(0, cut),
      CHUNKS[1],
      markers,
      CHUNKS[3],
    ]);
    Deno.writeFileSync(path, bytes);
    using source = FileSource.open(path);
    let nBytes = 0;
    const counted = new Proxy(source, {
      get(target, name) {
        if (name === "readSync") {
          return (offset: number, length: number) => {
            nBytes += length;
            return target.readSync(offset, length);
          };
        }
        return Reflect.get(target, name, target);
      },
    });
    const damages: ChunkDamage[] = [];
    const heads = [...readChunks(counted, (damage) => damages.push(damage))].map(({ head }) =>
      latin1(head)
    );
    assert.deepEqual(heads, [PARTS[1][1], PARTS[3][1]]);
    assert.equal(damages.length, 2);
    assert.ok(nBytes < 3 * bytes.length, `${nBytes} bytes read of ${bytes.length}`);
  });
});

Deno.test("readChunkPrefix() returns null when fewer bytes are there than a prefix has", () => {
  const chunk = CHUNKS[1];
  for (let size = 0; size < CHUNK_PREFIX_SIZE; size++) {
    assert.equal(readChunkPrefix(chunk.subarray(0, size), 0, 0), null);
  }
  assert.deepEqual(readChunkPrefix(chunk, 0, 1234), {
    type: ChunkType.SCAN,
    offset: 1234,
    headSize: PARTS[1][1].length,
    bodySize: PARTS[1][2].length,
  });
  assert.equal(readChunkPrefix(chunk, 1, 0), null);
});
