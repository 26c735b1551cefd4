import assert from "node:assert/strict";
import {
  compareUuids,
  isUuidText,
  uuidFromText,
  uuidToHex,
  uuidToText,
  writeUuidText,
} from "../../lib/base/uuid.ts";
import { randomBytes } from "../storage/support.ts";

const TEXT = "01a203df-2de6-7ae4-b98c-a9434b5b58fb";

Deno.test("uuidFromText() reads both forms in either case", () => {
  const bytes = uuidFromText(TEXT);
  assert.equal(bytes.length, 16);
  assert.equal(bytes[0], 0x01);
  assert.equal(bytes[15], 0xfb);
  for (
    const form of [
      TEXT.toUpperCase(),
      TEXT.replaceAll("-", ""),
      TEXT.replaceAll("-", "").toUpperCase(),
    ]
  ) {
    assert.deepEqual(uuidFromText(form), bytes);
    assert.ok(isUuidText(form));
  }
});

Deno.test("uuidToText() and uuidToHex() write what uuidFromText() reads", () => {
  const bytes = randomBytes(16 * 50, 7);
  for (let at = 0; at < bytes.length; at += 16) {
    const text = uuidToText(bytes, at);
    assert.match(text, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(uuidToHex(bytes, at), text.replaceAll("-", ""));
    assert.deepEqual(uuidFromText(text), bytes.subarray(at, at + 16));
  }
});

Deno.test("uuidFromText() throws when the text isn't a UUID", () => {
  for (
    const text of [
      "",
      TEXT.slice(1),
      TEXT + "0",
      ` ${TEXT.slice(1)}`,
      TEXT.replace("a", "g"),
      TEXT.replaceAll("-", "_"),
      TEXT.replace("-", ""),
      "01a203df2-de6-7ae4-b98c-a9434b5b58fb",
      `{${TEXT}}`,
      `urn:uuid:${TEXT}`,
      "-".repeat(36),
      "０".repeat(32),
      TEXT.replaceAll("-", "").slice(0, 31) + "-",
    ]
  ) {
    assert.equal(isUuidText(text), false, text);
    assert.throws(() => uuidFromText(text), SyntaxError, text);
  }
  assert.throws(
    () => uuidFromText("x".repeat(10_000)),
    (error: Error) => error.message.length < 200,
  );
});

Deno.test("writeUuidText() writes at an offset and nowhere else", () => {
  const target = new Uint8Array(20).fill(0xee);
  assert.ok(writeUuidText(TEXT, target, 2));
  assert.equal(uuidToText(target, 2), TEXT);
  assert.deepEqual([target[0], target[1], target[18], target[19]], Array(4).fill(0xee));
});

Deno.test("compareUuids() orders as unsigned integers of 128 bits", () => {
  const bytes = randomBytes(16 * 40, 3);
  const value = (at: number) => BigInt("0x" + uuidToHex(bytes, at));
  for (let a = 0; a < bytes.length; a += 16) {
    for (let b = 0; b < bytes.length; b += 16) {
      const expected = value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0;
      assert.equal(Math.sign(compareUuids(bytes, a, bytes, b)), expected);
    }
  }
  const low = uuidFromText("00000000-0000-0000-0000-0000000000ff");
  const high = uuidFromText("80000000-0000-0000-0000-000000000000");
  assert.ok(compareUuids(low, 0, high, 0) < 0);
});
