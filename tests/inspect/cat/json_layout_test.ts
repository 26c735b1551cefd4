/** Layouts of JSON text. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import { indentJson, oneLineJson } from "../../../lib/inspect/cat/json_layout.ts";

function indent(text: string): string {
  return new TextDecoder().decode(indentJson(encodeUtf8(text)));
}

Deno.test("indentJson() changes blanks between tokens and nothing else", () => {
  const text =
    '{"a":[1.0,-0,1e5,NaN,-Infinity,9007199254740993],"b":{},"c":[ ],"d":"x, {y}: [\\"\\\\",' +
    '\n"é":{"k":null,"k":true}}';
  assert.equal(
    indent(text),
    `{
  "a": [
    1.0,
    -0,
    1e5,
    NaN,
    -Infinity,
    9007199254740993
  ],
  "b": {},
  "c": [],
  "d": "x, {y}: [\\"\\\\",
  "é": {
    "k": null,
    "k": true
  }
}`,
  );
  assert.equal(indent(indent(text)), indent(text));
});

Deno.test("indentJson() ends on damaged text", () => {
  for (const text of ["", "{", "]]]", '"abc', '"abc\\', '{"a":', "[[[[", "}"]) indent(text);
});

Deno.test("oneLineJson() keeps strings and puts spaces for line ends", () => {
  const text = encodeUtf8('{\r\n "a\\n": 1.0,\n"b": NaN}');
  assert.equal(new TextDecoder().decode(oneLineJson(text)), '{   "a\\n": 1.0, "b": NaN}');
  const line = encodeUtf8("[1]");
  assert.equal(oneLineJson(line), line);
});
