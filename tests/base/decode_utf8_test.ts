/** Decoding takes what is UTF-8, and nothing else, as the strict decoder of the platform does. */

import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

for (
  const [what, bytes, text] of [
    ["nothing", [], ""],
    ["letters", [0x61, 0x62], "ab"],
    ["the mark of an order of bytes", [0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
    ["the replacement letter itself", [0x61, 0xef, 0xbf, 0xbd], "a\ufffd"],
    ["four bytes", [0xf0, 0x9f, 0x92, 0xab], "\u{1f4ab}"],
    ["a byte that begins nothing", [0x61, 0xff], null],
    ["a byte that goes on with nothing", [0x80, 0x61], null],
    ["a letter that is cut off", [0x61, 0xe2, 0x82], null],
    ["a longer form than needed", [0xc0, 0xaf], null],
    ["half a pair", [0xed, 0xa0, 0x80], null],
    ["more than there are letters", [0xf4, 0x90, 0x80, 0x80], null],
    ["the replacement letter and a wrong byte", [0xef, 0xbf, 0xbd, 0xfe], null],
  ] as [what: string, bytes: number[], text: string | null][]
) {
  Deno.test(`${what}: ${text === null ? "no UTF-8" : "UTF-8"}`, () => {
    const decode = () => decodeUtf8(Uint8Array.from(bytes));
    if (text === null) assert.throws(decode, SyntaxError);
    else assert.equal(decode(), text);
  });
}

Deno.test("texts with a byte changed are taken or refused as by the platform's strict decoder", () => {
  const bytes = encodeUtf8("a é € 💫 \ufffd z");
  let nTaken = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const changed = bytes.slice();
      changed[at] = byte;
      let expected: string | null = null;
      try {
        expected = strict.decode(changed);
        nTaken++;
      } catch {
        // Refused.
      }
      if (expected === null) assert.throws(() => decodeUtf8(changed), SyntaxError);
      else assert.equal(decodeUtf8(changed), expected);
    }
  }
  assert.ok(nTaken > 1000 && nTaken < bytes.length * 256);
});
