import assert from "node:assert/strict";
import { uuidFromText } from "../../lib/base/uuid.ts";
import {
  estimateRow,
  estimateRowByFences,
  fenceCount,
  fenceRow,
  MAX_FENCES,
  planHead,
  planMemberStart,
  presumedDataOffset,
} from "../../lib/qg/range_plan.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { MemorySource } from "../support/sources.ts";
import { buildZip, hex, PROVENANCE_TRAINED, zipMembers } from "./support.ts";

const key = (digits: string): Uint8Array => hex(digits.padEnd(32, "0"));

Deno.test("estimateRow() interpolates between known ids", async (t) => {
  const cases: [string, string | null, string | null, string, number][] = [
    ["the middle of all", null, null, "8", 500],
    ["the beginning", null, null, "0", 0],
    ["the end", null, null, "ffffffffffffffffffffffffffffffff", 999],
    ["a quarter", "1000", "2000", "1400", 250],
    ["deep down", "01a203df2de07000", "01a203df2de08000", "01a203df2de07800", 500],
    ["the last bytes", `${"a".repeat(30)}10`, `${"a".repeat(30)}20`, `${"a".repeat(30)}18`, 500],
    ["nothing known about the end", "0000", null, "8", 999],
  ];
  for (const [what, lower, upper, id, expected] of cases) {
    await t.step(what, () => {
      assert.equal(
        estimateRow({
          id: key(id),
          startRow: 0,
          endRow: 1000,
          lowerKey: lower === null ? null : key(lower),
          upperKey: upper === null ? null : key(upper),
          nTries: 0,
        }),
        expected,
      );
    });
  }
});

Deno.test("estimateRow() stays inside its rows and halves them in the end", () => {
  const lowerKey = key("01");
  const upperKey = key("02");
  for (const id of ["00", "01", "018", "02", "ff"]) {
    for (let nTries = 0; nTries < 8; nTries++) {
      const row = estimateRow({ id: key(id), startRow: 7, endRow: 9, lowerKey, upperKey, nTries });
      assert.ok(row === 7 || row === 8);
    }
  }
  const known = { id: key("01"), startRow: 0, endRow: 1000, lowerKey, upperKey };
  assert.equal(estimateRow({ ...known, nTries: 3 }), 500);
  assert.equal(estimateRow({ ...known, nTries: 4 }), 500);
  assert.equal(estimateRow({ ...known, nTries: 5 }), 0);
  assert.equal(estimateRow({ ...known, nTries: 6 }), 500);
});

Deno.test("estimateRowByFences() is within a fence's rows", () => {
  // Ids that crowd: row i has the id i^3.
  const nRows = 30_000;
  const idOf = (row: number): Uint8Array => hex((BigInt(row) ** 3n).toString(16).padStart(32, "0"));
  const nFences = fenceCount(nRows);
  assert.equal(nFences, MAX_FENCES);
  const fences = new Uint8Array(16 * nFences);
  for (let i = 0; i < nFences; i++) fences.set(idOf(fenceRow(i, nFences, nRows)), 16 * i);
  for (let row = 0; row < nRows; row += 13) {
    const guess = estimateRowByFences(fences, nRows, idOf(row));
    assert.ok(Math.abs(guess - row) <= Math.ceil(nRows / nFences), `${guess} for ${row}`);
  }
  assert.equal(estimateRowByFences(fences, nRows, new Uint8Array(16)), 0);
  assert.ok(estimateRowByFences(fences, nRows, new Uint8Array(16).fill(255)) < nRows);
  assert.equal(fenceCount(0), 0);
  assert.equal(estimateRowByFences(new Uint8Array(16).fill(9), 5, uuidFromText("0".repeat(32))), 0);
});

Deno.test("planHead() covers header and dictionary", async () => {
  const bytes = Deno.readFileSync(PROVENANCE_TRAINED);
  const { members } = await ZipReader.open(new MemorySource(bytes));
  const head = planHead(members, ["header.json.zst", "compression_dict"])!;
  assert.equal(head.startByte, 0);
  for (const { name, start, data } of zipMembers(bytes).slice(0, 2)) {
    assert.ok(head.endByte >= start + data.length, name);
  }
  assert.equal(planHead(members, ["x"]), null);
});

Deno.test("planHead() gives up when members lie far apart", async () => {
  const bytes = buildZip([
    { name: "header.json.zst", data: new Uint8Array(100) },
    { name: "logs.mb", data: new Uint8Array(300_000) },
    { name: "compression_dict", data: new Uint8Array(100) },
  ]);
  const { members } = await ZipReader.open(new MemorySource(bytes));
  assert.equal(planHead(members, ["header.json.zst", "compression_dict"]), null);
  assert.notEqual(planHead(members, ["compression_dict"]), null);
});

Deno.test("presumedDataOffset() is right for files of the reference", async () => {
  const bytes = Deno.readFileSync(PROVENANCE_TRAINED);
  const zip = await ZipReader.open(new MemorySource(bytes));
  const all = zipMembers(bytes);
  for (const { name, start } of all.slice(0, -1)) {
    assert.equal(presumedDataOffset(zip.members, name), start, name);
  }
  assert.equal(presumedDataOffset(zip.members, all.at(-1)!.name), null);
  assert.equal(presumedDataOffset(zip.members, "x"), null);
});

Deno.test("planMemberStart() has room for the local header", async () => {
  const bytes = Deno.readFileSync(PROVENANCE_TRAINED);
  const { members } = await ZipReader.open(new MemorySource(bytes));
  const { start } = zipMembers(bytes).find((m) => m.name === "nodes.addr")!;
  const range = planMemberStart(members, "nodes.addr", 1000)!;
  assert.ok(range.startByte < start && range.endByte >= start + 1000);
  assert.equal(planMemberStart(members, "x", 1), null);
});
