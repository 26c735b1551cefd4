/**
 * A new butler repository with an SQLite registry: configuration, static tables, attributes and
 * dimension records.
 *
 * Source: `schema/butler-repository.md`, sections 1.3, 2.2 and 2.3.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { join } from "../base/paths.ts";
import { OVERLAP_LEVEL, overlappingPixels } from "./sky.ts";
import {
  dimensionRows,
  Hash,
  INSTRUMENT,
  type RecordValue,
  Region,
  SKYMAP,
  type Survey,
  Timespan,
} from "./survey.ts";

/** Managers of a new repository: kind, class as configured, class as stored, version. */
const MANAGERS: readonly (readonly [string, string, string, string])[] = [
  ["attributes", "attributes.DefaultButlerAttributeManager", "", "1.0.1"],
  ["collections", "collections.synthIntKey.SynthIntKeyCollectionManager", "", "2.0.0"],
  [
    "datasets",
    "datasets.byDimensions.ByDimensionsDatasetRecordStorageManagerUUID",
    // The stored name is that of the defining module.
    "datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID",
    "2.0.0",
  ],
  ["datastores", "bridge.monolithic.MonolithicDatastoreRegistryBridgeManager", "", "0.2.1"],
  ["dimensions", "dimensions.static.StaticDimensionRecordStorageManager", "", "6.0.2"],
  ["opaque", "opaque.ByNameOpaqueTableStorageManager", "", "0.2.0"],
];
const MANAGER_PREFIX = "lsst.daf.butler.registry.";

/** File of the registry, in the root. */
const DATABASE = "gen3.sqlite3";

const CONFIGURATION = `datastore:
  cls: lsst.daf.butler.datastores.fileDatastore.FileDatastore
  records:
    table: file_datastore_records
  root: <butlerRoot>
registry:
  db: sqlite:///<butlerRoot>/${DATABASE}
  managers:
${MANAGERS.map(([kind, name]) => `    ${kind}: ${MANAGER_PREFIX}${name}\n`).join("")}`;

/** A file of `schema/`, which compiled binaries have in them. */
function schemaFile(name: "registry_sqlite.sql" | "universe_v8.json"): string {
  const urls = {
    "registry_sqlite.sql": new URL("../../schema/registry_sqlite.sql", import.meta.url),
    "universe_v8.json": new URL("../../schema/universe_v8.json", import.meta.url),
  };
  return Deno.readTextFileSync(urls[name]);
}

/** JSON text of the dimension universe that simulated repositories have, compact. */
export function universeText(): string {
  return JSON.stringify(JSON.parse(schemaFile("universe_v8.json")));
}

/**
 * Makes a repository without datasets. Dataset types and collections are registered through the
 * registry afterwards.
 *
 * @param root absolute path of a directory that doesn't exist.
 * @throws {Error} raw errors of the system and of SQLite; what was made so far stays.
 */
export function makeRepository(root: string, survey: Survey): void {
  Deno.mkdirSync(root, { recursive: true });
  // Nobody else knows this file yet; rows come in an order that needs no check of foreign keys.
  using database = new DatabaseSync(join(root, DATABASE), { enableForeignKeyConstraints: false });
  database.exec("PRAGMA synchronous=OFF");
  database.exec("BEGIN");
  database.exec(schemaFile("registry_sqlite.sql"));
  const attribute = database.prepare("INSERT INTO butler_attributes (name, value) VALUES (?, ?)");
  for (const [kind, configured, stored, version] of MANAGERS) {
    const name = MANAGER_PREFIX + (stored === "" ? configured : stored);
    attribute.run(`config:registry.managers.${kind}`, name);
    attribute.run(`version:${name}`, version);
  }
  attribute.run("config:dimensions.json", universeText());
  insertDimensionRecords(database, survey);
  database.exec("COMMIT");
  // Last, because it is what makes the directory a repository.
  Deno.writeTextFileSync(join(root, "butler.yaml"), CONFIGURATION);
}

/** Elements whose regions have overlap tables, with the governor of their summaries. */
const SPATIAL: Readonly<Record<string, string>> = {
  visit: INSTRUMENT,
  visit_detector_region: INSTRUMENT,
  tract: SKYMAP,
  patch: SKYMAP,
};

function insertDimensionRecords(database: DatabaseSync, survey: Survey): void {
  for (const [element, rows] of dimensionRows(survey)) {
    // A view of physical_filter.
    if (element === "band") continue;
    const governor = SPATIAL[element];
    if (governor !== undefined) {
      database.prepare(`INSERT INTO ${element}_skypix_overlap_summary VALUES ('htm', ?, ?)`)
        .run(OVERLAP_LEVEL, governor);
    }
    let insert: { run(...values: SqlValue[]): unknown } | null = null;
    let overlap: { run(...values: SqlValue[]): unknown } | null = null;
    for (const row of rows) {
      const values = row.flatMap(sqlValues);
      insert ??= database.prepare(
        `INSERT INTO "${element}" VALUES (${values.map(() => "?").join(", ")})`,
      );
      insert.run(...values);
      if (governor === undefined) continue;
      const region = row.find((value) => value instanceof Region)!;
      const key = values.slice(0, N_KEYS[element]);
      overlap ??= database.prepare(
        `INSERT INTO ${element}_skypix_overlap VALUES ('htm', ${OVERLAP_LEVEL}, ${
          key.map(() => "?").join(", ")
        }, ?)`,
      );
      for (const pixel of overlappingPixels(region.corners)) overlap.run(...key, pixel);
    }
  }
}

/** Number of required dimensions of the elements with regions. */
const N_KEYS: Readonly<Record<string, number>> = {
  visit: 2,
  visit_detector_region: 3,
  tract: 2,
  patch: 3,
};

type SqlValue = string | number | bigint | null;

/** Columns of a value of a record. */
function sqlValues(value: RecordValue): SqlValue[] {
  if (value instanceof Region) return [value.bytes().toBase64()];
  if (value instanceof Hash) return [value.bytes.toBase64()];
  if (value instanceof Timespan) return [value.begin, value.end];
  if (typeof value === "boolean") return [value ? 1 : 0];
  return [value as SqlValue];
}
