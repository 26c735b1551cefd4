import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { parseLogFile } from "../../lib/provenance/log_records.ts";
import { SeededRandom } from "../../lib/simulate/random.ts";

// Whatever was read before, a record is taken if and only if it is sound by itself.

/** Values of a record, as JSON text, in the order of the reference's writers. */
const VALUES: Record<string, string> = {
  name: '"lsst.task"',
  asctime: '"2026-11-22T15:28:07.772212Z"',
  message: '"done"',
  levelno: "20",
  levelname: '"INFO"',
  filename: '"f.py"',
  pathname: '"/p/f.py"',
  lineno: "17",
  funcName: '"run"',
  process: "2",
  processName: '"MainProcess"',
  MDC: '{"LABEL":"task:{visit: 3}","RUN":"u/x"}',
};
const REQUIRED = Object.keys(VALUES).filter((key) => key !== "funcName");
/** Other sound values. */
const SOUND: [key: string, text: string][] = [
  ["name", '"lsst.task.sub"'],
  ["asctime", "1763825287.5"],
  ["asctime", '"2026-02-28T00:00:00+01:00"'],
  ["message", '"é\\n\\ud83d\\ude00"'],
  ["levelno", "30"],
  ["levelno", "30.0"],
  ["levelname", '"WARNING"'],
  ["lineno", "-1"],
  ["funcName", "null"],
  ["MDC", "{}"],
  ["MDC", '{"LABEL":"é"}'],
];
/** Values that the reference's reader refuses. */
const UNSOUND: [key: string, text: string][] = [
  ["name", "null"],
  ["asctime", '"2026-02-30T00:00:00Z"'],
  ["asctime", '"yesterday"'],
  ["message", "5"],
  ["message", '"tab\t"'],
  ["message", '"\\ud83d"'],
  ["levelno", '"20"'],
  ["levelno", "1.5"],
  ["lineno", "1.5"],
  ["lineno", "017"],
  ["lineno", "null"],
  ["funcName", "7"],
  ["process", "true"],
  ["MDC", '{"LABEL":3}'],
  ["MDC", "[]"],
];

const UNSOUND_TEXTS = new Set(UNSOUND.map(([key, text]) => `${key} ${text}`));

function recordOf(members: readonly [string, string][]): string {
  return `{${members.map(([key, text]) => `"${key}":${text}`).join(",")}}`;
}

function withValue(key: string, text: string): string {
  return recordOf(Object.entries({ ...VALUES, [key]: text }));
}

function isTaken(text: string, task: string): boolean {
  try {
    parseLogFile(encodeUtf8(text), task);
    return true;
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return false;
  }
}

const USUAL = recordOf(Object.entries(VALUES));

Deno.test("parseLogFile() checks every value when the text around it is known", () => {
  assert.ok(isTaken(`[${USUAL},${USUAL}]`, "values"));
  for (const [key, text] of SOUND) {
    assert.ok(isTaken(`[${USUAL},${withValue(key, text)},${USUAL}]`, "values"), `${key}: ${text}`);
  }
  for (const [key, text] of UNSOUND) {
    const what = `${key}: ${text}`;
    assert.ok(!isTaken(`[${USUAL},${withValue(key, text)},${USUAL}]`, "values"), what);
    assert.ok(!isTaken(`${USUAL}\n${withValue(key, text)}\n`, "values"), what);
  }
});

Deno.test("parseLogFile() takes and refuses the same records whatever it read before", () => {
  const random = new SeededRandom(20261128, 0);
  const below = (n: number) => random.integer(n);
  let [nTaken, nRefused] = [0, 0];
  for (let round = 0; round < 4000; round++) {
    const members = Object.entries(VALUES);
    if (below(3) === 0) {
      const [key, text] = SOUND[below(SOUND.length)];
      members.find(([other]) => other === key)![1] = text;
    }
    if (below(6) === 0) {
      const [key, text] = UNSOUND[below(UNSOUND.length)];
      members.find(([other]) => other === key)![1] = text;
    }
    if (below(3) === 0) {
      // Another order; what comes out of place must not be taken for something in its place.
      members.splice(below(members.length), 0, ...members.splice(below(members.length), 1));
    }
    if (below(4) === 0) members.splice(below(members.length), 0, ["extra", '{"deep":[1]}']);
    if (below(8) === 0) members.splice(below(members.length), 0, ["exc_info", "null"]);
    if (below(8) === 0) members.push(members[below(members.length)]);
    if (below(4) === 0) members.splice(below(members.length), 1);
    const isSound = members.every(([key, text]) => !UNSOUND_TEXTS.has(`${key} ${text}`)) &&
      REQUIRED.every((key) => members.some(([other]) => other === key));
    const record = recordOf(members);
    const known = below(2) === 0 ? `${USUAL},` : "";
    assert.equal(isTaken(`[${known}${record}]`, "rounds"), isSound, record);
    if (isSound) nTaken++;
    else nRefused++;
  }
  assert.ok(nTaken > 1000 && nRefused > 500);
});

Deno.test("parseLogFile() takes no text for UTF-8 because it was met before", () => {
  const [before, after] = withValue("MDC", '{"LABEL":"?"}').split("?");
  const wrong = new Uint8Array([...encodeUtf8(`[${before}`), 0xff, ...encodeUtf8(`${after}]`)]);
  for (let i = 0; i < 3; i++) {
    assert.throws(() => parseLogFile(wrong, "utf8"), /not UTF-8/);
  }
});

Deno.test("parseLogFile() counts the levels of known records", () => {
  // A file may have 197 levels; each attempt inside another takes two, a record two more with its list.
  const nested = (nAttempts: number) =>
    `{"extended":true,"version":2,"records":[${USUAL}],` +
    `${'"previous_attempts":[{'.repeat(nAttempts)}"logs":[${USUAL}]${"}]".repeat(nAttempts)}}`;
  assert.ok(isTaken(nested(96), "levels"));
  assert.ok(!isTaken(nested(97), "levels"));
  assert.ok(!isTaken(nested(98), "levels"));
});
