/**
 * Metadata written as YAML: read again, by the reader that the golden file of PyYAML and the reference's
 * converters holds (`yaml_metadata_test.ts`), it says the same.
 */

import assert from "node:assert/strict";
import { encodeUtf8, parseJson } from "../../../lib/base/json_text.ts";
import { metadataAsYaml } from "../../../lib/provenance/documents/metadata_as_yaml.ts";
import { metadataFromYaml } from "../../../lib/provenance/documents/yaml_metadata.ts";

function written(json: string, storageClass: string): string {
  return new TextDecoder().decode(metadataAsYaml(encodeUtf8(json), storageClass));
}

function metadata(scalars: string, arrays = "{}", sections = "{}"): string {
  return `{"scalars":${scalars},"arrays":${arrays},"metadata":${sections}}`;
}

const DOCUMENTS: Record<string, string> = {
  "texts": metadata(
    JSON.stringify({
      plain: "calibrate",
      colon: "a: b # c",
      lines: "one\ntwo\r\n\tthree\u0085four\u2028five",
      quotes: `"' \\ \\n`,
      others: "é ü 日本 😀 \u00a0\ufeff\u0007\u007f",
      like: "true",
      number: "1e5",
      empty: "",
      null: "null",
    }),
  ),
  "integers": metadata(
    '{"small":1,"negative":-7,"long":3000000000,"largest":9223372036854775807,"beyond":18446744073709551615}',
    '{"mixed":[1,3000000000],"ordinary":[1,2,3]}',
  ),
  "floats": metadata(
    '{"tenth":0.1,"whole":2.0,"tiny":1e-05,"huge":1e+16,"point":1.5e-300,"nan":NaN,"inf":Infinity,"minus":-Infinity,"zero":-0.0}',
    '{"some":[1.0,2.5e-07,NaN]}',
  ),
  "booleans": metadata('{"yes":true,"no":false}', '{"some":[true,false]}'),
  "sections": metadata(
    '{"a":1}',
    "{}",
    `{"quantum":${metadata('{"b":"x"}', '{"c":["p","q"]}', `{"deep":${metadata('{"d":2.5}')}}`)}}`,
  ),
  "nothing": metadata("{}"),
  "odd names": metadata(`{"a: b":1,"# c":2,"${"k".repeat(2000)}":3}`),
};

for (const [what, json] of Object.entries(DOCUMENTS)) {
  for (const storageClass of ["TaskMetadata", "PropertySet", "PropertyList"]) {
    Deno.test(`metadata with ${what} is the same when it is read as a ${storageClass}`, () => {
      const text = encodeUtf8(written(json, storageClass));
      const again = metadataFromYaml(text, storageClass !== "TaskMetadata");
      assert.deepEqual(parseJson(again), parseJson(encodeUtf8(json)));
    });
  }
}

// What PyYAML takes for a float has a point, and a sign in its exponent: `1e-05` is a text to it.
for (
  const [token, yaml] of [
    ["1e-05", "1.0e-05"],
    ["1e+16", "1.0e+16"],
    ["2.5E7", "2.5e+7"],
    ["NaN", ".nan"],
    ["-Infinity", "-.inf"],
    ["-0.0", "-0.0"],
    ["17", "17"],
    ["null", "null"],
  ]
) {
  Deno.test(`number ${token} is written as ${yaml}`, () => {
    const text = written(metadata(`{"x":${token}}`), "TaskMetadata");
    assert.equal(text, `{"scalars": {"x": ${yaml}}, "arrays": {}, "metadata": {}}\n`);
  });
}

Deno.test("a PropertySet has names, types and values, and its sections are sets in it", () => {
  const json = metadata('{"n":3,"x":0.5}', '{"s":["a","b"]}', `{"sub":${metadata('{"ok":true}')}}`);
  assert.equal(
    written(json, "PropertySet"),
    '!<lsst.daf.base.PropertySet>\n- ["n", Int, 3]\n- ["x", Double, 0.5]\n- ["s", String, ["a", "b"]]\n' +
      '- ["sub", PropertySet, !<lsst.daf.base.PropertySet> [["ok", Bool, true]]]\n',
  );
  assert.equal(
    written(json, "PropertyList"),
    '!<lsst.daf.base.PropertyList>\n- ["n", Int, 3, ""]\n- ["x", Double, 0.5, ""]\n' +
      '- ["s", String, ["a", "b"], ""]\n- ["sub.ok", Bool, true, ""]\n',
  );
});
