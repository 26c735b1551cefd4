/** What goes wrong between client and server: one clear error or another try, then the right state. */

import assert from "node:assert/strict";
import { UUID_SIZE } from "../../lib/base/uuid.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import type { OpenRegistryOptions, Registry } from "../../lib/butler/registry/registry.ts";
import { batchOf, pixels, readRun } from "../butler/registry/shared.ts";
import { expectedJson, expectProvgraph, PROJECT } from "../support/fixtures.ts";
import { pixelBatch } from "../support/pixels.ts";
import { writeConfig } from "../support/postgres_fixtures.ts";
import { CuttingProxy, PASSWORD_ROLE, type PostgresServer } from "../support/postgres_server.ts";
import { PostgresWork, startServer } from "./lab.ts";
import type { RepositoryConfig } from "../../lib/butler/config/repository_config.ts";

const RUN = "u/test/run";
const KEYS = Deno.makeTempDirSync();
const server: PostgresServer = await startServer([
  "deadlock_timeout = 150ms",
  "ssl = on",
  `ssl_cert_file = '${copyForServer("server.crt")}'`,
  `ssl_key_file = '${copyForServer("server.key")}'`,
]);
await server.sql("CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; CREATE ROLE slow LOGIN");
await server.sql("ALTER ROLE slow SUPERUSER; ALTER ROLE slow SET statement_timeout = '100ms'");
await server.sql("CREATE ROLE single LOGIN SUPERUSER");
await server.sql(
  `CREATE ROLE ${PASSWORD_ROLE.user} LOGIN SUPERUSER PASSWORD ` +
    `'${PASSWORD_ROLE.password.replaceAll("'", "''")}'`,
);
Deno.test.afterAll(async () => {
  await server.stop();
  Deno.removeSync(KEYS, { recursive: true });
});

/** The server's user must own its key. */
function copyForServer(name: string): string {
  const path = `${KEYS}/${name}`;
  Deno.copyFileSync(`${PROJECT}/testdata/postgres/${name}`, path);
  Deno.chmodSync(path, 0o600);
  if (Deno.uid() === 0) {
    Deno.chmodSync(KEYS, 0o755);
    Deno.chownSync(path, 65534, 65534);
  }
  return path;
}

/** Configuration of a repository with its database's URL replaced. */
function configWith(lab: PostgresWork, url: string): RepositoryConfig {
  writeConfig(lab.work.repo, url);
  return loadRepositoryConfig(lab.work.repo, { get: () => undefined });
}

function open(
  lab: PostgresWork,
  url: string,
  options: Partial<OpenRegistryOptions> = {},
): Promise<Registry> {
  return openRegistry(configWith(lab, url), {
    writeable: true,
    busyTimeoutMs: 5000,
    retryMs: 5000,
    env: { get: () => undefined },
    ...options,
  });
}

async function countDatasets(lab: PostgresWork): Promise<number> {
  const [{ n }] = await server.sql(
    "SELECT count(*)::int AS n FROM mixed.dataset d JOIN mixed.collection c ON " +
      `c.collection_id = d.run_id WHERE c.name = '${RUN}'`,
    lab.database,
  );
  return n as number;
}

/** Waits until something is so; the server tells nobody. */
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("it never became so");
}

function isWaiting(lab: PostgresWork): Promise<boolean> {
  return server.sql(
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND " +
      `datname = '${lab.database}'`,
  ).then((rows) => rows.length > 0);
}

const TEXT = new TextDecoder("latin1");
const contains = (data: Uint8Array, text: string) => TEXT.decode(data).includes(text);

for (
  const [what, onRequest, onAnswer] of [
    ["within a transaction", "dataset_location", null],
    ["before the commit gets there", "COMMIT\0", null],
    ["before the answer to the commit gets here", null, "COMMIT\0"],
  ] as [string, string | null, string | null][]
) {
  Deno.test(`importDatasets() writes once when the connection is cut ${what}`, async () => {
    await using lab = await PostgresWork.unpack(server, "before");
    await using proxy = await CuttingProxy.start(server.port);
    await using registry = await open(
      lab,
      server.tcpUrl(lab.database, undefined, proxy.port) + "?sslmode=disable",
    );
    const batch = await pixels(registry, 100);
    let nCuts = 0;
    const cutOnce = (text: string | null) => (data: Uint8Array) =>
      text !== null && contains(data, text) && nCuts++ === 0;
    proxy.onRequest = cutOnce(onRequest);
    proxy.onAnswer = cutOnce(onAnswer);
    await registry.importDatasets(batch);
    assert.equal(proxy.nConnections, 2);
    assert.equal(await countDatasets(lab), 100);
    const { datasets } = await readRun(registry, RUN);
    assert.equal(datasets.length, 100);
  });
}

Deno.test("importDatasets() gives up when the server can't be reached again", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using proxy = await CuttingProxy.start(server.port);
  await using registry = await open(
    lab,
    server.tcpUrl(lab.database, undefined, proxy.port) + "?sslmode=disable",
    { retryMs: 200 },
  );
  const batch = await pixels(registry, 10);
  proxy.onRequest = (data) => {
    if (!contains(data, "dataset_location")) return false;
    proxy.isOpen = false;
    return true;
  };
  await assert.rejects(registry.importDatasets(batch), {
    name: "EnvironmentError",
    message: /Cannot import datasets into registry "postgresql:.*can't be reached/,
    hint: /server runs/,
  });
  assert.equal(await countDatasets(lab), 0);
  proxy.isOpen = true;
  proxy.onRequest = () => false;
  await registry.importDatasets(batch);
  assert.equal(await countDatasets(lab), 10);
});

Deno.test("importDatasets() says that it can't tell when a lost commit can't be asked for", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using proxy = await CuttingProxy.start(server.port);
  await using registry = await open(
    lab,
    server.tcpUrl(lab.database, undefined, proxy.port) + "?sslmode=disable",
    { retryMs: 200 },
  );
  const batch = await pixels(registry, 10);
  proxy.onRequest = (data) => {
    if (!contains(data, "COMMIT\0")) return false;
    proxy.isOpen = false;
    return true;
  };
  await assert.rejects(registry.importDatasets(batch), {
    name: "EnvironmentError",
    message: /broke at the commit/,
    hint: /same command again/,
  });
});

Deno.test("importDatasets() goes on when the server crashes within a batch and comes back", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using registry = await open(lab, server.url(lab.database), { retryMs: 30_000 });
  const batch = await pixels(registry, 1000);
  const other = server.client(lab.database);
  await other.unsafe("BEGIN; LOCK TABLE mixed.dataset_location IN SHARE MODE");
  const imported = registry.importDatasets(batch);
  await until(() => isWaiting(lab));
  await server.halt();
  await other.end({ timeout: 1 });
  await server.resume();
  await imported;
  assert.equal(await countDatasets(lab), 1000);
  assert.equal((await registry.datasetIds(RUN)).length, 1000 * UUID_SIZE);
});

Deno.test("aggregate-graph goes on when the server crashes within a batch and comes back", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  const other = server.client(lab.database);
  await other.unsafe("BEGIN; LOCK TABLE mixed.dataset_location IN SHARE MODE");
  const run = expectProvgraph(["aggregate-graph", "predicted.qg", "repo", "-j", "1"], {
    cwd: lab.work.path,
  });
  await until(() => isWaiting(lab));
  await server.halt();
  await other.end({ timeout: 1 });
  await server.resume();
  await run;
  await lab.assertState(expectedJson("small-mixed", "aggregated.state"), "after a crash");
});

Deno.test("importDatasets() names the lock that it waited for in vain", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using registry = await open(lab, server.url(lab.database), { busyTimeoutMs: 100 });
  const batch = await pixels(registry, 10);
  const other = server.client(lab.database);
  await other.unsafe("BEGIN; LOCK TABLE mixed.dataset IN SHARE MODE");
  await assert.rejects(registry.importDatasets(batch), {
    name: "EnvironmentError",
    message: /another client holds a lock/,
    hint: /Try again/,
  });
  await other.end({ timeout: 1 });
  await registry.importDatasets(batch);
  assert.equal(await countDatasets(lab), 10);
});

Deno.test("a registry that is read waits for a lock, says so, and gives up", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  const other = server.client(lab.database);
  await other.unsafe("BEGIN; LOCK TABLE mixed.butler_attributes, mixed.dataset");
  const opening = (options: Partial<OpenRegistryOptions>) =>
    open(lab, server.url(lab.database), { writeable: false, ...options });
  await assert.rejects(opening({ busyTimeoutMs: 100 }), {
    name: "EnvironmentError",
    message: /Cannot read registry ".*": another client holds a lock on it, for \d+ s/,
    hint: /--busy-timeout says how long to wait/,
  });
  const stopping = new AbortController();
  stopping.abort({ signal: "SIGINT", number: 2 });
  await assert.rejects(opening({ busyTimeoutMs: 100, signal: stopping.signal }), {
    name: "InterruptedError",
  });
  const told: string[] = [];
  const log = {
    log: (level: string, text: string) => {
      told.push(`${level} ${text}`);
      // The driver sends nothing before somebody asks for the result.
      void other.unsafe("ROLLBACK").then(() => {});
    },
  };
  await using registry = await opening({ log, busyTimeoutMs: 60_000 });
  assert.equal(told.length, 1);
  assert.match(told[0], /^WARNING Waiting since .*Z for registry "postgresql:.*holds a lock/);
  assert.equal((await registry.runsWithDatasetType("packages")).length, 1);
  await other.end({ timeout: 1 });
});

Deno.test("importDatasets() names the server's statement timeout", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using registry = await open(lab, server.url(lab.database, "slow"));
  const batch = await pixels(registry, 10);
  const other = server.client(lab.database);
  await other.unsafe("BEGIN; LOCK TABLE mixed.dataset_location IN SHARE MODE");
  await assert.rejects(registry.importDatasets(batch), {
    name: "EnvironmentError",
    message: /took too long .*statement timeout/,
    hint: /statement_timeout/,
  });
  await other.end({ timeout: 1 });
  assert.equal(await countDatasets(lab), 0);
  await registry.importDatasets(batch);
});

Deno.test("forgetDatasets() is tried again when it is the victim of a deadlock", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using registry = await open(lab, server.url(lab.database));
  const batch = await pixels(registry, 3);
  await registry.importDatasets(batch);
  const other = server.client(lab.database);
  await other.unsafe("SET deadlock_timeout = '10s'");
  await other.unsafe("BEGIN; SELECT 1 FROM mixed.dataset ORDER BY id LIMIT 1 FOR UPDATE");
  const forgotten = registry.forgetDatasets(batch.ids, RUN);
  await until(() => isWaiting(lab));
  // Now each waits for the other: our transaction has locked the RUN.
  await other.unsafe("SELECT 1 FROM mixed.run FOR UPDATE");
  await other.unsafe("ROLLBACK");
  await other.end({ timeout: 1 });
  assert.equal(await forgotten, 3);
  assert.equal(await countDatasets(lab), 0);
});

Deno.test("importDatasets() is tried again after serialization failures, but not for ever", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await using registry = await open(lab, server.url(lab.database));
  const batch = await pixels(registry, 10);
  await server.sql(
    "CREATE SEQUENCE mixed.passes; CREATE FUNCTION mixed.fail() RETURNS trigger LANGUAGE plpgsql " +
      "AS $$ BEGIN IF nextval('mixed.passes') < 3 THEN RAISE EXCEPTION 'could not serialize' " +
      "USING ERRCODE = '40001'; END IF; RETURN NEW; END $$; CREATE TRIGGER fail BEFORE INSERT ON " +
      "mixed.dataset_location FOR EACH STATEMENT EXECUTE FUNCTION mixed.fail()",
    lab.database,
  );
  await registry.importDatasets(batch);
  assert.equal(await countDatasets(lab), 10);
  await server.sql("ALTER SEQUENCE mixed.passes MINVALUE -1000 RESTART WITH -1000", lab.database);
  await assert.rejects(registry.importDatasets(pixelBatch(RUN, batch.types[0], 5, 100)), {
    name: "EnvironmentError",
    message: /each time it was tried/,
  });
  assert.equal(await countDatasets(lab), 10);
});

Deno.test("openRegistry() names the privilege that a role lacks before anything is written", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  await server.sql(
    "GRANT USAGE ON SCHEMA mixed TO reader, writer; " +
      "GRANT SELECT ON ALL TABLES IN SCHEMA mixed TO reader, writer",
    lab.database,
  );
  await using reading = await open(lab, server.url(lab.database, "reader"), { writeable: false });
  assert.notEqual(await reading.findCollection("u/oracle/out"), null);
  await assert.rejects(open(lab, server.url(lab.database, "reader")), {
    name: "EnvironmentError",
    message: /user "reader" has no permission to \w+ rows of table "\w+"/,
    hint: /privileges/,
  });
  const before = await lab.state();
  const { stderr } = await expectProvgraph(["ingest-graph", "repo", "provenance.qg"], {
    cwd: lab.work.path,
    code: 1,
  });
  assert.match(stderr, /user "reader" has no permission/);
  assert.deepEqual(await lab.state(), before);
  // A table that was forgotten is found at the first write.
  await server.sql(
    "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mixed TO writer; " +
      "REVOKE INSERT ON mixed.dataset_tags_00000000 FROM writer",
    lab.database,
  );
  await using registry = await open(lab, server.url(lab.database, "writer"));
  const { datasets, records } = await readRun(registry, "u/oracle/out/20260701T000000Z");
  const config = datasets.find(({ type }) => type.name === "warp_config")!;
  await registry.forgetDatasets(config.id);
  await assert.rejects(
    registry.importDatasets(batchOf("u/oracle/out/20260701T000000Z", [config], records)),
    { name: "EnvironmentError", message: /user "writer" has no permission .*dataset_tags/ },
  );
  assert.equal(await registry.datasetInfo(config.id), null);
});

Deno.test("openRegistry() refuses to write where the server takes no writes", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await server.sql(`ALTER DATABASE ${lab.database} SET default_transaction_read_only = on`);
  await assert.rejects(open(lab, server.url(lab.database)), {
    name: "EnvironmentError",
    message: /the server takes no writes/,
    hint: /standby/,
  });
  await using registry = await open(lab, server.url(lab.database), { writeable: false });
  assert.notEqual(await registry.findCollection("inputs"), null);
});

Deno.test("openRegistry() waits a moment for a connection, then says that there is none", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await server.sql("ALTER ROLE single NOSUPERUSER CONNECTION LIMIT 1");
  await server.sql("GRANT USAGE ON SCHEMA mixed TO single", lab.database);
  await server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA mixed TO single", lab.database);
  const url = server.url(lab.database, "single");
  const first = await open(lab, url, { writeable: false });
  await assert.rejects(open(lab, url, { writeable: false, retryMs: 100 }), {
    name: "EnvironmentError",
    message: /the server has no connection left \(.*single/,
  });
  const second = open(lab, url, { writeable: false });
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
});

Deno.test("openRegistry() takes passwords from where users have them, and never tells them", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  const { user, password } = PASSWORD_ROLE;
  const url = server.tcpUrl(lab.database, user);
  const env = (variables: Record<string, string>) => ({
    env: { get: (name: string) => ({ HOME: lab.work.path, ...variables })[name] },
    writeable: false,
  });
  const quoted = encodeURIComponent(password).replaceAll("'", "%27");
  Deno.writeTextFileSync(
    lab.work.join(".pgpass"),
    `127.0.0.1:*:*:${user}:${password.replace(/[:\\]/g, "\\$&")}\n`,
    { mode: 0o600 },
  );
  const entries = [{ url: "postgresql://127.0.0.1/*", username: user, password }];
  for (
    const [place, options] of [
      [url, env({ PGPASSWORD: password })],
      [url.replace("@", `:${quoted}@`), env({})],
      [url, env({ LSST_DB_AUTH_CREDENTIALS: JSON.stringify(entries) })],
      [url.replace(`${user}@`, ""), env({ LSST_DB_AUTH_CREDENTIALS: JSON.stringify(entries) })],
      [url, env({})],
    ] as const
  ) {
    await using registry = await open(lab, place, options);
    assert.notEqual(await registry.findCollection("inputs"), null);
  }
  // A slip in the configuration must not bring its URL to light.
  Deno.writeTextFileSync(`${lab.work.repo}/butler.yaml`, `registry: {db: '${password}'x}\n`);
  assert.throws(
    () => loadRepositoryConfig(lab.work.repo, { get: () => undefined }),
    (error: Error) => !Deno.inspect(error, { depth: 9 }).includes("p@ss"),
  );
  Deno.chmodSync(lab.work.join(".pgpass"), 0o644);
  const wrong = `${password}!`;
  for (
    const [place, options, hint] of [
      [url, env({ PGPASSWORD: wrong }), /db-auth\.yaml/],
      [url.replace("@", `:${encodeURIComponent(wrong)}@`), env({}), /PGPASSWORD/],
      [url, env({}), /\.pgpass" was passed over/],
    ] as const
  ) {
    await assert.rejects(open(lab, place, options), (error: Error & { hint?: string }) => {
      assert.equal(error.name, "RepositoryError");
      assert.match(error.message, /does not let user "locked" in/);
      assert.match(error.hint!, hint);
      const told = [error.message, error.hint, error.stack, Deno.inspect(error, { depth: 9 })];
      for (const secret of [password, wrong, quoted]) assert.ok(!told.join().includes(secret));
      return true;
    });
  }
});

Deno.test("both tools work with a password that nobody sees", async () => {
  const { user, password } = PASSWORD_ROLE;
  await using lab = await PostgresWork.unpack(server, "before", (name) => server.url(name, user));
  const args = ["aggregate-graph", "predicted.qg", "repo", "-j", "1", "-o", "out.qg"];
  const run = (secret: string, code: number) =>
    expectProvgraph([...args, "--log-level", "TRACE"], {
      cwd: lab.work.path,
      code,
      env: { PGPASSWORD: secret },
    });
  const refused = await run(`${password}!`, 2);
  assert.match(refused.stderr, /does not let user "locked" in/);
  const done = await run(password, 0);
  for (const { stdout, stderr } of [refused, done]) {
    assert.ok(!(stdout + stderr).includes(password.slice(0, 8)));
  }
  await lab.assertState(expectedJson("small-mixed", "aggregated.state"), "with a password");
});

Deno.test("openRegistry() does with TLS what sslmode says", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  const root = `${PROJECT}/testdata/postgres/ca.crt`;
  const [address, name] = ["127.0.0.1", "localhost"].map((host) =>
    server.tcpUrl(lab.database).replace("127.0.0.1", host)
  );
  const isEncrypted = async (url: string): Promise<unknown> => {
    await using _registry = await open(lab, url, { writeable: false });
    const [row] = await server.sql(
      "SELECT ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) " +
        `WHERE datname = '${lab.database}'`,
    );
    return row.ssl;
  };
  assert.equal(await isEncrypted(`${address}?sslmode=disable`), false);
  assert.equal(await isEncrypted(address), true);
  assert.equal(await isEncrypted(`${address}?sslmode=require`), true);
  assert.equal(await isEncrypted(`${address}?sslmode=verify-ca&sslrootcert=${root}`), true);
  assert.equal(await isEncrypted(`${name}?sslmode=verify-full&sslrootcert=${root}`), true);
  assert.equal(await isEncrypted(server.url(lab.database) + "&sslmode=require"), false);
  for (
    const url of [
      `${address}?sslmode=verify-full&sslrootcert=${root}`,
      `${address}?sslmode=verify-ca&sslrootcert=system`,
      `${name}?sslmode=verify-full`,
    ]
  ) {
    await assert.rejects(open(lab, url), {
      name: "EnvironmentError",
      message: /TLS failed with sslmode "verify-/,
    }, url);
  }
  await assert.rejects(open(lab, `${address}?sslmode=verify-ca&sslrootcert=/no/such.crt`), {
    name: "RepositoryError",
    message: /certificate file "\/no\/such\.crt"/,
  });
});

Deno.test("openRegistry() says what is missing", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await assert.rejects(open(lab, server.url("nowhere")), {
    name: "NotFoundError",
    message: /database "nowhere" does not exist/,
  });
  await assert.rejects(open(lab, server.url("postgres")), {
    name: "RepositoryError",
    message: /schema "mixed" has no table "butler_attributes"/,
  });
  await assert.rejects(open(lab, server.tcpUrl(lab.database, undefined, 1), { retryMs: 60_000 }), {
    name: "EnvironmentError",
    message: /127\.0\.0\.1:1.*can't be reached.*ECONNREFUSED/,
  });
  // Somebody who takes connections and hangs up.
  await using proxy = await CuttingProxy.start(server.port);
  proxy.isOpen = false;
  const url = server.tcpUrl(lab.database, undefined, proxy.port);
  await assert.rejects(open(lab, url), { name: "EnvironmentError", message: /can't be reached/ });
  await assert.rejects(open(lab, url + "?sslmode=disable"), { name: "EnvironmentError" });
});
