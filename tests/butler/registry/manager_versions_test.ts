import assert from "node:assert/strict";
import { RepositoryError } from "../../../lib/base/errors.ts";
import { checkManagers } from "../../../lib/butler/registry/tables/manager_versions.ts";
import {
  taiMinusUtcSeconds,
  taiNanoseconds,
  utcText,
} from "../../../lib/butler/registry/time_tai.ts";

const CLASSES: Record<string, string> = {
  attributes: "lsst.daf.butler.registry.attributes.DefaultButlerAttributeManager",
  dimensions: "lsst.daf.butler.registry.dimensions.static.StaticDimensionRecordStorageManager",
  collections: "lsst.daf.butler.registry.collections.synthIntKey.SynthIntKeyCollectionManager",
  datasets:
    "lsst.daf.butler.registry.datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID",
  opaque: "lsst.daf.butler.registry.opaque.ByNameOpaqueTableStorageManager",
  datastores: "lsst.daf.butler.registry.bridge.monolithic.MonolithicDatastoreRegistryBridgeManager",
};
const VERSIONS: Record<string, string> = {
  attributes: "1.0.1",
  dimensions: "6.0.2",
  collections: "2.0.0",
  datasets: "2.0.0",
  opaque: "0.2.0",
  datastores: "0.2.1",
};
const CONFIGURED = {
  ...CLASSES,
  datasets: CLASSES.datasets.replace("._manager", ""),
};

function attributes(changes: Record<string, string | null> = {}): Map<string, string> {
  const rows = new Map<string, string>([["config:dimensions.json", '{"version":8}']]);
  for (const [kind, name] of Object.entries(CLASSES)) {
    rows.set(`config:registry.managers.${kind}`, name);
    rows.set(`version:${name}`, VERSIONS[kind]);
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) rows.delete(name);
    else rows.set(name, value);
  }
  return rows;
}

function versionOf(kind: string): string {
  return `version:${CLASSES[kind]}`;
}

Deno.test("checkManagers() accepts both datasets managers and tells their dates apart", () => {
  const check = (rows: Map<string, string>) =>
    checkManagers("r", CONFIGURED, rows, true).ingestDate;
  assert.equal(check(attributes()), "tai-nanoseconds");
  assert.equal(check(attributes({ [versionOf("datasets")]: "1.0.0" })), "utc-text");
  assert.equal(check(attributes({ "schema_digest:x": "y" })), "tai-nanoseconds");
});

Deno.test("checkManagers() accepts managers without a version, but for the datasets manager", () => {
  checkManagers("r", CONFIGURED, attributes({ [versionOf("opaque")]: null }), true);
  assert.throws(
    () => checkManagers("r", CONFIGURED, attributes({ [versionOf("datasets")]: null }), true),
    { name: "RepositoryError", message: /version of manager "datasets" is not recorded/ },
  );
});

const REFUSED: [string, Record<string, string | null>, RegExp][] = [
  ["an older major version", { [versionOf("dimensions")]: "5.0.0" }, /"dimensions" is "5\.0\.0"/],
  ["a newer major version", { [versionOf("datasets")]: "3.0.0" }, /expected 1\.0\.x or 2\.0\.x/],
  ["a newer minor version", { [versionOf("collections")]: "2.1.0" }, /"collections" is "2\.1\.0"/],
  ["an older minor version", { [versionOf("opaque")]: "0.1.0" }, /"opaque" is "0\.1\.0"/],
  ["a version that is none", { [versionOf("opaque")]: "two" }, /"opaque" is "two"/],
  [
    "another class",
    {
      "config:registry.managers.collections":
        "lsst.daf.butler.registry.collections.other.OtherCollectionManager",
    },
    /manager "collections" is "lsst.daf.butler.*OtherCollectionManager"/,
  ],
  ["a missing class", { "config:registry.managers.opaque": null }, /"opaque" is not recorded/],
  ["an obscore table", { "config:obscore.json": "{}" }, /obscore/],
  ["an obscore manager", { "config:registry.managers.obscore": "x" }, /obscore/],
  ["a newer universe", { "config:dimensions.json": '{"version":9}' }, /universe is 9, expected/],
  ["a universe without version", { "config:dimensions.json": "{}" }, /universe is null/],
  ["no universe", { "config:dimensions.json": null }, /config:dimensions\.json/],
];
for (const [what, changes, message] of REFUSED) {
  Deno.test(`checkManagers() refuses ${what}`, () => {
    assert.throws(() => checkManagers("r", CONFIGURED, attributes(changes), true), (error) => {
      assert.ok(error instanceof RepositoryError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("checkManagers() refuses an empty table and unknown or other configured managers", () => {
  assert.throws(() => checkManagers("r", CONFIGURED, new Map(), true), /is empty/);
  assert.throws(
    () => checkManagers("r", { ...CONFIGURED, obscore: "x" }, attributes(), true),
    /manager "obscore"/,
  );
  assert.throws(
    () => checkManagers("r", { ...CONFIGURED, opaque: "my.Manager" }, attributes(), true),
    /configuration has class "my\.Manager" for manager "opaque"/,
  );
});

Deno.test("checkManagers() lets older minor versions be read only", () => {
  const older = attributes({ [versionOf("datastores")]: "0.1.0" });
  checkManagers("r", CONFIGURED, older, false);
  assert.throws(() => checkManagers("r", CONFIGURED, older, true), /"datastores" is "0\.1\.0"/);
});

Deno.test("taiNanoseconds() adds the leap seconds in force", () => {
  const at = (text: string) => Date.parse(text) * 1000;
  assert.equal(taiMinusUtcSeconds(at("2016-12-31T23:59:59Z")), 36);
  assert.equal(taiMinusUtcSeconds(at("2017-01-01T00:00:00Z")), 37);
  assert.equal(taiMinusUtcSeconds(at("1972-01-01T00:00:00Z")), 10);
  assert.equal(taiMinusUtcSeconds(at("1999-06-01T00:00:00Z")), 32);
  assert.equal(taiNanoseconds(1_782_900_000_123_456), 1_782_900_037_123_456_000n);
});

Deno.test("utcText() has microseconds", () => {
  assert.equal(
    utcText(Date.parse("2026-07-01T10:00:00.123Z") * 1000 + 45),
    "2026-07-01 10:00:00.123045",
  );
  assert.equal(utcText(0), "1970-01-01 00:00:00.000000");
});
