/** Texts without passwords. */

import assert from "node:assert/strict";
import { ProvgraphError } from "../../lib/base/errors.ts";
import { rememberSecret, rememberUrlSecrets, withoutSecrets } from "../../lib/base/secrets.ts";

const TEXTS: readonly (readonly [name: string, text: string, expected: string])[] = [
  ["a database URL", "at postgresql://me:Secret@h/db.", "at postgresql://me:***@h/db."],
  ["an unquoted @", '"postgresql://me:Sup@erSecret@h:1/db"', '"postgresql://me:***@h:1/db"'],
  ["an unquoted slash", "postgresql://me:Sec/ret@h/db", "postgresql://me:***@h/db"],
  ["an unquoted ?", "postgresql://me:Sec?r#et@h/db", "postgresql://me:***@h/db"],
  ["a driver", "postgresql+psycopg2://me:Secret@h", "postgresql+psycopg2://me:***@h"],
  ["a quoted colon", "postgresql://me%3ASecret@h/db", "postgresql://me:***@h/db"],
  ["no user", "postgresql://:Secret@h/db", "postgresql://:***@h/db"],
  ["no password", "postgresql://me@h:5432/db", "postgresql://me@h:5432/db"],
  [
    "a query",
    "postgresql://h/db?user=me&password=Secret&x=1",
    "postgresql://h/db?user=me&password=***&x=1",
  ],
  ["keys and values", "host=h password='Sec ret' dbname=x", "host=h password=*** dbname=x"],
  ["a web address", "(https://me:Secret@h/a.qg)", "(https://h/a.qg)"],
  ["a web address with a slash in the password", "https://me:Sec/r@h/a.qg", "https://h/a.qg"],
  [
    "a signed web address",
    "http://h/a.qg?X-Amz-Signature=0a1b&v=2",
    "http://h/a.qg?X-Amz-Signature=***&v=2",
  ],
  ["a web address with @ in its path", "http://h:80/@me/a.qg", "http://h:80/@me/a.qg"],
  ["a file", "file:///repo/a:b@c/d", "file:///repo/a:b@c/d"],
  ["two URLs", "a://u:S1@h and b://u:S2@h", "a://u:***@h and b://u:***@h"],
  ["plain text", "1 of 2 datasets: a@b, c=d", "1 of 2 datasets: a@b, c=d"],
];

for (const [name, text, expected] of TEXTS) {
  Deno.test(`withoutSecrets() hides the password in ${name}`, () => {
    assert.equal(withoutSecrets(text), expected);
    assert.equal(new ProvgraphError(text, { hint: text }).message, expected);
    assert.equal(new ProvgraphError("x", { hint: text }).hint, expected);
  });
}

Deno.test("withoutSecrets() hides what was remembered, in every form, and parts of malformed URLs", () => {
  rememberSecret("tops'3cr@t");
  assert.equal(withoutSecrets("for tops'3cr@t, tops'3cr%40t"), "for ***, ***");
  rememberUrlSecrets("postgresql://me:Fi%72st@Seco/nd:Th1rd@h/db?password=Fourth");
  for (const part of ["Fi%72st", "First", "Seco", "Th1rd", "Fourth"]) {
    assert.equal(withoutSecrets(`x${part}x`), "x***x", part);
  }
  assert.equal(withoutSecrets("h and db and me"), "h and db and me");
});

Deno.test("withoutSecrets() leaves alone what is too short to be a password", () => {
  rememberSecret("db");
  rememberSecret("");
  rememberSecret(null);
  assert.equal(withoutSecrets("the db is here"), "the db is here");
});
