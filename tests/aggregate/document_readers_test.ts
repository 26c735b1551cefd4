/** Forms of documents that are read, and the refusal of others before anything is recorded. */

import assert from "node:assert/strict";
import { RepositoryError } from "../../lib/base/errors.ts";
import { checkDocumentForms, metadataConverters } from "../../lib/aggregate/document_readers.ts";
import { FileDatastore } from "../../lib/butler/datastore.ts";
import { DimensionUniverse } from "../../lib/butler/dimensions.ts";
import { loadRepositoryConfig } from "../../lib/butler/repo_config.ts";
import { OutputTypes } from "../../lib/provenance/output_types.ts";
import { PredictedGraph } from "../../lib/qg/predicted_graph.ts";
import { Zstd } from "../../lib/store/zstd.ts";
import { assertRefused, replaceFile } from "../cli/support.ts";
import { fixturePath, RUN, temporaryDirectory, unpackFixture } from "../support/fixtures.ts";

using graph = await PredictedGraph.open(
  fixturePath("small-ok", "predicted.qg"),
  await Zstd.load(),
);
const pipeline = graph.pipelineGraph();
const universe = DimensionUniverse.parse(pipeline.dimensionsText!);
const types = new OutputTypes(pipeline, universe);
graph[Symbol.dispose]();

const CONFIG = "datastore:\n  root: <butlerRoot>\n  formatters:\n";
const FORMATTERS = "lsst.daf.butler.formatters.";

/** Plans of a site that has these formatters. */
async function plansOf(formatters: string): Promise<Parameters<typeof checkDocumentForms>[1]> {
  await using work = await temporaryDirectory();
  Deno.mkdirSync(work.repo);
  Deno.writeTextFileSync(`${work.repo}/butler.yaml`, CONFIG + formatters);
  const config = loadRepositoryConfig(work.repo, { get: () => undefined });
  const datastore = new FileDatastore(config, universe, { mockStorageClasses: false });
  return (name) => datastore.plan(types.types[types.indexOf(name)], RUN);
}

const REFUSED: [formatters: string, typeName: string][] = [
  [`    TaskMetadata: ${FORMATTERS}pickle.PickleFormatter\n`, "calibrate_metadata"],
  [`    warp_metadata: ${FORMATTERS}parquet.ParquetFormatter\n`, "warp_metadata"],
  [`    ButlerLogRecords: ${FORMATTERS}yaml.YamlFormatter\n`, "calibrate_log"],
  [`    coadd_log: ${FORMATTERS}json.JsonFormatter\n`, "coadd_log"],
  [`    Packages: ${FORMATTERS}pickle.PickleFormatter\n`, "packages"],
  [
    `    Packages:\n      formatter: ${FORMATTERS}packages.PackagesFormatter\n` +
    `      parameters: { format: pickle }\n`,
    "packages",
  ],
];

for (const [formatters, typeName] of REFUSED) {
  Deno.test(`a site with ${formatters.trim().replace(/\s+/g, " ")} is refused by the name of ${typeName}`, async () => {
    const planOf = await plansOf(formatters);
    assert.throws(() => checkDocumentForms(pipeline, planOf), (error) => {
      assert.ok(error instanceof RepositoryError);
      assert.match(
        error.message,
        new RegExp(`^Cannot use dataset type "${typeName}": .*Formatter"`),
      );
      assert.match(error.hint!, /are read if their formatter is lsst\./);
      return true;
    });
  });
}

const READ: [formatters: string, converted: string[]][] = [
  ["    x: y.Z\n", []],
  [`    TaskMetadata: ${FORMATTERS}yaml.YamlFormatter\n`, [
    "calibrate_metadata",
    "coadd_metadata",
    "consolidate_metadata",
    "deepstack_metadata",
    "summarize_metadata",
    "warp_metadata",
  ]],
  [`    warp_metadata: ${FORMATTERS}yaml.YamlFormatter\n`, ["warp_metadata"]],
  [`    Packages: ${FORMATTERS}yaml.YamlFormatter\n`, []],
  [
    `    Packages:\n      formatter: ${FORMATTERS}packages.PackagesFormatter\n` +
    `      parameters: { format: json }\n`,
    [],
  ],
];

for (const [formatters, converted] of READ) {
  Deno.test(`a site with ${formatters.trim().replace(/\s+/g, " ")} has ${converted.length} kinds of YAML metadata`, async () => {
    const planOf = await plansOf(formatters);
    checkDocumentForms(pipeline, planOf);
    assert.deepEqual([...(await metadataConverters(pipeline, planOf)).keys()].sort(), converted);
  });
}

for (const command of ["aggregate-graph", "scan"]) {
  Deno.test(`${command} refuses a formatter that it can't read, and changes nothing`, async () => {
    await using work = await unpackFixture("small-ok", "before");
    const path = `${work.repo}/butler.yaml`;
    replaceFile(
      path,
      Deno.readTextFileSync(path)
        .replace("datastore:\n", `datastore:\n  formatters:\n${REFUSED[0][0]}`),
    );
    const args = command === "scan"
      ? ["--shard", "0/1", "--chunks", "shards/0.chunks"]
      : ["-o", "prov.qg"];
    await assertRefused(
      work,
      [command, "predicted.qg", "repo", ...args],
      /^error: Cannot use dataset type "calibrate_metadata": .*PickleFormatter/m,
    );
  });
}
