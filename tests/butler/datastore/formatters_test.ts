import assert from "node:assert/strict";
import { RepositoryError } from "../../../lib/base/errors.ts";
import type { ConfigMapping } from "../../../lib/butler/config/config_value.ts";
import { DEFAULT_FILE_DATASTORE } from "../../../lib/butler/config/default_config.ts";
import { chooseFormatter } from "../../../lib/butler/datastore/formatters.ts";
import { readGolden } from "../dimensions/golden.ts";

const defaults = DEFAULT_FILE_DATASTORE.formatters as ConfigMapping;
const golden = readGolden("formatters.json") as {
  storageClass: string;
  configured: string;
  recorded: string | null;
}[];

Deno.test("DEFAULT_FILE_DATASTORE has the reference's formatters", () => {
  const configured = Object.entries(defaults).map(([storageClass, value]) => [
    storageClass,
    typeof value === "string" ? value : (value as ConfigMapping).formatter,
  ]);
  assert.deepEqual(
    Object.fromEntries(configured),
    Object.fromEntries(golden.map((entry) => [entry.storageClass, entry.configured])),
  );
});

Deno.test("chooseFormatter() records the name that the reference records", () => {
  for (const { storageClass, recorded } of golden) {
    if (recorded === null) continue;
    assert.equal(chooseFormatter(defaults[storageClass], defaults, "x").recordedName, recorded);
  }
});

/** Extensions by storage class: those that the documentation of the repository lists. */
const EXTENSIONS: [extension: string, storageClasses: string[]][] = [
  [".py", ["Config"]],
  [".json", ["TaskMetadata", "int", "ButlerLogRecords", "Transform", "SkyProjection"]],
  [".yaml", ["Packages", "StructuredDataDict", "PropertySet", "ExposureSummaryStats"]],
  [".parq", ["DataFrame", "ArrowAstropy", "ArrowSchema"]],
  [".ecsv", ["AstropyTable", "VignettingCorrection"]],
  [".pickle", ["NumpyArray", "SkyMap"]],
  [".png", ["Plot"]],
  [".qg", ["ProvenanceQuantumGraph"]],
  [".fits", ["ExposureF", "ImageF", "MaskX", "MaskedImageF", "SourceCatalog", "VisitImage"]],
  [".fits", ["MultipleCellCoadd", "SpectractorImage", "CellCoadd"]],
  [".hsp", ["HealSparseMap"]],
  [".scarlet", ["ScarletModelData", "LsstScarletModelData"]],
  [".zip", ["NNModelPackagePayload"]],
  [".reg", ["ObjectMaskCatalog"]],
  ["", ["SSPAuxiliaryFile"]],
];

for (const [extension, storageClasses] of EXTENSIONS) {
  Deno.test(`chooseFormatter() gives extension "${extension}" to ${storageClasses.join(", ")}`, () => {
    for (const storageClass of storageClasses) {
      const choice = chooseFormatter(defaults[storageClass], defaults, "x");
      assert.equal(choice.extension, extension, storageClass);
    }
  });
}

Deno.test("chooseFormatter() knows where an aliased class is defined", () => {
  assert.equal(
    chooseFormatter(defaults.ScarletModelData, defaults, "x").recordedName,
    "lsst.meas.extensions.scarlet.io.utils.ScarletModelFormatter",
  );
});

Deno.test("chooseFormatter() refuses classes whose extension can't be told", () => {
  for (const value of [defaults.QPEnsemble, defaults.SpectractorFitParameters, "site.Formatter"]) {
    assert.throws(
      () => chooseFormatter(value, defaults, 'dataset type "abc"'),
      (error) => error instanceof RepositoryError && /"abc".*extension/.test(error.message),
    );
  }
  const generic = { formatter: "lsst.images.formatters.GenericFormatter" };
  for (const value of [1, null, [], {}, { ...generic, parameters: { format: "../x" } }]) {
    assert.throws(() => chooseFormatter(value, {}, "x"), RepositoryError);
  }
});

Deno.test("chooseFormatter() takes format from the entry, then the class's default", () => {
  const formatter = "lsst.images.formatters.GenericFormatter";
  const section = { default: { [formatter]: { format: "sdf" } } };
  const extension = (value: ConfigMapping | string, of: ConfigMapping) =>
    chooseFormatter(value, of, "x").extension;
  assert.equal(extension(formatter, {}), ".fits");
  assert.equal(extension(formatter, section), ".sdf");
  assert.equal(extension({ formatter, parameters: { format: "json" } }, section), ".json");
});
