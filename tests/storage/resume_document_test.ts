import assert from "node:assert/strict";
import { FAILPOINTS } from "../../lib/storage/failpoints.ts";

Deno.test("schema/resume.md describes exactly the failpoints, in their order", () => {
  const text = Deno.readTextFileSync(new URL("../../schema/resume.md", import.meta.url));
  const rows = [...text.matchAll(/^\| `([a-z.-]+)` +\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)];
  assert.deepEqual(rows.map(([, name]) => name), [...FAILPOINTS]);
  for (const [row, , ...cells] of rows) {
    for (const cell of cells) assert.ok(cell.trim().length > 3, row);
  }
});
