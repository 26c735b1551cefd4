import assert from "node:assert/strict";
import { INTEGER_KEYS } from "../../../lib/butler/registry/tables/collection_keys.ts";
import {
  planCalibsTable,
  planRecordsTable,
  planTagsTable,
  quoteIdentifier,
} from "../../../lib/butler/registry/tables/ddl.ts";
import { DimensionUniverse } from "../../../lib/butler/dimensions/dimensions.ts";
import { sqliteTableStatements } from "../../../lib/butler/registry/sqlite/ddl.ts";

const TESTDATA = new URL("../../../testdata/butler/", import.meta.url);

const universe = DimensionUniverse.parse(
  Deno.readTextFileSync(new URL("universe_v8.json", TESTDATA)),
);

/** Dimensions by group key, as in `registered_tables.ORIGIN.md`. */
const GROUPS = [
  [],
  ["exposure", "detector"],
  ["visit", "detector"],
  ["visit"],
  ["detector"],
  ["physical_filter", "detector"],
  ["patch", "band"],
  ["tract"],
  ["patch", "visit"],
  ["htm7"],
  ["instrument"],
  ["skymap"],
];
const CALIBRATION_KEYS = [4, 5, 10];

Deno.test("sqliteTableStatements() gives the reference's text for every kind of group", () => {
  const expected = Deno.readTextFileSync(new URL("registered_tables.sql", TESTDATA))
    .split(/;\n/).map((text) => text.trim()).filter((text) => text !== "");
  const plans = [
    planRecordsTable("file_datastore_records"),
    ...GROUPS.map((names, key) =>
      planTagsTable(universe, INTEGER_KEYS, universe.group(names), key)
    ),
    ...CALIBRATION_KEYS.map((key) =>
      planCalibsTable(universe, INTEGER_KEYS, universe.group(GROUPS[key]), key)
    ),
  ];
  assert.deepEqual(plans.flatMap(sqliteTableStatements).sort(), expected.sort());
});

Deno.test("sqliteTableStatements() quotes a dimension that is a keyword", () => {
  const [table, ...indexes] = sqliteTableStatements(
    planTagsTable(universe, INTEGER_KEYS, universe.group(["group", "detector"]), 12),
  );
  assert.match(table, /\n\t"group" TEXT NOT NULL, \n/);
  assert.match(
    table,
    /CONSTRAINT fkey_dataset_tags_00000012_group_instrument_name_instrument_group FOREIGN KEY\(instrument, "group"\) REFERENCES "group" \(instrument, name\)/,
  );
  assert.ok(
    indexes.includes(
      "CREATE INDEX dataset_tags_00000012_fkidx_instrument_group " +
        'ON dataset_tags_00000012 (instrument, "group")',
    ),
  );
});

Deno.test("quoteIdentifier() keeps any name from ending the identifier", () => {
  assert.equal(quoteIdentifier('a"; DROP TABLE dataset; --'), '"a""; DROP TABLE dataset; --"');
});
