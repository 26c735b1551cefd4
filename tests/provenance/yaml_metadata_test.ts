/** Metadata in YAML against PyYAML and the reference's converters; see testdata/provenance/ORIGIN.md. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { parseTaskMetadata } from "../../lib/provenance/task_metadata.ts";
import { metadataFromYaml } from "../../lib/provenance/yaml_metadata.ts";
import { parseYaml, type YamlValue } from "../../lib/provenance/yaml_values.ts";

type GoldenValue = [kind: string, value: unknown];

interface Golden {
  values: [text: string, value: GoldenValue][];
  sets: [text: string, json: string | { error: string }][];
  models: [text: string, json: string | { error: string }][];
}

const golden = JSON.parse(
  Deno.readTextFileSync(
    new URL("../../testdata/provenance/yaml_metadata.json", import.meta.url),
  ),
) as Golden;

/** A value in the golden file's terms; of a repeated key the last counts, as in Python. */
function described(value: YamlValue): GoldenValue {
  if (value.kind === "sequence" || value.kind === "mapping") {
    if (value.tag !== null) throw new SyntaxError(`tag ${value.tag}`);
  }
  if (value.kind === "sequence") return ["sequence", value.items.map((item) => described(item()))];
  if (value.kind === "mapping") {
    const byKey = new Map(
      value.entries.map(([key, member]) => [key.json, [described(key), described(member())]]),
    );
    return ["mapping", [...byKey.values()]];
  }
  if (value.kind === "string") return ["string", JSON.parse(value.json)];
  return [value.kind, value.kind === "float" ? numberOf(value.json) : value.json];
}

function numberOf(json: string): number {
  return json.endsWith("NaN") ? NaN : Number(json);
}

for (const [text, expected] of golden.values) {
  Deno.test(`YAML ${JSON.stringify(text)} is to us what it is to PyYAML: ${expected[0]}`, () => {
    if (expected[0] === "error") {
      assert.throws(() => described(parseYaml(encodeUtf8(text))), SyntaxError);
      return;
    }
    const wanted = JSON.parse(
      JSON.stringify(expected),
      (_, value) =>
        Array.isArray(value) && value[0] === "float" ? ["float", numberOf(value[1])] : value,
    );
    assert.deepEqual(described(parseYaml(encodeUtf8(text))), wanted);
  });
}

/** JSON text with every number and boolean as the float that `TaskMetadata` makes of it. */
function floats(json: string): unknown {
  const quoted = json.replace(/(?<=[:,[])(?:NaN|-?Infinity)/g, '"$&"');
  return JSON.parse(
    quoted,
    (_, value) => typeof value === "boolean" ? Number(value) : value,
  );
}

for (const [text, expected] of golden.sets) {
  const title = `PropertySet ${JSON.stringify(text.slice(28, 90))}`;
  Deno.test(`${title} becomes the JSON of TaskMetadata.from_metadata()`, () => {
    const convert = () => new TextDecoder().decode(metadataFromYaml(encodeUtf8(text), true));
    if (typeof expected === "string") {
      assert.equal(convert(), expected);
      parseTaskMetadata(encodeUtf8(expected), "x");
    } else assert.throws(convert, SyntaxError);
  });
}

for (const [text, expected] of golden.models) {
  Deno.test(`TaskMetadata in YAML ${JSON.stringify(text.slice(0, 60))}`, () => {
    const read = () => {
      const json = metadataFromYaml(encodeUtf8(text), false);
      parseTaskMetadata(json, "x");
      return new TextDecoder().decode(json);
    };
    if (typeof expected !== "string") assert.throws(read, SyntaxError);
    else {
      const empty = { scalars: {}, arrays: {}, metadata: {} };
      const { other: _, ...found } = floats(read()) as Record<string, unknown>;
      const wanted = floats(expected) as Record<string, unknown>;
      assert.deepEqual({ ...empty, ...filled(found) }, wanted);
    }
  });
}

/** Sections that the file leaves out are empty. */
function filled(document: Record<string, unknown>): Record<string, unknown> {
  const sections = Object.entries((document.metadata ?? {}) as Record<string, object>)
    .map(([name, section]) => [name, { scalars: {}, arrays: {}, metadata: {}, ...section }]);
  return { ...document, metadata: Object.fromEntries(sections) };
}

Deno.test("a PropertyList, whose names are flat and have comments, becomes nested", () => {
  const text =
    "!<lsst.daf.base.PropertyList>\n- [a.b.c, Int, 1, the comment]\n- [a.d, String, x, '']\n";
  assert.equal(
    new TextDecoder().decode(metadataFromYaml(encodeUtf8(text), true)),
    '{"scalars":{},"arrays":{},"metadata":{"a":{"scalars":{"d":"x"},"arrays":{},"metadata":{' +
      '"b":{"scalars":{"c":1},"arrays":{},"metadata":{}}}}}}',
  );
});

const HOSTILE: [what: string, text: string][] = [
  [
    "aliases that unroll to ten thousand million values",
    Array.from(
      { length: 10 },
      (_, i) => `a${i}: &a${i} [${Array(10).fill(i === 0 ? "1" : `*a${i - 1}`).join(",")}]`,
    ).join("\n"),
  ],
  ["an alias to what it stands in", "&a [*a]"],
  ["two hundred levels", "[".repeat(300) + "]".repeat(300)],
  ["a hundred thousand levels", "[".repeat(100_000)],
  ["a hundred thousand levels on one line", "- ".repeat(100_000)],
];

for (const [what, text] of HOSTILE) {
  Deno.test(`YAML with ${what} is refused, quickly`, () => {
    assert.throws(() => metadataFromYaml(encodeUtf8(text), false), SyntaxError);
  });
}

Deno.test("YAML that is not UTF-8 is refused", () => {
  assert.throws(() => parseYaml(new Uint8Array([0x61, 0xff])), SyntaxError);
});
