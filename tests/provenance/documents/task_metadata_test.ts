import assert from "node:assert/strict";
import { encodeUtf8, JsonCursor, parseJson } from "../../../lib/base/json_text.ts";
import {
  MAX_SPLICED_DEPTH,
  parseTaskMetadata,
  readTaskMetadata,
  recordedUsage,
  type TaskMetadata,
} from "../../../lib/provenance/documents/task_metadata.ts";

/** JSON text of what an attempt took. */
const resourceUsageText = (metadata: TaskMetadata | null) =>
  recordedUsage(metadata)?.text ?? "null";
const parse = (text: string, label = "calibrate") => parseTaskMetadata(encodeUtf8(text), label);

/** A document with the given `quantum` section. */
const withQuantum = (section: string) => `{"metadata":{"quantum":${section}}}`;

const ARRAYS = '"prepUtc":["2026-11-22T15:28:07.772068+00:00"],' +
  '"initUtc":["2026-11-22T15:28:07.772381+00:00"],"startUtc":["2026-11-22T15:28:07.773268+00:00"],' +
  '"endUtc":["2026-11-22T15:28:07.773782+00:00"],"startCpuTime":[2.5],"endCpuTime":[3.75],' +
  '"endMaxResidentSetSize":[186773504]';

Deno.test("readTaskMetadata() gives the range of the document inside other text", () => {
  const text = ' [ {"scalars":{"é":1}} , {} ]';
  const cursor = new JsonCursor(encodeUtf8(text));
  cursor.beginArray();
  cursor.nextElement();
  const { range, quantum, failureText } = readTaskMetadata(cursor, "x");
  assert.deepEqual([range, quantum, failureText], [[3, 23], null, null]);
});

Deno.test("parseTaskMetadata() finds the values of the quantum section", () => {
  const id = "01a203df-2de0-7772-a07a-3bbc5080c442";
  const arrays = `{${ARRAYS},"outputs":["${id.toUpperCase()}","x"]}`;
  const { quantum } = parse(withQuantum(`{"scalars":{"caveats":67,"more":1},"arrays":${arrays}}`));
  assert.deepEqual(quantum, {
    prepUtc: "2026-11-22T15:28:07.772068+00:00",
    initUtc: "2026-11-22T15:28:07.772381+00:00",
    startUtc: "2026-11-22T15:28:07.773268+00:00",
    endUtc: "2026-11-22T15:28:07.773782+00:00",
    startCpuTime: 2.5,
    endCpuTime: 3.75,
    endMaxResidentSetSize: 186773504,
    caveats: 67,
    outputs: [id],
  });
});

Deno.test("parseTaskMetadata() looks up values as the reference does", () => {
  const caveats = (section: string) => parse(withQuantum(section)).quantum?.caveats;
  assert.equal(caveats('{"scalars":{"caveats":1},"arrays":{"caveats":[2]}}'), 1);
  assert.equal(caveats('{"arrays":{"caveats":[2,3]}}'), 3);
  assert.equal(caveats('{"arrays":{"caveats":[]}}'), undefined);
  assert.equal(caveats('{"scalars":{"caveats":true}}'), 1);
  assert.equal(caveats('{"scalars":{"caveats":" 67 "}}'), 67);
  assert.equal(caveats('{"scalars":{"caveats":"x"}}'), undefined);
  assert.equal(caveats('{"scalars":{"caveats":1},"scalars":{}}'), undefined);
  assert.equal(parse("{}").quantum, null);
  assert.deepEqual(parse(withQuantum("{}")).quantum, {});
  assert.equal(parse(`{"metadata":{"quantum":{}},"metadata":{}}`).quantum, null);
  assert.equal(parse('{"metadata":{"x":{"metadata":{"quantum":{}}}}}').quantum, null);
  assert.deepEqual(parse(withQuantum('{"arrays":{"outputs":[]}}')).quantum?.outputs, []);
  assert.equal(parse(withQuantum("{}")).quantum?.outputs, undefined);
});

Deno.test("parseTaskMetadata() makes an exception of the task's failure with its tokens kept", () => {
  const failure = (inner: string, label = "calibrate") =>
    parse(`{"metadata":{"${label}":{"metadata":{"failure":${inner}}}}}`).failureText;
  assert.equal(
    failure(
      '{"scalars":{"message":"a\\n\\u00e9","type":"t.E"},"metadata":{"metadata":' +
        '{"scalars":{"n":12,"x":1.0,"big":12345678901234567890,"nan":NaN,"ok":false,"é":"ü"},"arrays":{"a":[1]}}}}',
    ),
    '{"type_name":"t.E","message":"a\\né","metadata":' +
      '{"n":12,"x":1.0,"big":12345678901234567890,"nan":NaN,"ok":false,"é":"ü"}}',
  );
  assert.equal(
    failure('{"scalars":{"message":"m","type":"t"}}'),
    '{"type_name":"t","message":"m","metadata":{}}',
  );
  assert.equal(failure('{"scalars":{"message":"m"}}'), null);
  assert.equal(failure('{"scalars":{"message":5,"type":"t"}}'), null);
  assert.equal(failure('{"scalars":{"message":"m","type":"t"}}', "other"), null);
});

Deno.test("parseTaskMetadata() names the place when a value can't be read back", () => {
  const cases: [text: string, message: RegExp][] = [
    ['{"scalars":{"a":[1]}}', /expected a scalar metadata value at byte 16/],
    ['{"scalars":{"a":{}}}', /expected a scalar metadata value/],
    ['{"arrays":{"a":1}}', /expected an array/],
    ['{"arrays":{"a":[[1]]}}', /nested metadata array/],
    ['{"arrays":{"a":["x",1]}}', /metadata array mixes strings and numbers/],
    ['{"arrays":{"a":[1,"x"]}}', /metadata array mixes/],
    ['{"arrays":{"a":[null,"x"]}}', /metadata array mixes/],
    ['{"arrays":{"a":["1__0",1]}}', /metadata array mixes/],
    [`{"scalars":{"a":${"9".repeat(309)}}}`, /integer too large/],
    [`{"arrays":{"a":[1,${"9".repeat(309)}]}}`, /integer too large/],
    [withQuantum(`{"scalars":{"caveats":${"9".repeat(400)}}}`), /integer too large/],
    ['{"metadata":{"a":5}}', /expected an object/],
    ['{"scalars":null}', /expected an object/],
    ["{} {}", /unexpected text behind the document/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parse(text), (error: Error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, message);
      return true;
    }, text);
  }
  parse('{"arrays":{"a":["1"," 2.5e1_0\\n","nan","-Infinity",1,true,null,NaN]}}');
  parse(`{"scalars":{"a":${"9".repeat(308)},"b":${"9".repeat(400)}.0,"c":1e999}}`);
});

Deno.test("parseTaskMetadata() takes long numeric text in time linear in its length", () => {
  const start = performance.now();
  for (const tail of ["x", "", ".", "_", "e", " "]) {
    parse(`{"arrays":{"a":["${"1".repeat(300_000)}${tail}"]}}`);
    parse(`{"arrays":{"a":["${"1_".repeat(150_000)}${tail}"]}}`);
    parse(`{"arrays":{"a":["${" ".repeat(300_000)}${tail}"]}}`);
  }
  assert.ok(performance.now() - start < 5000);
});

Deno.test("parseTaskMetadata() leaves room for the levels of a block", () => {
  const nested = (depth: number) => '{"metadata":{"k":'.repeat(depth) + "{}" + "}}".repeat(depth);
  parse(nested((MAX_SPLICED_DEPTH - 1) / 2));
  assert.throws(() => parse(nested((MAX_SPLICED_DEPTH + 1) / 2)), /nested too deeply/);
});

Deno.test("recordedUsage() gives exact microseconds", () => {
  const usage = (section: string) => {
    const text = resourceUsageText(parse(withQuantum(`{"arrays":{${section}}}`)));
    parseJson(text);
    return text;
  };
  assert.equal(
    usage(ARRAYS),
    '{"memory":186773504.0,"start":"2026-11-22T15:28:07.772068Z","prep_time":0.000313,' +
      '"init_time":0.000887,"run_time":0.000514,"run_time_cpu":1.25}',
  );
  assert.equal(
    usage(
      ARRAYS.replace(/"initUtc":.*?\],"startUtc":.*?\],/, "").replace(/"startCpuTime".*?\],/, ""),
    ),
    '{"memory":186773504.0,"start":"2026-11-22T15:28:07.772068Z","prep_time":0.001714,' +
      '"init_time":0.0,"run_time":0.0,"run_time_cpu":0.0}',
  );
});

Deno.test("recordedUsage() gives null when something needed is missing or unreadable", () => {
  assert.equal(resourceUsageText(null), "null");
  assert.equal(resourceUsageText(parse("{}")), "null");
  for (
    const [name, value] of [
      ["prepUtc", '"soon"'],
      ["endUtc", "5"],
      ["initUtc", '"never"'],
      ["endMaxResidentSetSize", "Infinity"],
      ["endMaxResidentSetSize", '"much"'],
      ["endCpuTime", "NaN"],
      ["prepUtc", '"0001-01-01T00:00:00+10:00"'],
      ["prepUtc", '"9999-12-31T23:59:59-10:00"'],
    ]
  ) {
    const section = ARRAYS.replace(new RegExp(`"${name}":\\[.*?\\]`), `"${name}":[${value}]`);
    assert.equal(
      resourceUsageText(parse(withQuantum(`{"arrays":{${section}}}`))),
      "null",
      `${name} ${value}`,
    );
  }
});
