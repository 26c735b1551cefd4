/** Log records as text, against the reference's own output. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import { forEachLogLine } from "../../../lib/sources/logs/log_text.ts";
import { parseLogFile } from "../../../lib/provenance/documents/log_records.ts";
import { PROJECT } from "../../support/fixtures.ts";

const FOLDER = join(PROJECT, "testdata", "log_text");

function textOf(records: Uint8Array): string {
  const lines: string[] = [];
  forEachLogLine(records, (line) => lines.push(line));
  return lines.join("\n");
}

const cases = [...Deno.readDirSync(FOLDER)]
  .map(({ name }) => name)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -".json".length))
  .sort();

for (const name of cases) {
  Deno.test(`forEachLogLine() prints ${name} as the butler does`, () => {
    const bytes = Deno.readFileSync(join(FOLDER, `${name}.json`));
    const { records } = parseLogFile(bytes, "calibrate");
    const inside = records.map((range) => new TextDecoder().decode(bytes.subarray(...range)));
    const array = encodeUtf8(`[${inside.join(",")}]`);
    assert.equal(textOf(array), Deno.readTextFileSync(join(FOLDER, `${name}.txt`)));
  });
}

Deno.test("forEachLogLine() refuses what is no array of records", () => {
  for (const text of ["{}", "[1]", "[", '[{"name":1}]']) {
    assert.throws(() => textOf(encodeUtf8(text)), SyntaxError, text);
  }
});
