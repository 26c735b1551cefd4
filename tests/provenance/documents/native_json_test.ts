import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8, parseJson, stringifyJson } from "../../../lib/base/json_text.ts";
import { parseNatively } from "../../../lib/provenance/documents/native_json.ts";
import { Zstd } from "../../../lib/codec/zstd.ts";
import { ProvenanceGraph } from "../../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../../lib/storage/file_source.ts";
import { fixturePath } from "../../support/fixtures.ts";

/** Nested arrays, or objects, and their number of levels. */
const nested = (open: string, close: string, n: number) => open.repeat(n) + close.repeat(n);

for (
  const [what, text] of [
    ["an ordinary document", '{"a":[1,-0.5,2e3,null,true,"x"],"b":{}}'],
    ["blanks", ' {"a" :\t[ 1 ,\r\n2 ] } '],
    ["an integer beyond 2^53", '{"a":9007199254740993,"b":-9007199254740993}'],
    ["such an integer alone", "9007199254740993"],
    ["a fraction of many digits", "[0.12345678901234567,1.00000000000000022]"],
    ["NaN and Infinity", "[NaN,Infinity,-Infinity]"],
    ["a number too large", "[1e999,-1e999]"],
    ["text that is not ASCII", '"K\u00e4mera \u{1f52d}"'],
    ["escapes", '"\\"\\\\ \\n \\u00e9 \\ud83d\\ude00"'],
    ["a repeated key", '{"a":1,"b":2,"a":3}'],
    ["the key __proto__", '{"__proto__":{"a":1}}'],
    ["as many levels as are taken", nested("[", "]", 201)],
  ]
) {
  Deno.test(`parseNatively() finds the same as parseJson(): ${what}`, () => {
    const bytes = encodeUtf8(text);
    assert.equal(stringifyJson(parseNatively(bytes)), stringifyJson(parseJson(bytes)));
  });
}

for (
  const [what, text] of [
    ["a lone surrogate", '"\\ud800"'],
    ["too many arrays", nested("[", "]", 202)],
    ["too many objects", `${'{"a":'.repeat(202)}1${"}".repeat(202)}`],
    ["arrays and objects, too many together", `${'[{"a":'.repeat(101)}1${"}]".repeat(101)}`],
    [
      "too many levels behind brackets in a text",
      `["${"]".repeat(300)}",${nested("[", "]", 201)}]`,
    ],
    ["a control character", '"a\tb"'],
    ["a trailing comma", "[1,]"],
    ["a leading zero", "[01]"],
    ["text behind", "[] x"],
    ["nothing", ""],
    ["a byte order mark", "\ufeff[]"],
  ]
) {
  Deno.test(`parseNatively() refuses what parseJson() refuses: ${what}`, () => {
    assert.throws(() => parseJson(encodeUtf8(text)), SyntaxError);
    assert.throws(() => parseNatively(encodeUtf8(text)), SyntaxError);
  });
}

Deno.test("parseNatively() refuses text that is no UTF-8", () => {
  assert.throws(() => parseNatively(new Uint8Array([0x22, 0xc3, 0x22])), SyntaxError);
});

for (const fixture of ["small-mixed", "small-mock", "medium"]) {
  Deno.test(`parseNatively() finds the same as parseJson() in the reference's graph ${fixture}`, async () => {
    using graph = await ProvenanceGraph.open(
      FileSource.open(fixturePath(fixture, "provenance.qg")),
      await Zstd.load(),
    );
    for (const member of ["quanta.mb", "datasets.mb"] as const) {
      await graph.forEachBlock(member, (text) => {
        assert.equal(
          stringifyJson(parseNatively(text)),
          stringifyJson(parseJson(text)),
          decodeUtf8(text),
        );
      });
    }
  });
}
