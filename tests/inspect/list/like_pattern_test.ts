/** `like` means what it means in SQL. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { likePattern } from "../../../lib/inspect/list/like_pattern.ts";

const TEXTS = ["", "a", "ab", "abc", "a%c", "a_c", "aXbXc", "héllo", "MemoryError: 12 GB", "a\nb"];
const PATTERNS = [
  "",
  "%",
  "_",
  "a%",
  "%c",
  "a%c",
  "%b%",
  "a_c",
  "a\\%c",
  "a\\_c",
  "%X%X%",
  "h_llo",
  "__",
];

for (const pattern of PATTERNS) {
  Deno.test(`like ${JSON.stringify(pattern)} fits what it fits in SQLite`, () => {
    using database = new DatabaseSync(":memory:");
    // SQLite alone takes letters in either case, unless it is told not to.
    database.exec("PRAGMA case_sensitive_like = ON");
    const query = database.prepare("SELECT ? LIKE ? ESCAPE '\\' AS fits");
    const test = likePattern(pattern);
    for (const text of TEXTS) {
      assert.equal(test(text), query.get(text, pattern)!.fits === 1, JSON.stringify(text));
    }
  });
}

Deno.test("no pattern takes for ever", () => {
  assert.equal(likePattern("%a".repeat(30) + "b")("a".repeat(5000)), false);
});
