/** Documents in the usual form are read in WebAssembly, all others aren't; nobody can tell which. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeUtf8, JsonCursor } from "../../../lib/base/json_text.ts";
import { parseLogFile, readRecords } from "../../../lib/provenance/documents/log_records.ts";
import {
  MAX_SPLICED_DEPTH,
  readTaskMetadata,
} from "../../../lib/provenance/documents/task_metadata.ts";
import {
  takeUsualMetadata,
  takeUsualRecord,
  withUsualForms,
} from "../../../lib/provenance/documents/usual_documents.ts";
import { SeededRandom } from "../../../lib/simulate/random.ts";
import { unpackFixture } from "../../support/fixtures.ts";

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

function isTaken(text: string): boolean {
  try {
    parseLogFile(encodeUtf8(text), "task");
    return true;
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return false;
  }
}

const USUAL = recordOf(Object.entries(VALUES));

Deno.test("parseLogFile() checks every value when all else has the usual form", () => {
  assert.ok(isTaken(`[${USUAL},${USUAL}]`));
  for (const [key, text] of SOUND) {
    assert.ok(isTaken(`[${USUAL},${withValue(key, text)},${USUAL}]`), `${key}: ${text}`);
  }
  for (const [key, text] of UNSOUND) {
    const what = `${key}: ${text}`;
    assert.ok(!isTaken(`[${USUAL},${withValue(key, text)},${USUAL}]`), what);
    assert.ok(!isTaken(`${USUAL}\n${withValue(key, text)}\n`), what);
  }
});

Deno.test("parseLogFile() takes a record if and only if it is sound", () => {
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
    assert.equal(isTaken(`[${known}${record}]`), isSound, record);
    if (isSound) nTaken++;
    else nRefused++;
  }
  assert.ok(nTaken > 1000 && nRefused > 500);
});

Deno.test("parseLogFile() refuses text that is no UTF-8 in the usual place", () => {
  const [before, after] = withValue("MDC", '{"LABEL":"?"}').split("?");
  const wrong = new Uint8Array([...encodeUtf8(`[${before}`), 0xff, ...encodeUtf8(`${after}]`)]);
  assert.throws(() => parseLogFile(wrong, "utf8"), /not UTF-8/);
});

Deno.test("parseLogFile() counts the levels of usual records", () => {
  // A file may have 197 levels; each attempt inside another takes two, a record two more with its list.
  const nested = (nAttempts: number) =>
    `{"extended":true,"version":2,"records":[${USUAL}],` +
    `${'"previous_attempts":[{'.repeat(nAttempts)}"logs":[${USUAL}]${"}]".repeat(nAttempts)}}`;
  assert.ok(isTaken(nested(96)));
  assert.ok(!isTaken(nested(97)));
  assert.ok(!isTaken(nested(98)));
});

/** Log files and metadata files below a folder, as the reference's executor wrote them. */
function documents(folder: string): { logs: Uint8Array[]; metadata: Uint8Array[] } {
  const found = { logs: [] as Uint8Array[], metadata: [] as Uint8Array[] };
  const visit = (path: string) => {
    for (const entry of Deno.readDirSync(path)) {
      const inner = join(path, entry.name);
      if (entry.isDirectory) visit(inner);
      else if (/_log_.*\.json$/.test(entry.name)) found.logs.push(Deno.readFileSync(inner));
      else if (/_metadata_.*\.json$/.test(entry.name)) {
        found.metadata.push(Deno.readFileSync(inner));
      }
    }
  };
  visit(folder);
  return found;
}

/** Texts of the records of a log file, and where the first one begins. */
function recordsOf(bytes: Uint8Array): { records: string[]; start: number } {
  const { records: pieces } = parseLogFile(bytes, "task");
  if (pieces.length === 0) return { records: [], start: 0 };
  const cursor = new JsonCursor(bytes, pieces[0][0] - 1);
  const records: string[] = [];
  cursor.beginArray();
  while (cursor.nextElement()) {
    records.push(new TextDecoder().decode(bytes.subarray(...cursor.skipRange())));
  }
  return { records, start: pieces[0][0] };
}

/** A document with one byte changed, put in or taken out, or two stretches exchanged. */
function changed(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.integer(bytes.length);
  const other = '"\\,:{}[] 0-.eEuntfNI\n\0\x7f\x80\xbf\xc3\xe0\xed\xf4'.charCodeAt(
    random.integer(31),
  );
  switch (random.integer(4)) {
    case 0:
      return bytes.with(at, other);
    case 1:
      return new Uint8Array([...bytes.subarray(0, at), other, ...bytes.subarray(at)]);
    case 2:
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
    default: {
      const from = random.integer(bytes.length);
      const length = random.integer(40);
      return new Uint8Array([
        ...bytes.subarray(0, at),
        ...bytes.subarray(from, from + length),
        ...bytes.subarray(at),
      ]);
    }
  }
}

/** What a reader gives, or null if it refuses; any other error is one. */
function resultOf<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return null;
  }
}

/** Where a record of the usual form ends that begins at a byte; null for any other. */
function recordEnd(bytes: Uint8Array, start: number): number | null {
  const cursor = new JsonCursor(bytes, start);
  return withUsualForms(bytes, () => takeUsualRecord(cursor)) ? cursor.position : null;
}

/** Metadata of the usual form and where it ends; null for any other. */
function usualMetadata(bytes: Uint8Array) {
  const cursor = new JsonCursor(bytes);
  const found = withUsualForms(bytes, () => takeUsualMetadata(cursor));
  return found && { ...found, end: cursor.position };
}

Deno.test("Documents written by the reference have the usual form unless they tell of a failure", async () => {
  await using work = await unpackFixture("small-mixed", "before");
  const { logs, metadata } = documents(work.repo);
  let [nRecords, nMetadata] = [0, 0];
  for (const bytes of logs) {
    const { records, start } = recordsOf(bytes);
    let at = start;
    for (const record of records) {
      const end = recordEnd(bytes, at);
      assert.equal(end, at + encodeUtf8(record).length, record);
      nRecords++;
      at = end + 1;
    }
  }
  for (const bytes of metadata) {
    const found = usualMetadata(bytes);
    if (new TextDecoder().decode(bytes).includes('"failure":')) assert.equal(found, null);
    else {
      assert.equal(found?.end, bytes.length);
      assert.ok(found.quantum!.has("endUtc") && found.quantum!.has("outputs"));
      nMetadata++;
    }
  }
  assert.ok(nRecords > 100 && nMetadata > 15, `${nRecords} ${nMetadata}`);
});

Deno.test("Documents are read alike in WebAssembly and without it, however they are changed", async () => {
  await using work = await unpackFixture("small-mixed", "before");
  const { logs, metadata } = documents(work.repo);
  const random = new SeededRandom(20261129, 0);
  const allRecords = logs.flatMap((bytes) => recordsOf(bytes).records);
  let [nRecords, nMetadata] = [0, 0];
  for (let round = 0; round < 6000; round++) {
    const chosen = [0, 1].map(() => allRecords[random.integer(allRecords.length)]);
    const records = changed(encodeUtf8(`[${chosen.join(",")}]`), random);
    const read = () => {
      const cursor = new JsonCursor(records);
      const range = readRecords(cursor);
      cursor.finish();
      return range;
    };
    const without = resultOf(read);
    assert.deepEqual(resultOf(() => withUsualForms(records, read)), without);
    if (without !== null && recordEnd(records, 1) !== null) nRecords++;
  }
  for (let round = 0; round < 6000; round++) {
    const document = changed(metadata[random.integer(metadata.length)], random);
    const read = () => {
      const cursor = new JsonCursor(document, 0, document.length, MAX_SPLICED_DEPTH);
      const result = readTaskMetadata(cursor, "calibrate");
      cursor.finish();
      return result;
    };
    const without = resultOf(read);
    assert.deepEqual(resultOf(() => withUsualForms(document, read)), without);
    if (without !== null && usualMetadata(document) !== null) nMetadata++;
  }
  // Neither all were refused, nor all taken.
  assert.ok(nRecords > 1000 && nRecords < 5000, `${nRecords}`);
  assert.ok(nMetadata > 1000 && nMetadata < 5000, `${nMetadata}`);
});

for (const nBytes of [1e3, 3e6, 5e6]) {
  Deno.test(`Records of ${nBytes} bytes are ${nBytes === 5e6 ? "not " : ""}taken at once`, () => {
    const n = Math.ceil(nBytes / (USUAL.length + 1));
    const bytes = encodeUtf8(`[${Array.from({ length: n }, () => USUAL).join(",")}]`);
    assert.equal(recordEnd(bytes, 1), nBytes === 5e6 ? null : USUAL.length + 1);
    assert.deepEqual(parseLogFile(bytes, "large").records, [[1, bytes.length - 1]]);
  });
}

Deno.test("No record is taken by the form of another document", () => {
  const records = encodeUtf8(`[${USUAL}]`);
  const taken = withUsualForms(encodeUtf8("[]"), () => takeUsualRecord(new JsonCursor(records, 1)));
  assert.equal(taken, false);
  assert.equal(takeUsualRecord(new JsonCursor(records, 1)), false);
});

Deno.test("What was read before is forgotten, also after an error", () => {
  const records = encodeUtf8(`[${USUAL}]`);
  assert.throws(() =>
    withUsualForms(records, () => {
      throw new SyntaxError("refused");
    }), SyntaxError);
  assert.equal(takeUsualRecord(new JsonCursor(records, 1)), false);
});
