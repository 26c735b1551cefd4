import assert from "node:assert/strict";
import { RepositoryError } from "../../../lib/base/errors.ts";
import { commonGroup, DimensionUniverse } from "../../../lib/butler/dimensions/dimensions.ts";
import { readGolden, readUniverse } from "./golden.ts";

interface GoldenUniverse {
  version: number;
  order: string[];
  elements: {
    [name: string]: {
      required: string[];
      implied: string[];
      columns: string[];
      hasTable: boolean;
      primaryKey: string | null;
      isGovernor: boolean;
    };
  };
  groups: {
    given: string[];
    error?: true;
    names: string[];
    required: string[];
    implied: string[];
    governors: string[];
  }[];
}

for (const golden of readGolden("dimensions.json") as GoldenUniverse[]) {
  const universe = readUniverse(golden.version);

  Deno.test(`DimensionUniverse.parse() orders elements as the reference: version ${golden.version}`, () => {
    assert.equal(universe.version, golden.version);
    assert.equal(universe.namespace, "daf_butler");
    assert.deepEqual([...universe.elements.keys()], golden.order);
  });

  Deno.test(`DimensionUniverse.element() knows dependencies and columns: version ${golden.version}`, () => {
    for (const [name, expected] of Object.entries(golden.elements)) {
      const element = universe.element(name);
      assert.deepEqual(
        {
          required: element.required,
          implied: element.implied,
          columns: element.columns.map((column) => column.name),
          hasTable: element.hasTable,
          primaryKey: element.primaryKey?.name ?? null,
          isGovernor: element.isGovernor,
        },
        expected,
        name,
      );
    }
  });

  Deno.test(`DimensionUniverse.group() conforms as the reference: version ${golden.version}`, () => {
    for (const { given, error, ...expected } of golden.groups) {
      if (error) {
        assert.throws(() => universe.group(given), RepositoryError);
        continue;
      }
      const { key, ...group } = universe.group(given);
      assert.deepEqual(group, expected);
      assert.equal(key, expected.names.join(","));
    }
  });
}

Deno.test("DimensionUniverse.group() returns the same object for equal groups", () => {
  const universe = readUniverse(8);
  assert.equal(universe.group(["visit"]), universe.group(["band", "visit", "instrument"]));
});

Deno.test("DimensionUniverse.keyType() says what values are", () => {
  const universe = readUniverse(8);
  assert.deepEqual(
    ["instrument", "skymap", "detector", "htm7", "band"].map((name) => {
      const { type, length } = universe.keyType(name);
      return [type, length];
    }),
    [["string", 32], ["string", 64], ["int", undefined], ["int", undefined], ["string", 32]],
  );
  assert.throws(() => universe.keyType("visit_definition"), /visit_definition/);
  assert.throws(() => universe.keyType("constructor"), RepositoryError);
  assert.equal(universe.has("visit_definition"), false);
  assert.equal(universe.has("healpix17"), true);
  assert.equal(universe.has("healpix18"), false);
});

Deno.test("commonGroup() accepts universes that agree on the group", () => {
  for (const graphVersion of [6, 7, 8]) {
    const repository = readUniverse(8);
    const group = commonGroup(["visit", "detector"], readUniverse(graphVersion), repository, "x");
    assert.equal(group, repository.group(["visit", "detector"]));
  }
});

Deno.test("commonGroup() refuses universes that disagree, and names the dataset type", () => {
  const common = (names: string[], graphVersion: number, version: number) =>
    commonGroup(names, readUniverse(graphVersion), readUniverse(version), 'dataset type "abc"');
  assert.throws(() => common(["visit"], 5, 8), /"abc".*expected \{instrument string, visit int; /);
  assert.throws(() => common(["ssp_hypothesis_table"], 8, 7), /ssp_hypothesis_table.* 7 /);
  assert.throws(() => common(["ssp_hypothesis_table"], 7, 8), RepositoryError);
  assert.equal(common(["tract"], 5, 8).key, "skymap,tract");
});

Deno.test("DimensionUniverse.parse() refuses what is no universe", () => {
  const element = (rest: string) =>
    `{"version": 8, "namespace": "daf_butler", "elements": {"a": {${rest}}}}`;
  const cases: [text: string, message: RegExp][] = [
    ["", /not JSON/],
    ["[]", /an array/],
    ["{}", /version is missing/],
    ['{"version": 8, "namespace": "other", "elements": {}}', /"other"/],
    ['{"version": 8, "namespace": "daf_butler"}', /elements is missing/],
    [element('"requires": ["a"]'), /depend on each other: a/],
    [element('"requires": ["b"]'), /"b", which is not there/],
    [element('"keys": [{"name": "id", "type": "float"}]'), /type "float"/],
    [element('"keys": 1'), /keys of "a" is 1/],
    [
      '{"version": 8, "namespace": "daf_butler", "elements": {}, "skypix": {"h": {"max_level": 1e9}}}',
      /max_level/,
    ],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => DimensionUniverse.parse(text), (error) => {
      assert(error instanceof RepositoryError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
