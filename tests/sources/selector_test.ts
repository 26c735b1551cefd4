/** IDs as users type them. */

import assert from "node:assert/strict";
import { NotFoundError, UsageError } from "../../lib/base/errors.ts";
import { uuidFromText, uuidToText } from "../../lib/base/uuid.ts";
import {
  DataIdMatcher,
  matchesValue,
  onlyCandidate,
  parseSelector,
} from "../../lib/sources/selector.ts";
import type { DimensionGroup } from "../../lib/butler/dimensions/dimension_group.ts";

const ID = "019f1af9-b4f8-77b0-b96c-c27ac2d532fa";

Deno.test("parseSelector() tells the three forms apart", () => {
  assert.equal(parseSelector([]), null);
  for (const text of [ID, ID.toUpperCase(), ID.replaceAll("-", "")]) {
    const selector = parseSelector([text]);
    assert.ok(selector?.kind === "id");
    assert.equal(uuidToText(selector.id), ID);
  }
  for (const [text, hex] of [["019F1", "019f1"], ["019f1af9-b4", "019f1af9b4"], ["f", "f"]]) {
    const selector = parseSelector([text]);
    assert.ok(selector?.kind === "prefix");
    assert.equal(selector.hex, hex);
  }
  const selector = parseSelector(["calibrate", "visit=1", "name=a=b"]);
  assert.ok(selector?.kind === "dataId");
  assert.equal(selector.label, "calibrate");
  assert.deepEqual(selector.terms, [
    { dimension: "visit", value: "1" },
    { dimension: "name", value: "a=b" },
  ]);
  assert.equal(parseSelector(["cafe", "visit=1"])?.kind, "dataId");
});

Deno.test("parseSelector() refuses words that are none of them", () => {
  for (const words of [[""], ["visit=1"], ["a", "visit"], ["a", "=1"], ["a", "visit="]]) {
    assert.throws(() => parseSelector(words), UsageError, words.join(" "));
  }
});

Deno.test("matchesValue() compares integers by value and strings exactly", () => {
  const cases: [Parameters<typeof matchesValue>[0], string, boolean][] = [
    [1, "1", true],
    [1, "+1", true],
    [1, "01", true],
    [1, "1.0", false],
    [1, "one", false],
    [9223372036854775807n, "9223372036854775807", true],
    [9223372036854775807n, "9223372036854775806", false],
    [-5, "-5", true],
    ["01", "1", false],
    ["r", "r", true],
    ["r", "R", false],
    [null, "null", false],
    [[1], "1", false],
  ];
  for (const [value, text, expected] of cases) {
    assert.equal(matchesValue(value, text), expected, `${value} ${text}`);
  }
});

Deno.test("DataIdMatcher knows when a data ID is complete", () => {
  const group = {
    names: ["band", "instrument", "detector", "visit"],
    required: ["instrument", "detector", "visit"],
    implied: ["band"],
  } as unknown as DimensionGroup;
  const term = (dimension: string, value: string) => ({ dimension, value });
  const part = new DataIdMatcher(group, [term("visit", "1"), term("band", "r")], "quantum");
  assert.equal(part.isUnique, false);
  assert.ok(part.matches(["Cam", 3, 1, "r"]));
  assert.ok(!part.matches(["Cam", 3, 1, "g"]));
  assert.ok(!part.matches(["Cam", 3]));
  const all = new DataIdMatcher(group, group.required.map((name) => term(name, "1")), "quantum");
  assert.equal(all.isUnique, true);
  assert.throws(() => new DataIdMatcher(group, [term("tract", "1")], "quantum"), /tract.*band/s);
});

Deno.test("onlyCandidate() lists what an ambiguous ID may mean", () => {
  const selector = parseSelector(["01"])!;
  const candidate = (text: string) => ({ id: uuidFromText(ID), text });
  assert.equal(onlyCandidate([candidate("a")], selector, "here").text, "a");
  assert.throws(() => onlyCandidate([], selector, "here"), NotFoundError);
  assert.throws(
    () => onlyCandidate([candidate("quantum a"), candidate("dataset b")], selector, "here"),
    (error) => error instanceof UsageError && /2 fit[^]*quantum a[^]*dataset b/.test(error.message),
  );
});
