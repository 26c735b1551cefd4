/** An ingest is undone at a site whose configuration has metadata written as YAML. */

import assert from "node:assert/strict";
import { stringify } from "yaml";
import { RepositoryError } from "../../lib/base/errors.ts";
import { parseJson } from "../../lib/base/json_text.ts";
import { undoIngest } from "../../lib/ingest/undo.ts";
import { metadataFromYaml } from "../../lib/provenance/documents/yaml_metadata.ts";
import { replaceFile } from "../cli/support.ts";
import { dumpState } from "../support/dump_state.ts";
import { fixturePath, RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { aggregateHere, context, ingestHere } from "./in_process.ts";

const FORMATTERS = "lsst.daf.butler.formatters.";

/** Metadata files below a folder of the repository, by path. */
function metadataFiles(work: TemporaryDirectory): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const walk = (directory: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${work.repo}/${directory}`)) {
      const path = `${directory}/${name}`;
      if (isDirectory) walk(path);
      else if (path.includes("_metadata/")) {
        found.set(path, Deno.readFileSync(`${work.repo}/${path}`));
      }
    }
  };
  walk(RUN);
  return found;
}

/** A site that has a formatter for a storage class. */
function configure(work: TemporaryDirectory, storageClass: string, formatter: string): void {
  const path = `${work.repo}/butler.yaml`;
  const text = Deno.readTextFileSync(path);
  const line = `datastore:\n  formatters:\n    ${storageClass}: ${FORMATTERS}${formatter}\n`;
  replaceFile(path, text.replace("datastore:\n", line));
}

async function before(name = "small-ok"): Promise<TemporaryDirectory> {
  const work = await unpackFixture(name, "before");
  await Deno.copyFile(fixturePath(name, "predicted.qg"), work.join("predicted.qg"));
  return work;
}

function undo(work: TemporaryDirectory) {
  return undoIngest({
    repository: work.repo,
    graphPath: work.join("provenance.qg"),
    outputRun: RUN,
    batchSize: 7,
    isDryRun: false,
  }, context(SILENT_LOG));
}

Deno.test("undoIngest() makes metadata in YAML again that say the same, and tells that their bytes may differ", async () => {
  await using work = await before();
  for (const [path, bytes] of metadataFiles(work)) {
    // To PyYAML, a time without quotes is none of the values that metadata may have.
    const yaml = stringify(parseJson(bytes), { defaultStringType: "QUOTE_SINGLE" });
    Deno.writeTextFileSync(`${work.repo}/${path.replace(/json$/, "yaml")}`, yaml);
    Deno.removeSync(`${work.repo}/${path}`);
  }
  configure(work, "TaskMetadata", "yaml.YamlFormatter");
  await aggregateHere(work);
  const [state, files] = [dumpState(work.repo).tables.file_datastore_records, metadataFiles(work)];
  await ingestHere(work);
  assert.equal(metadataFiles(work).size, 0);
  const { unproven } = await undo(work);
  const restored = metadataFiles(work);
  assert.deepEqual([...restored.keys()].sort(), [...files.keys()].sort());
  assert.ok(restored.size > 10, String(restored.size));
  const valueOf = (bytes: Uint8Array) => parseJson(metadataFromYaml(bytes, false));
  for (const [path, bytes] of restored) {
    assert.deepEqual(valueOf(bytes), valueOf(files.get(path)!), path);
    const told = unproven.find((each) => each.path === path);
    assert.match(told!.reason, /^says as YAML what the graph's document says/);
  }
  assert.deepEqual(dumpState(work.repo).tables.file_datastore_records, state);
  // The graph has what these files say: they may be deleted again.
  assert.equal((await ingestHere(work)).nKept, 0);
});

const ingested = await before();
await aggregateHere(ingested);
await ingestHere(ingested);
const ownConfiguration = Deno.readTextFileSync(`${ingested.repo}/butler.yaml`);
Deno.test.afterAll(() => ingested[Symbol.asyncDispose]());

for (
  const [storageClass, formatter, what] of [
    ["TaskMetadata", "pickle.PickleFormatter", "task metadata"],
    ["ButlerLogRecords", "yaml.YamlFormatter", "logs"],
    ["Config", "yaml.YamlFormatter", "configs"],
  ]
) {
  Deno.test(`undoIngest() changes nothing where ${what} are read by ${formatter}`, async () => {
    replaceFile(`${ingested.repo}/butler.yaml`, ownConfiguration);
    configure(ingested, storageClass, formatter);
    const state = dumpState(ingested.repo);
    await assert.rejects(undo(ingested), (error) => {
      assert.ok(error instanceof RepositoryError);
      assert.match(error.message, /^Cannot use dataset type ".*": files of its formatter/);
      assert.match(error.hint!, new RegExp(`^${what} are read if`));
      return true;
    });
    assert.deepEqual(dumpState(ingested.repo), state);
  });
}
