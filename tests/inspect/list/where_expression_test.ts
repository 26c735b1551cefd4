/** Expressions of `--where`: what they say of rows, and where they can't be understood. */

import assert from "node:assert/strict";
import { UsageError } from "../../../lib/base/errors.ts";
import {
  parseWhere,
  type WhereNames,
  type WhereType,
  type WhereValue,
} from "../../../lib/inspect/list/where_expression.ts";

const TYPES: Record<string, WhereType> = {
  visit: "int",
  detector: "int",
  htm20: "int",
  band: "string",
  run_time: "number",
  produced: "boolean",
};

const NAMES: WhereNames = {
  names: Object.keys(TYPES),
  typeOf: (name) => Object.hasOwn(TYPES, name) ? TYPES[name] : null,
};

function test(expression: string, row: Record<string, WhereValue>): boolean | null {
  return parseWhere(expression, NAMES)({ value: (name) => row[name] });
}

Deno.test("parseWhere() compares by value, whatever the size of integers", () => {
  const row = {
    visit: 1228,
    htm20: 9_007_199_254_740_993n,
    band: "r'",
    run_time: 0.5,
    produced: false,
  };
  const cases: [expression: string, expected: boolean][] = [
    ["visit=1228", true],
    ["visit = +1228", true],
    ["visit != 1228", false],
    ["visit > 1227 and visit <= 1228", true],
    ["visit=1228.0", true],
    ["htm20 = 9007199254740993", true],
    ["htm20 = 9007199254740992", false],
    ["htm20 > 9007199254740992", true],
    ["htm20 in (1, 9007199254740993)", true],
    ["htm20 in (9007199254740992..9007199254740994:2)", false],
    ["htm20 in (9007199254740991..9007199254740993:2)", true],
    [`band = "r'"`, true],
    ["band < 's'", true],
    ["run_time < 1e0", true],
    ["produced = false", true],
    ["produced = FALSE", true],
    ["produced != TRUE", true],
    ["visit in (1..1227, 1229)", false],
    ["visit in (1..5, 1228)", true],
    ["visit not in (1..5)", true],
    ["visit IN (-5..2000)", true],
  ];
  for (const [expression, expected] of cases) {
    assert.equal(test(expression, row), expected, expression);
  }
});

Deno.test("parseWhere() binds not before and before or", () => {
  const row = { visit: 1, detector: 2, band: "g" };
  const cases: [expression: string, expected: boolean][] = [
    ["visit=1 or visit=2 and detector=3", true],
    ["(visit=1 or visit=2) and detector=3", false],
    ["not visit=2 and detector=2", true],
    ["not (visit=2 or detector=2)", false],
    ["not not visit=1", true],
    ["NOT visit=1 OR band='g'", true],
  ];
  for (const [expression, expected] of cases) {
    assert.equal(test(expression, row), expected, expression);
  }
});

Deno.test("parseWhere() says neither yes nor no of what a row doesn't have", () => {
  const row = { visit: 1, run_time: null };
  const cases: [expression: string, expected: boolean | null][] = [
    ["detector=1", null],
    ["not detector=1", null],
    ["detector not in (1)", null],
    ["run_time != 1", null],
    ["detector=1 or visit=1", true],
    ["detector=1 or visit=2", null],
    ["detector=1 and visit=2", false],
    ["detector=1 and visit=1", null],
  ];
  for (const [expression, expected] of cases) {
    assert.equal(test(expression, row), expected, expression);
  }
});

Deno.test("parseWhere() points at the character that it doesn't understand", () => {
  const cases: [expression: string, column: number, message: RegExp][] = [
    ["", 1, /expected a dimension/],
    ["visit", 6, /expected =, !=/],
    ["visit == 1", 8, /expected a value/],
    ["visit in 1", 10, /expected \(/],
    ["visit in ()", 11, /expected a value/],
    ["visit in (1,)", 13, /expected a value/],
    ["visit in (1..2:0)", 16, /a step is a positive integer/],
    ["visit in (1..2.5)", 11, /a range has integers/],
    ["band in ('a'..'b')", 10, /a range has integers/],
    ["produced < true", 10, /it has no order/],
    ["band = 1", 8, /band is a string, 1 is not/],
    ["visit = 1 visit = 2", 11, /expected and, or, or the end/],
    ["visit = 1)", 10, /expected and, or, or the end/],
    ["and visit = 1", 1, /expected a dimension/],
    ["constructor = 1", 1, /there is no dimension or field "constructor"/],
    ["'größe' = 1", 1, /expected a dimension/],
    ["band = 'größe' und", 16, /expected and, or, or the end/],
    [`${"(".repeat(200)}visit=1`, 101, /nested too deeply/],
  ];
  for (const [expression, column, message] of cases) {
    assert.throws(() => parseWhere(expression, NAMES), (error: unknown) => {
      assert.ok(error instanceof UsageError, expression);
      assert.match(error.message, message);
      assert.match(error.message, new RegExp(` at column ${column}\n`), expression);
      const [, shown, mark] = error.message.split("\n");
      if (column <= 200) assert.equal(mark, `${" ".repeat(column - 1)}^`, expression);
      assert.ok(expression.startsWith(shown.trimEnd().slice(0, 5)));
      return true;
    });
  }
});
