import assert from "node:assert/strict";
import { brokenFileReason } from "../../lib/provenance/broken_file.ts";

const text = (content: string) => new TextEncoder().encode(content);
const error = new SyntaxError("Cannot parse JSON: unexpected end at byte 5");

for (
  const [name, bytes, expected] of [
    ["an empty file", new Uint8Array(0), "it is empty (0 bytes)"],
    [
      "a file of NUL bytes",
      new Uint8Array(512),
      "it holds only NUL bytes, 512 of them: the file system lost its content",
    ],
    [
      "a file that ends in NUL bytes",
      text('{"a":\0\0\0'),
      `its last 3 of 8 bytes are NUL: the file system lost them (${error.message})`,
    ],
    ["a file that is cut", text('{"a":'), error.message],
    ["a file with a NUL byte inside", text('{"a\0":'), error.message],
  ] as const
) {
  Deno.test(`brokenFileReason() names ${name} as such`, () => {
    assert.equal(brokenFileReason(bytes, error), expected);
  });
}
