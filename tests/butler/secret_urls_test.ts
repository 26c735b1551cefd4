/** Passwords in configurations, however wrongly they are written, are in no message. */

import assert from "node:assert/strict";
import { translatePostgresError } from "../../lib/butler/postgres_errors.ts";
import { postgresSettings } from "../../lib/butler/postgres_settings.ts";
import { openRegistry } from "../../lib/butler/registry.ts";
import { loadRepositoryConfig } from "../../lib/butler/repo_config.ts";
import { describeError } from "../../lib/cli/tell_error.ts";
import { temporaryDirectory } from "../support/fixtures.ts";

/** Lines of registry configurations; what they hold of a password has "Xyzzy" in it, three times. */
const REGISTRIES: readonly (readonly [name: string, lines: string])[] = [
  ["an unquoted @", "db: postgresql://me:Xyzzy1@Xyzzy2@127.0.0.1:1/db"],
  ["several @", "db: postgresql://me:Xyzzy1@Xyzzy2@Xyzzy3@127.0.0.1:1/db"],
  ["a slash", "db: postgresql://me:Xyzzy1/Xyzzy2@127.0.0.1:1/db"],
  ["a slash behind an @", "db: postgresql://me:Xyzzy1@Xyzzy2/Xyzzy3@127.0.0.1:1/db"],
  ["a question mark", "db: postgresql://me:Xyzzy1?Xyzzy2@127.0.0.1:1/db"],
  ["a question mark behind an @", "db: postgresql://me:Xyzzy1@Xyzzy2?Xyzzy3@127.0.0.1:1/db"],
  ["a hash", 'db: "postgresql://me:Xyzzy1#Xyzzy2@127.0.0.1:1/db"'],
  ["a colon", "db: postgresql://me:Xyzzy1:Xyzzy2@127.0.0.1:1/db"],
  ["brackets", 'db: "postgresql://me:[Xyzzy1]Xyzzy2@127.0.0.1:1/db"'],
  ["blanks and quotes", `db: "postgresql://me:Xyzzy1 'Xyzzy2 Xyzzy3@127.0.0.1:1/db"`],
  ["a percent sign", "db: postgresql://me:Xyzzy1%ZZXyzzy2@127.0.0.1:1/db"],
  ["a quoted colon", "db: postgresql://me%3AXyzzy1@127.0.0.1:1/db"],
  ["no host", "db: postgresql://me:Xyzzy1@:1/db"],
  ["no slashes", "db: 'postgresql:me:Xyzzy1@127.0.0.1:1/db'"],
  ["one slash", "db: postgresql:/me:Xyzzy1@127.0.0.1:1/db"],
  ["a port that is none", "db: postgresql://me:Xyzzy1@127.0.0.1:99999/db"],
  ["another dialect", "db: mysql://me:Xyzzy1@127.0.0.1:1/db"],
  ["no dialect", "db: me:Xyzzy1@127.0.0.1:1/db"],
  ["SQLite", "db: sqlite://me:Xyzzy1@127.0.0.1"],
  ["keys and values", "db: host=127.0.0.1 port=1 user=me password=Xyzzy1 dbname=db"],
  ["a query", "db: postgresql://127.0.0.1:1/db?user=me&password=Xyzzy1"],
  ["an unquoted & in a query", "db: postgresql://127.0.0.1:1/db?password=a&Xyzzy2"],
  ["an unquoted & and = in a query", "db: postgresql://127.0.0.1:1/db?password=a&Xyzzy2=Xyzzy3"],
  ["a key of its own", "db: postgresql://me@127.0.0.1:1/db\n  password: Xyzzy1@/:Xyzzy2"],
  ["an alias in YAML", "db: postgresql://me@127.0.0.1:1/db\n  password: *Xyzzy1"],
  ["a tag in YAML", "db: postgresql://me@127.0.0.1:1/db\n  password: !Xyzzy1 a"],
  ["a directive in YAML", "db: postgresql://me@127.0.0.1:1/db\n  password: @Xyzzy1"],
  ["an unfinished text in YAML", 'db: "postgresql://me:Xyzzy1@127.0.0.1:1/db'],
  ["a list", "db: [postgresql://me:Xyzzy1@127.0.0.1:1/db]"],
];

async function tell(work: string, lines: string, env: Record<string, string> = {}) {
  Deno.writeTextFileSync(`${work}/butler.yaml`, `registry:\n  ${lines}\n`);
  const variables = { get: (name: string) => name === "HOME" ? work : env[name] };
  let error: unknown;
  try {
    const config = loadRepositoryConfig(work, variables);
    await openRegistry(config, { writeable: false, retryMs: 0, env: variables });
  } catch (caught) {
    error = caught;
  }
  assert.ok(error instanceof Error, "it can't be opened");
  return [false, true].map((isJson) =>
    describeError(error, { isJson, isDebug: true, args: ["info", work] })
  ).join("");
}

for (const [i, [name, template]] of REGISTRIES.entries()) {
  // Others than in the tests before, for this thread remembers those.
  const lines = template.replaceAll("Xyzz", `Xyzz${i}`);
  Deno.test(`no part of a password is told for a registry with ${name}`, async () => {
    await using work = await temporaryDirectory();
    const text = await tell(work.path, lines);
    assert.match(text, /^error: Cannot /);
    assert.doesNotMatch(text, /Xyzz/i);
  });
}

Deno.test("a database URL with an unquoted @ is refused, and how to quote it is said", async () => {
  await using work = await temporaryDirectory();
  const text = await tell(work.path, REGISTRIES[0][1]);
  assert.match(
    text,
    /Cannot use registry of ".*butler\.yaml": its database URL has more than one "@"/,
  );
  assert.match(text, /^hint: in user and password write %40 for "@"/m);
});

Deno.test("no part of a password of the environment or of db-auth.yaml is told", async () => {
  await using work = await temporaryDirectory();
  const db = "db: postgresql://me@127.0.0.1:1/db";
  assert.doesNotMatch(await tell(work.path, db, { PGPASSWORD: "Xyzzy1" }), /Xyzz/i);
  const entry = { url: "postgresql://127.0.0.1:1", username: "me", password: "Xyzzy1" };
  for (
    const credentials of [
      JSON.stringify([entry]),
      JSON.stringify([entry]).slice(0, -1),
      JSON.stringify([{ ...entry, url: "postgresql+x://me:Xyzzy1@h" }]),
      JSON.stringify(entry),
    ]
  ) {
    const text = await tell(work.path, db, { LSST_DB_AUTH_CREDENTIALS: credentials });
    assert.doesNotMatch(text, /Xyzz/i, credentials);
    const file = `${work.path}/db-auth.yaml`;
    Deno.writeTextFileSync(file, credentials, { mode: 0o600 });
    assert.doesNotMatch(await tell(work.path, db, { LSST_DB_AUTH: file }), /Xyzz/i, credentials);
  }
});

for (
  const [name, error] of [
    ["a server", { name: "PostgresError", code: "28P01", message: "no password xX9yZZy8 for me" }],
    ["the network", { code: "ECONNREFUSED", message: "connect postgresql://me:xX9yZZy8@h" }],
    ["the driver", { message: "bad option xX9yZZy8" }],
  ] as const
) {
  Deno.test(`no password is told in an error of ${name}`, () => {
    const url = "postgresql://me:xX9yZZy8@127.0.0.1:1/db";
    const settings = postgresSettings(url, { get: () => undefined }, "butler.yaml");
    const raw = Object.assign(new Error(error.message), error);
    const told = translatePostgresError(raw, settings, "open");
    for (const isJson of [false, true]) {
      const text = describeError(told, { isJson, isDebug: true, args: ["info", url] });
      assert.match(text, /\*\*\*/);
      assert.doesNotMatch(text, /xX9yZZy8/);
    }
  });
}
