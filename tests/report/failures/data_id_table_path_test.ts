/** Names of data ID tables: exceptions and tasks are named by files that nobody vouches for. */

import assert from "node:assert/strict";
import { AttemptStatus } from "../../../lib/provenance/quantum_status.ts";
import { dataIdTablePath } from "../../../lib/report/failures/data_id_table_path.ts";
import { temporaryName } from "../../../lib/storage/temporary_name.ts";

const PATHS: [label: string, exception: string | null, path: string[]][] = [
  ["isr", null, ["isr", "FAILED", "UNKNOWN.ecsv"]],
  ["isr", "lsst.pipe.base.NoWorkFound", ["isr", "FAILED", "lsst.pipe.base.NoWorkFound.ecsv"]],
  ["isr", "../../../etc/passwd", ["isr", "FAILED", ".._.._.._etc_passwd.ecsv"]],
  ["..", "a\\b\nc\0", ["__", "FAILED", "a_b_c_.ecsv"]],
  ["", "..", ["_", "FAILED", "__.ecsv"]],
];

for (const [label, exception, path] of PATHS) {
  Deno.test(`dataIdTablePath() stays below its directory: ${JSON.stringify([label, exception])}`, () => {
    assert.deepEqual(dataIdTablePath(label, AttemptStatus.FAILED, exception), path);
  });
}

Deno.test("dataIdTablePath() keeps names short enough for file systems", () => {
  for (const letter of ["x", "é", "😀"]) {
    const name = dataIdTablePath("isr", AttemptStatus.FAILED, letter.repeat(5000)).at(-1)!;
    assert.ok(name.endsWith(".ecsv") && name.length > 40);
    assert.ok(new TextEncoder().encode(temporaryName(name)).length <= 255, letter);
  }
});
