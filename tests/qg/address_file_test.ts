import assert from "node:assert/strict";
import { compareUuids, uuidFromText, uuidToHex } from "../../lib/base/uuid.ts";
import { AddressFile } from "../../lib/qg/address_file.ts";
import { CountingSource, MemorySource } from "../support/sources.ts";
import { addressFile, assertInvalid, hex, type TestRow } from "./support.ts";
import {
  AddressChecker,
  addressFileSize,
  addressHeaderSize,
  writeAddressHeader,
  writeAddressRow,
} from "../../lib/qg/address_rows.ts";

const A = "00000000-0000-7000-8000-000000000001";
const B = "00000000-0000-7000-8000-0000000000aa";
const C = "f0000000-0000-7000-8000-000000000001";

// `schema/quantum-graph.md`, section 4.2, generated with the reference.
const WORKED = hex(`
  08 0000000000000003 0000000000000002
  00000000000070008000000000000001 0000000000000000 000000000000000b000000000000000d 00000000000000000000000000000000
  000000000000700080000000000000aa 0000000000000001 0000000000000000000000000000000b 0000000000000000000000000000000b
  f0000000000070008000000000000001 0000000000000002 00000000000000000000000000000000 0000000000000000000000000000000b
`);
const WORKED_ROWS: TestRow[] = [[A, 11, 13, 0, 0], [B, 0, 11, 0, 11], [C, 0, 0, 0, 11]];

function write(rows: readonly TestRow[], nAddresses: number, intSize: number): Uint8Array {
  const target = new Uint8Array(addressFileSize(rows.length, nAddresses, intSize));
  let at = writeAddressHeader(target, 0, intSize, rows.length, nAddresses);
  rows.forEach(([id, ...addresses], index) => {
    const bytes = typeof id === "string" ? uuidFromText(id) : id;
    at = writeAddressRow(target, at, intSize, bytes, 0, index, addresses);
  });
  assert.equal(at, target.length);
  return target;
}

function open(
  bytes: Uint8Array,
  nAddresses: number,
  intSize: number,
  probeSize?: number,
): Promise<AddressFile> {
  const source = new MemorySource(bytes, "some.qg: nodes.addr");
  return AddressFile.open(
    source,
    nAddresses,
    intSize,
    probeSize === undefined ? {} : { probeSize },
  );
}

/** Sorted ids of a small generator, with neighbours that differ by one here and there. */
function someIds(n: number): Uint8Array[] {
  const ids: Uint8Array[] = [];
  let state = 12345;
  for (let i = 0; i < n; i++) {
    const id = new Uint8Array(16);
    for (let k = 0; k < 16; k++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      id[k] = state >>> 16;
    }
    ids.push(id);
    if (i % 5 === 0) {
      const next = id.slice();
      next[15] ^= 1;
      ids.push(next);
    }
  }
  return ids.sort((a, b) => compareUuids(a, 0, b, 0));
}

Deno.test("writeAddressRow() writes the worked examples byte for byte", () => {
  assert.equal(addressFileSize(3, 2, 8), 185);
  assert.deepEqual(write(WORKED_ROWS, 2, 8), WORKED);
  assert.deepEqual(addressFile(WORKED_ROWS, 2, 8), WORKED);
  assert.deepEqual(
    write([[B, 0, 7]], 1, 4),
    hex(
      "04 | 00000001 | 00000001 | 000000000000700080000000000000aa | 00000000 | 00000000 | 00000007",
    ),
  );
});

Deno.test("writeAddressHeader() writes the headers of real files", () => {
  const header = (nRows: number, nAddresses: number): Uint8Array => {
    const target = new Uint8Array(addressHeaderSize(8));
    writeAddressHeader(target, 0, 8, nRows, nAddresses);
    return target;
  };
  assert.deepEqual(header(10, 1), hex("08 000000000000000a 0000000000000001"));
  assert.deepEqual(header(55, 4), hex("08 0000000000000037 0000000000000004"));
});

Deno.test("writeAddressRow() refuses numbers that don't fit", () => {
  assert.throws(() => write([[A, 65536, 1]], 1, 2), RangeError);
});

Deno.test("AddressFile.find() reads the worked example", async () => {
  const file = await open(WORKED, 2, 8);
  assert.equal(file.nRows, 3);
  assert.deepEqual(await file.find(uuidFromText(A)), [
    { offset: 11, size: 13 },
    { offset: 0, size: 0 },
  ]);
  assert.deepEqual(await file.find(uuidFromText(C)), [
    { offset: 0, size: 0 },
    { offset: 0, size: 11 },
  ]);
  assert.equal(await file.find(uuidFromText(B.replace("aa", "ab"))), null);
});

Deno.test("AddressFile.find() works for every id, gap and probe size", async (t) => {
  const ids = someIds(200);
  const rows = ids.map((id, i): TestRow => [id, 10 * i, 10 + i, 7, i]);
  const neighbour = (id: Uint8Array, step: number): Uint8Array => {
    let value = BigInt(`0x${uuidToHex(id)}`) + BigInt(step);
    value = BigInt.asUintN(128, value);
    return hex(value.toString(16).padStart(32, "0"));
  };
  const known = new Set(ids.map((id) => uuidToHex(id)));
  for (const intSize of [2, 4, 5, 8, 16]) {
    const bytes = addressFile(rows, 2, intSize);
    const rowSize = 16 + 5 * intSize;
    for (const probeSize of [1, rowSize, 3 * rowSize + 1, 50 * rowSize, 1 << 20]) {
      await t.step(`int_size ${intSize}, probes of ${probeSize} bytes`, async () => {
        const file = await open(bytes, 2, intSize, probeSize);
        // From the middle outwards, so that probes come in no particular order.
        const order = ids.map((_, i) => (i * 97 + 120) % ids.length);
        for (const i of order) {
          assert.deepEqual(await file.find(ids[i]), [
            { offset: 10 * i, size: 10 + i },
            { offset: 7, size: i },
          ]);
          for (const step of [-1, 1]) {
            const other = neighbour(ids[i], step);
            if (!known.has(uuidToHex(other))) assert.equal(await file.find(other), null);
          }
        }
        assert.equal(await file.find(new Uint8Array(16)), null);
        assert.equal(await file.find(new Uint8Array(16).fill(255)), null);
      });
    }
  }
});

Deno.test("AddressFile.find() reads no row twice", async () => {
  const ids = someIds(500);
  const bytes = addressFile(ids.map((id, i): TestRow => [id, i, 1]), 1, 8);
  const source = new CountingSource(new MemorySource(bytes));
  const file = await AddressFile.open(source, 1, 8, { probeSize: 400 });
  for (const id of ids) await file.find(id);
  assert.ok(source.nBytes < bytes.length + 40, `${source.nBytes} of ${bytes.length}`);
});

Deno.test("AddressFile.find() is right when look-ups run side by side", async () => {
  const ids = someIds(300);
  const file = await open(addressFile(ids.map((id, i): TestRow => [id, i, 1]), 1, 8), 1, 8, 400);
  const found = await Promise.all(ids.map((id) => file.find(id)));
  found.forEach((addresses, i) => assert.deepEqual(addresses, [{ offset: i, size: 1 }]));
});

Deno.test("AddressFile.find() takes few probes when ids crowd", async () => {
  // Random ids far apart around a crowd of close ones, as raws and outputs of one campaign.
  const ids = someIds(500);
  for (let i = 0; i < 20_000; i++) {
    ids.push(hex(`01a203df2de0${(0x70000000 + 1000 * i).toString(16)}${"0".repeat(12)}`));
  }
  ids.sort((a, b) => compareUuids(a, 0, b, 0));
  const bytes = addressFile(ids.map((id, i): TestRow => [id, i, 1]), 1, 8);
  let worst = 0;
  for (let i = 0; i < ids.length; i += 501) {
    const source = new CountingSource(new MemorySource(bytes));
    const file = await AddressFile.open(source, 1, 8, { probeSize: 4096 });
    assert.deepEqual(await file.find(ids[i]), [{ offset: i, size: 1 }]);
    worst = Math.max(worst, source.nReads);
  }
  assert.ok(worst <= 20, `${worst} reads`);
});

Deno.test("AddressFile.preloadFrom() takes the last rows without changing answers", async () => {
  const ids = someIds(100);
  const bytes = addressFile(ids.map((id, i): TestRow => [id, i, 1]), 1, 8);
  for (const offset of [0, 17, 500, bytes.length - 1, bytes.length]) {
    const file = await open(bytes, 1, 8, 200);
    await file.preloadFrom(offset);
    for (let i = 0; i < ids.length; i++) {
      assert.deepEqual(await file.find(ids[i]), [{ offset: i, size: 1 }]);
    }
  }
});

Deno.test("AddressFile.findPrefix() gives all ids with a prefix, in order", async () => {
  const ids = someIds(300);
  const texts = ids.map((id) => uuidToHex(id));
  const bytes = addressFile(ids.map((id, i): TestRow => [id, i, 1]), 1, 8);
  for (const probeSize of [1, 200, 65536]) {
    const file = await open(bytes, 1, 8, probeSize);
    for (const prefix of ["0", "7", "F", texts[10].slice(0, 2), texts[99].slice(0, 31), texts[0]]) {
      const expected = texts.filter((text) => text.startsWith(prefix.toLowerCase()));
      const found = await file.findPrefix(prefix, 1000);
      assert.deepEqual(found.map(({ id }) => uuidToHex(id)), expected);
      const two = await file.findPrefix(prefix, 2);
      assert.deepEqual(two.map(({ id }) => uuidToHex(id)), expected.slice(0, 2));
    }
    assert.deepEqual(await file.findPrefix("0".repeat(32), 5), []);
    assert.deepEqual(await file.findPrefix("f".repeat(32), 5), []);
  }
  const file = await open(bytes, 1, 8);
  for (const prefix of ["", "g", "0".repeat(33), "01a2-"]) {
    await assert.rejects(() => file.findPrefix(prefix, 1), SyntaxError);
  }
});

Deno.test("AddressFile works without rows", async () => {
  const file = await open(addressFile([], 4, 8), 4, 8);
  assert.equal(file.nRows, 0);
  assert.equal(await file.find(new Uint8Array(16)), null);
  assert.deepEqual(await file.findPrefix("0", 1), []);
  for await (const _ of file.rows()) assert.fail("a row");
});

Deno.test("AddressFile.rows() gives every row", async () => {
  const file = await open(WORKED, 2, 8, 1);
  const rows: [number, string, number[]][] = [];
  for await (const { index, id, addresses } of file.rows()) {
    rows.push([index, uuidToHex(id), [...addresses]]);
  }
  assert.deepEqual(
    rows,
    WORKED_ROWS.map(([id, ...rest], i) => [i, (id as string).replaceAll("-", ""), rest]),
  );
});

Deno.test("AddressFile detects unsorted rows", async (t) => {
  const swapped: TestRow[] = [WORKED_ROWS[0], WORKED_ROWS[2], WORKED_ROWS[1]];
  const repeated: TestRow[] = [WORKED_ROWS[0], WORKED_ROWS[0], WORKED_ROWS[1]];
  for (const rows of [swapped, repeated]) {
    const bytes = addressFile(rows, 2, 8);
    await t.step("in one probe", () => assertInvalid(() => open(bytes, 2, 8), /row [12] is not/));
    await t.step("across probes", async () => {
      await assertInvalid(async () => {
        const file = await open(bytes, 2, 8, 1);
        for (const id of [A, B, C]) await file.find(uuidFromText(id));
        await file.findPrefix("0", 10);
      }, /row [12] is not greater/);
    });
    await t.step("in a pass", () =>
      assertInvalid(async () => {
        const file = await open(bytes, 2, 8, 1);
        for await (const _ of file.rows());
      }, /row [12] is not greater/));
    await t.step("by AddressChecker", () => {
      const checker = new AddressChecker("x", 8, [{ name: "a", size: 24 }, {
        name: "b",
        size: 11,
      }]);
      assert.throws(() => checker.feed(bytes.subarray(17)), /row [12] is not greater/);
    });
  }
});

Deno.test("AddressFile.open() refuses headers that don't fit", async (t) => {
  const change = (at: number, value: number): Uint8Array => {
    const bytes = WORKED.slice();
    bytes[at] = value;
    return bytes;
  };
  const cases: [string, Uint8Array, RegExp][] = [
    ["empty", new Uint8Array(0), /it is empty/],
    ["another int_size", change(0, 4), /int_size is 4, expected 8/],
    ["cut in the header", WORKED.slice(0, 16), /its header alone needs 17/],
    ["one row more", change(8, 4), /it has 185 bytes, expected 241 for 4 rows/],
    ["one row less", change(8, 2), /expected 129 for 2 rows/],
    ["absurdly many rows", change(2, 0xff), /exceeds 2\^53|expected/],
    ["very many rows", change(4, 0xff), /expected/],
    ["another number of columns", change(16, 4), /it has 4 columns, expected 2/],
    ["cut in a row", WORKED.slice(0, 184), /it has 184 bytes/],
    ["trailing bytes", hex(`${uuidToHex(A_BYTES)}`), /int_size is 0/],
  ];
  for (const [what, bytes, message] of cases) {
    await t.step(what, () => assertInvalid(() => open(bytes, 2, 8), message));
  }
});

const A_BYTES = uuidFromText(A);

Deno.test("AddressChecker counts addresses and refuses ranges outside their member", () => {
  const columns = [{ name: "a.mb", size: 24 }, { name: "b.mb", size: 11 }];
  const checker = new AddressChecker("x", 8, columns);
  checker.feed(WORKED.subarray(17, 17 + 56));
  checker.feed(WORKED.subarray(17 + 56));
  assert.equal(checker.nRows, 3);
  assert.deepEqual(checker.nPresent, [2, 2]);
  const cases: TestRow[] = [
    [A, 11, 14, 0, 0],
    [A, 2 ** 52, 11, 0, 0],
    [A, 0, 11, 0, 12],
    [A, 0, 7, 0, 0],
  ];
  for (const row of cases) {
    const bytes = addressFile([row], 2, 8).subarray(17);
    assert.throws(() => new AddressChecker("x", 8, columns).feed(bytes), /row 0 points at/);
  }
});
