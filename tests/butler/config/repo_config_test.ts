import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { NotFoundError, ProvgraphError, RepositoryError } from "../../../lib/base/errors.ts";
import { type ConfigMapping, mergeConfig } from "../../../lib/butler/config/config_value.ts";
import { loadRepositoryConfig } from "../../../lib/butler/config/repo_config.ts";
import { readGolden } from "../dimensions/golden.ts";
import type { RepositoryConfig } from "../../../lib/butler/config/repository_config.ts";

interface ConfigCase {
  name: string;
  files: { [path: string]: string };
  env: { [name: string]: string };
  argument: string;
  expected: {
    error?: string;
    configPath: string;
    url: string;
    databasePath: string | null;
    namespace: string | null;
    managers: { [kind: string]: string };
    datastoreName?: string;
    datastoreRoot?: string;
    checksum: boolean | null;
    create: boolean;
    templates: ConfigMapping;
    formatters: ConfigMapping;
    composites: ConfigMapping;
    constraints: ConfigMapping | null;
    recordsTable: string;
  };
}

const golden = readGolden("config.json") as {
  defaultFormatters: ConfigMapping;
  cases: ConfigCase[];
};

/** Writes a case's files below a fresh directory and loads its configuration. */
function load(
  files: { [path: string]: string },
  argument: string,
  env: { [name: string]: string } = {},
): { top: string; config: RepositoryConfig | ProvgraphError } {
  const top = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    const fill = (text: string) => text.replaceAll("TOPDIR", top);
    for (const [name, text] of Object.entries(files)) {
      const path = join(top, name);
      Deno.mkdirSync(dirname(path), { recursive: true });
      Deno.writeTextFileSync(path, fill(text));
    }
    const get = (name: string) => Object.hasOwn(env, name) ? fill(env[name]) : undefined;
    return { top, config: loadRepositoryConfig(fill(argument), { get }) };
  } catch (error) {
    if (error instanceof ProvgraphError) return { top, config: error };
    throw error;
  } finally {
    Deno.removeSync(top, { recursive: true });
  }
}

/** The configuration of a repository whose butler.yaml has this text; throws what loading throws. */
function loadText(text: string): RepositoryConfig {
  const { config } = load({ "repo/butler.yaml": text }, "TOPDIR/repo");
  if (config instanceof Error) throw config;
  return config;
}

for (const { name, files, env, argument, expected } of golden.cases) {
  Deno.test(`loadRepositoryConfig() agrees with the reference: ${name}`, () => {
    const { top, config } = load(files, argument, env);
    if (config instanceof Error) {
      assert.equal(config instanceof NotFoundError, expected.error === "FileNotFoundError");
      assert.notEqual(expected.error, undefined, config.message);
      return;
    }
    assert.equal(expected.error, undefined);
    const fill = (text: string) => text.replaceAll("TOPDIR", top);
    const { registry, datastore } = config;
    assert.equal(config.configPath, fill(expected.configPath));
    assert.equal(decodeURIComponent(registry.url), fill(expected.url).replace("+psycopg2", ""));
    assert.equal(
      registry.path,
      expected.databasePath === null ? null : fill(expected.databasePath),
    );
    assert.equal(registry.namespace, expected.namespace);
    assert.deepEqual(registry.managers, expected.managers);
    if (expected.datastoreName !== undefined) {
      assert.equal(datastore.name, fill(expected.datastoreName));
      assert.equal(datastore.root, fill(expected.datastoreRoot!));
    }
    assert.equal(datastore.checksum, expected.checksum ?? false);
    assert.equal(datastore.create, expected.create);
    assert.equal(datastore.recordsTable, expected.recordsTable);
    assert.deepEqual(datastore.templates, expected.templates);
    assert.deepEqual(
      datastore.formatters,
      { ...golden.defaultFormatters, ...expected.formatters },
    );
    assert.deepEqual(datastore.composites, expected.composites);
    assert.deepEqual(datastore.constraints, [expected.constraints ?? {}]);
    assert.deepEqual(structuredClone(config), config);
  });
}

Deno.test("loadRepositoryConfig() names known aliases, or why there are none", () => {
  const message = (env: { [name: string]: string }) => {
    const { config } = load({}, "TOPDIR/none", env);
    assert(config instanceof NotFoundError);
    return config.message;
  };
  assert.match(message({ DAF_BUTLER_REPOSITORIES: "{main: /x, dev: /y}" }), /main, dev/);
  assert.match(message({}), /neither DAF_BUTLER_REPOSITORIES nor/);
  assert.match(message({ DAF_BUTLER_REPOSITORY_INDEX: "/none/index.yaml" }), /index\.yaml/);
  const { config } = load({}, "main", { DAF_BUTLER_REPOSITORIES: "main: TOPDIR/gone" });
  assert(config instanceof NotFoundError);
  assert.match(config.message, /alias of ".*\/gone"/);
});

Deno.test("loadRepositoryConfig() refuses what this tool can't work with", () => {
  const cases: [text: string, message: RegExp][] = [
    ["cls: lsst.daf.butler.remote_butler.RemoteButler", /RemoteButler/],
    ["datastore: {cls: lsst.example.OtherDatastore}", /class is "lsst.example.OtherDatastore"/],
    ["datastore: {cls: lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore}", /InMem/],
    ["datastore: {root: 's3://bucket/x'}", /"s3:\/\/bucket\/x" is in a remote store/],
    ["root: s3://bucket/x", /SQLite database can't be in a remote store/],
    ["registry: {db: 'mysql://host/db'}", /"mysql"/],
    ["registry: {db: 'nonsense'}", /dialect/],
    ["registry: {db: 'sqlite://'}", /in memory/],
    ["registry: {db: 'sqlite:///:memory:'}", /in memory/],
    ["registry: {managers: {datasets: 1}}", /datasets/],
    ["registry: {namespace: 1}", /namespace/],
    ["datastore: {templates: [1]}", /templates/],
    ["datastore: {records: {table: ''}}", /records table/],
    ["- a", /not a mapping/],
    ["a: !unknown b", /Unresolved tag at line 1/],
    ["a: !include [[b]]", /include/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => loadText(text), (error) => {
      assert(error instanceof RepositoryError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  const remote = load({}, "https://example.org/repo").config;
  assert(remote instanceof RepositoryError);
  assert.match(remote.message, /server/);
});

Deno.test("loadRepositoryConfig() accepts the class of direct butlers", () => {
  loadText("cls: lsst.daf.butler.direct_butler.DirectButler");
});

Deno.test("loadRepositoryConfig() notices overrides of dataset types", () => {
  const withConfig = (config: string) =>
    loadText(`registry: {managers: {datasets: {cls: x.Y, config: ${config}}}}`).registry;
  assert.equal(withConfig("{}").hasDatasetTypeOverrides, false);
  assert.equal(withConfig("{overrides: {}}").hasDatasetTypeOverrides, false);
  assert.equal(withConfig("{overrides: {a: b}}").hasDatasetTypeOverrides, true);
  assert.equal(withConfig("{overrides: {a: b}}").managers.datasets, "x.Y");
});

Deno.test("loadRepositoryConfig() ends on files that include themselves", () => {
  assert.throws(() => loadText("a: !include butler.yaml"), /nested too deeply/);
  assert.throws(() => loadText("includeConfigs: butler.yaml"), /nested too deeply/);
});

Deno.test("loadRepositoryConfig() is not misled by names of object properties", () => {
  const { datastore } = loadText(
    "datastore: {__proto__: {checksum: true}, templates: {__proto__: {x: 1}, constructor: 'y'}}",
  );
  assert.equal(datastore.checksum, false);
  assert.equal(Object.getPrototypeOf(datastore.templates), Object.prototype);
  assert.equal(datastore.templates.constructor, "y");
});

Deno.test("loadRepositoryConfig() expands ~ in plain paths", () => {
  const { top, config } = load({ "user/repo/butler.yaml": "{}" }, "~/repo", {
    HOME: "TOPDIR/user",
  });
  assert(!(config instanceof Error));
  assert.equal(config.root, `${top}/user/repo`);
});

Deno.test("mergeConfig() merges mappings, replaces the rest, changes neither", () => {
  const base = { a: { b: 1, c: [1, 2] }, d: "x", e: { f: 1 } };
  const over = { a: { c: [3], g: null }, d: { h: 1 }, e: 2 };
  const copies = structuredClone([base, over]);
  assert.deepEqual(mergeConfig(base, over), {
    a: { b: 1, c: [3], g: null },
    d: { h: 1 },
    e: 2,
  });
  assert.deepEqual([base, over], copies);
});
