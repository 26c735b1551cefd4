/** Credentials and connection settings as Rubin users and libpq users have them. */

import assert from "node:assert/strict";
import { findCredentials, globMatches } from "../../lib/butler/db_auth.ts";
import { postgresSettings } from "../../lib/butler/postgres_settings.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";

const SECRET = "s3cr3t";

function environment(variables: Record<string, string>) {
  return { get: (name: string): string | undefined => variables[name] };
}

/** Settings with a home directory of the test's own. */
function settings(url: string, home: TemporaryDirectory, variables: Record<string, string> = {}) {
  const env = environment({ HOME: home.path, PGSYSCONFDIR: home.path, ...variables });
  return postgresSettings(url, env, "butler.yaml");
}

function writePrivate(path: string, text: string, mode = 0o600): void {
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, mode);
}

const CONNECTION = {
  dialect: "postgresql",
  user: "me",
  host: "db.example.org",
  port: "5432",
  database: "butler",
};

/** What a list of credentials in the environment says of a connection. */
function find(entries: unknown, connection: Partial<typeof CONNECTION> = {}) {
  return findCredentials(
    { ...CONNECTION, ...connection },
    environment({ LSST_DB_AUTH_CREDENTIALS: JSON.stringify(entries) }),
  );
}

Deno.test("findCredentials() matches urls by dialect, user, host, port and database", () => {
  for (
    const [url, isMatch] of [
      ["postgresql://db.example.org", true],
      ["postgresql://DB.EXAMPLE.ORG/", true],
      ["postgresql://*", true],
      ["postgresql://*.example.org:5432/but*", true],
      ["postgresql://me@db.example.org:5432/butler", true],
      ["postgresql://d[a-c].example.org/butle[q-s]", true],
      // As in the reference, a question mark ends the path, although it is a pattern elsewhere.
      ["postgresql://db.example.org/b?tler", false],
      ["postgresql://db.example.org:05432", true],
      ["postgresql://you@db.example.org/butler", false],
      ["postgresql://db.example.org:5433/butler", false],
      ["postgresql://db.example.org/other", false],
      ["postgresql://db.example.org/Butler", false],
      ["postgresql://*.example.com", false],
      ["sqlite://db.example.org/butler", false],
      ["postgresql://d[!a-c].example.org", false],
    ] as [string, boolean][]
  ) {
    const found = find([{ url, username: "other", password: SECRET }]);
    assert.deepEqual(found, isMatch ? { user: "me", password: SECRET } : null, url);
  }
});

Deno.test("findCredentials() takes the first match, and its user when the url names none", () => {
  const entries = [
    { url: "postgresql://nowhere", password: "no" },
    { url: "postgresql://*/butler", username: "first", password: "one" },
    { url: "postgresql://*", username: "second", password: "two" },
  ];
  const of = (connection: Record<string, unknown>) => find(entries, connection);
  assert.deepEqual(of({ user: null }), { user: "first", password: "one" });
  assert.deepEqual(of({ user: null, database: "x" }), { user: "second", password: "two" });
  assert.deepEqual(find([{ url: "postgresql://*", password: "p" }], { user: null as never }), {
    user: null,
    password: "p",
  });
  // A port in the pattern needs one in the url, even if it is the usual one.
  assert.equal(
    find([{ url: "postgresql://*:5432", password: "p" }], { port: null as never }),
    null,
  );
});

Deno.test("findCredentials() refuses lists that can't be used and quotes no secret", () => {
  for (
    const [entries, message] of [
      [{ url: "postgresql://*", password: SECRET }, /not a list/],
      [[{ password: SECRET }], /entry 1 has no url/],
      [[{ url: "db.example.org", password: SECRET }], /without dialect/],
      [[{ url: "postgresql+psycopg://*", password: SECRET }], /names a driver/],
      [[{ url: "postgresql:///butler", password: SECRET }], /without host/],
      [[{ url: "postgresql://*" }], /matches but has no password/],
    ] as [unknown, RegExp][]
  ) {
    assert.throws(() => find(entries), (error: Error) => {
      assert.equal(error.name, "RepositoryError");
      assert.match(error.message, message);
      assert.ok(!error.message.includes(SECRET));
      return true;
    });
  }
  const env = environment({ LSST_DB_AUTH_CREDENTIALS: `[{"password": "${SECRET}"` });
  assert.throws(
    () => findCredentials(CONNECTION, env),
    (error: Error) => /not a list/.test(error.message) && !error.message.includes(SECRET),
  );
});

Deno.test("findCredentials() reads db-auth.yaml only when nobody else can", async () => {
  await using home = await temporaryDirectory();
  const env = environment({ HOME: home.path });
  assert.equal(findCredentials(CONNECTION, env), null);
  Deno.mkdirSync(home.join(".lsst"));
  const text = `- url: postgresql://*/butler\n  username: me\n  password: ${SECRET}\n`;
  writePrivate(home.join(".lsst/db-auth.yaml"), text, 0o640);
  assert.throws(() => findCredentials(CONNECTION, env), {
    name: "RepositoryError",
    message: /others may read it, its mode is 640/,
    hint: /chmod 600/,
  });
  Deno.chmodSync(home.join(".lsst/db-auth.yaml"), 0o600);
  assert.deepEqual(findCredentials(CONNECTION, env), { user: "me", password: SECRET });
  // Another file, which takes the first one's place.
  writePrivate(home.join("other.yaml"), "- {url: 'postgresql://*', password: 12}\n", 0o400);
  const other = environment({ HOME: home.path, LSST_DB_AUTH: "~/other.yaml" });
  assert.deepEqual(findCredentials(CONNECTION, other), { user: "me", password: "12" });
  const missing = environment({ HOME: home.path, LSST_DB_AUTH: home.join("none.yaml") });
  assert.equal(findCredentials(CONNECTION, missing), null);
  writePrivate(home.join("other.yaml"), `{password: ${SECRET}`, 0o600);
  assert.throws(
    () => findCredentials(CONNECTION, other),
    (error: Error) => error.name === "RepositoryError" && !error.message.includes(SECRET),
  );
});

Deno.test("globMatches() is quick with many stars", () => {
  const start = performance.now();
  assert.equal(globMatches("*".repeat(50) + "b", "a".repeat(5000)), false);
  assert.ok(performance.now() - start < 500);
  assert.equal(globMatches("a.b+(c)", "a.b+(c)"), true);
  assert.equal(globMatches("[]x]", "]"), true);
  assert.equal(globMatches("[a", "[a"), true);
  assert.equal(globMatches("[z-a]", "m"), false);
});

Deno.test("postgresSettings() takes URLs apart and never names a password", async () => {
  await using home = await temporaryDirectory();
  const found = settings(
    "postgresql+psycopg://m%40e:p%3Aw@db.example.org:5433/butler?sslmode=require&connect_timeout=7",
    home,
  );
  assert.deepEqual(found.hosts, [{ host: "db.example.org", port: 5433 }]);
  assert.equal(found.user, "m@e");
  assert.equal(found.password, "p:w");
  assert.equal(found.database, "butler");
  assert.equal(found.sslMode, "require");
  assert.equal(found.connectTimeoutMs, 7000);
  assert.equal(found.applicationName, "provgraph");
  assert.equal(found.name, "postgresql://m%40e@db.example.org:5433/butler");
  const socket = settings("postgresql://me@/butler?host=/run/pg&port=5555", home);
  assert.deepEqual(socket.hosts, [{ host: "/run/pg", port: 5555 }]);
  assert.equal(socket.name, "postgresql://me@/butler?host=/run/pg&port=5555");
  const several = settings("postgresql://me@/butler?host=a:1,b&host=[::1]&port=2", home);
  assert.deepEqual(several.hosts.slice(0, 2), [{ host: "a", port: 1 }, { host: "b", port: 2 }]);
  const address = settings("postgresql://me@[::1]:6000/butler", home);
  assert.deepEqual(address.hosts, [{ host: "::1", port: 6000 }]);
  assert.equal(address.name, "postgresql://me@[::1]:6000/butler");
});

Deno.test("postgresSettings() falls back to the variables of libpq", async () => {
  await using home = await temporaryDirectory();
  const variables = {
    PGHOST: "/run/pg",
    PGPORT: "5555",
    PGUSER: "me",
    PGPASSWORD: SECRET,
    PGDATABASE: "butler",
    PGSSLMODE: "disable",
    PGAPPNAME: "mine",
    PGOPTIONS: "-c work_mem=8MB",
  };
  const found = settings("postgresql://", home, variables);
  assert.deepEqual(found.hosts, [{ host: "/run/pg", port: 5555 }]);
  assert.deepEqual(
    [found.user, found.password, found.database, found.sslMode, found.applicationName],
    ["me", SECRET, "butler", "disable", "mine"],
  );
  assert.equal(found.options, "-c work_mem=8MB");
  // The URL comes first.
  const given = settings("postgresql://you:other@host:1/db?sslmode=allow", home, variables);
  assert.deepEqual(
    [given.hosts, given.user, given.password, given.database, given.sslMode],
    [[{ host: "host", port: 1 }], "you", "other", "db", "allow"],
  );
  // The name of the database is that of the user.
  assert.equal(settings("postgresql://me@h", home).database, "me");
});

Deno.test("postgresSettings() takes a password from db-auth before that of the URL", async () => {
  await using home = await temporaryDirectory();
  const env = {
    LSST_DB_AUTH_CREDENTIALS: JSON.stringify([{
      url: "postgresql://host/butler",
      username: "them",
      password: SECRET,
    }]),
    PGPASSWORD: "other",
  };
  assert.equal(settings("postgresql://me:x@host/butler", home, env).password, SECRET);
  const anonymous = settings("postgresql://host/butler", home, env);
  assert.deepEqual([anonymous.user, anonymous.password], ["them", SECRET]);
  // Without host or database there is nothing to match by.
  assert.equal(settings("postgresql://me@host", home, env).password, "other");
});

Deno.test("postgresSettings() reads password files as libpq does", async () => {
  await using home = await temporaryDirectory();
  const path = home.join(".pgpass");
  writePrivate(
    path,
    [
      "# db.example.org:*:*:*:comment",
      "db.example.org:5433:*:me:wrong port",
      "db.example.org:*:but\\:ler:me:colon",
      "localhost:*:*:me:socket",
      "*:*:butler:me:with:colons\\\\",
    ].join("\n"),
  );
  const password = (url: string, env = {}) => settings(url, home, env).password;
  assert.equal(password("postgresql://me@db.example.org/butler"), "with:colons\\");
  assert.equal(password("postgresql://me@db.example.org:5433/butler"), "wrong port");
  assert.equal(password("postgresql://me@db.example.org/but:ler"), "colon");
  assert.equal(password("postgresql://me@/x?host=/run/pg"), "socket");
  assert.equal(password("postgresql://you@db.example.org/butler"), null);
  const other = home.join("other");
  writePrivate(other, `*:*:*:*:${SECRET}\n`);
  assert.equal(password("postgresql://me@h/butler", { PGPASSFILE: other }), SECRET);
  assert.equal(password(`postgresql://me@h/butler?passfile=${other}`), SECRET);
  Deno.chmodSync(path, 0o644);
  const ignored = settings("postgresql://me@db.example.org/butler", home);
  assert.equal(ignored.password, null);
  assert.match(ignored.notes.join(), /\.pgpass" was passed over because others may read it/);
});

Deno.test("postgresSettings() reads services", async () => {
  await using home = await temporaryDirectory();
  Deno.writeTextFileSync(
    home.join(".pg_service.conf"),
    "[other]\nhost=no\n\n# mine\n[mine]\nhost = db.example.org\nport=5433\ndbname=butler\nuser=svc\n",
  );
  for (
    const [url, env] of [["postgresql://", { PGSERVICE: "mine" }], [
      "postgresql:///?service=mine",
      {},
    ]]
  ) {
    const found = settings(url as string, home, env as Record<string, string>);
    assert.equal(found.name, "postgresql://svc@db.example.org:5433/butler");
  }
  assert.throws(() => settings("postgresql://", home, { PGSERVICE: "none" }), {
    name: "RepositoryError",
    message: /service "none"/,
  });
});

Deno.test("postgresSettings() refuses what it can't do", async () => {
  await using home = await temporaryDirectory();
  for (
    const [query, message] of [
      ["sslmode=maybe", /sslmode is "maybe"/],
      ["gssencmode=require", /gssencmode/],
      ["channel_binding=require", /channel_binding/],
      ["target_session_attrs=read-write", /target_session_attrs/],
      ["port=many", /port is "many"/],
      ["port=70000", /port is "70000"/],
      ["connect_timeout=soon", /connect_timeout/],
      ["colour=blue", /option number 1 of its database URL is unknown/],
      ["sslmode=disable&sslcrl=x.pem", /option "sslcrl"/],
    ] as [string, RegExp][]
  ) {
    assert.throws(
      () => settings(`postgresql://me:${SECRET}@h/db?${query}`, home),
      (error: Error) => {
        assert.equal(error.name, "RepositoryError");
        assert.match(error.message, message);
        assert.ok(!error.message.includes(SECRET));
        return true;
      },
    );
  }
  const inert = "keepalives=1&gssencmode=prefer&channel_binding=disable&target_session_attrs=any";
  assert.equal(settings(`postgresql://me@h/db?${inert}`, home).user, "me");
});
