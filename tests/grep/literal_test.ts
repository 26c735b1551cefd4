/** The piece of text that whatever matches a pattern must hold. */

import assert from "node:assert/strict";
import { requiredPieces } from "../../lib/grep/literal.ts";

/** Hand-derived: every match must hold the piece, within one field, as JSON has it. */
const PIECES: readonly (readonly [pattern: string, piece: string | null])[] = [
  ["MemoryError", "MemoryError"],
  ["Cannot allocate", "allocate"],
  ["a|bcdef", null],
  ["MemoryError|Cannot allocate|^oom[-_]kill", "MemoryError or allocate or kill"],
  ["abc|", null],
  ["(abc|def)ghij", "ghij"],
  ["(?:abc(?:[)]|d))?xyz", "xyz"],
  ["abcd?", "abc"],
  ["abcd*efg", "abc"],
  ["abcd+", "abcd"],
  ["abcd{2}efgh", "efgh"],
  ["abcd{x}", "abcd"],
  ["[a-z]+_flux", "_flux"],
  ["[\\]abc]defg", "defg"],
  ["lsst\\.pipe", "lsst.pipe"],
  ["^ERROR", "ERROR"],
  ["ERROR$", "ERROR"],
  ["\\bfoo\\b", "foo"],
  ["\\x41bcd", null],
  ["\\u0041bcd", null],
  ["\\p{L}abcd", null],
  ["(?<name>abc)\\k<name>", null],
  ["2026-07-01T00", null],
  ["1228", null],
  ["12:34 oops", "oops"],
  ["ab", null],
  ["étendue", "tendue"],
  ['say "hello"', "hello"],
  ["path/to/file", "path"],
  ["x\\\\escaped", "escaped"],
  [".*", null],
  ["", null],
  ["[unclosed", null],
  ["(unclosed", null],
];

for (const [pattern, piece] of PIECES) {
  Deno.test(`what matches ${JSON.stringify(pattern)} holds ${JSON.stringify(piece)}`, () => {
    assert.deepEqual(requiredPieces(pattern)?.join(" or ") ?? null, piece);
  });
}
