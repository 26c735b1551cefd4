import assert from "node:assert/strict";
import {
  assertGraphEqual,
  assertJsonEqual,
  expectedIngested,
  jsonDifferences,
  logsNeverWritten,
} from "./compare.ts";
import { expectedJson, RUN } from "./fixtures.ts";
import { parseJson } from "../../lib/base/json_text.ts";

Deno.test("jsonDifferences() names the place when one value differs", () => {
  assert.deepEqual(jsonDifferences({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }), [
    "$.a[1].b - 3",
    "$.a[1].b + 2",
  ]);
});

Deno.test("jsonDifferences() notices a row too many, another order and an absent key", () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ id: i }));
  assert.deepEqual(jsonDifferences(rows, rows.slice(1)), ['$[] + {"id":0}']);
  assert.notEqual(jsonDifferences(rows, rows.toReversed()).length, 0);
  assert.notEqual(jsonDifferences({}, { a: null }).length, 0);
  assert.notEqual(jsonDifferences({ a: null }, {}).length, 0);
});

Deno.test("assertJsonEqual() compares numbers by value when they are written differently", () => {
  assertJsonEqual(parseJson("[1, 1.0, NaN, -0.0]"), parseJson("[1.0, 1, NaN, 0]"), "list");
  assert.throws(() =>
    assertJsonEqual(parseJson("9007199254740993"), parseJson("9007199254740992"), "number")
  );
  assert.throws(() => assertJsonEqual(parseJson("NaN"), parseJson("null"), "number"));
});

Deno.test("assertGraphEqual() forgives types in exception metadata and nothing else", () => {
  const graph = (metadata: unknown, volatile: unknown) => ({
    volatile,
    quanta: [{ exception: { metadata }, status: "FAILED" }],
  });
  const expected = graph({ n: 12, ok: 0, text: 7 }, 1);
  assertGraphEqual(graph({ n: 12, ok: false, text: "7" }, 2), expected);
  assert.throws(() => assertGraphEqual(graph({ n: 12, ok: true, text: 7 }, 2), expected));
  assert.throws(() => assertGraphEqual(graph({ n: 12, ok: null, text: 7 }, 2), expected));
  assert.throws(() =>
    assertGraphEqual({ quanta: [{ status: false }] }, { quanta: [{ status: 0 }] })
  );
});

Deno.test("logsNeverWritten() finds as many logs as the design counts when given each fixture", () => {
  const counts = {
    "small-ok": 0,
    "small-mixed": 3,
    "small-failed": 3,
    "small-mock": 1,
    "two-phase": 0,
    "second-run": 0,
    medium: 0,
  };
  for (const [name, n] of Object.entries(counts)) {
    assert.equal(logsNeverWritten(expectedJson(name, "provenance.graph")).size, n, name);
  }
});

Deno.test("expectedIngested() removes rows of those logs and nothing else", () => {
  const never = logsNeverWritten(expectedJson("small-mixed", "provenance.graph"));
  const ingested = expectedJson("small-mixed", "ingested.state");
  const before = expectedJson("small-mixed", "aggregated.state");
  const found = jsonDifferences(expectedIngested(ingested, before, never, RUN), ingested);
  assert.equal(found.length, 4 * never.size, found.join("\n"));
  assert.ok([...never].every((id) => found.filter((line) => line.includes(id)).length === 4));
});
