import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { assertJsonEqual } from "./compare.ts";
import { dumpState } from "./dump_state.ts";
import { expectedJson, RUN, unpackFixture } from "./fixtures.ts";
import {
  configFingerprint,
  logTextFingerprint,
  metadataTextFingerprint,
  packagesFingerprint,
} from "./payload_hashes.ts";

type Section = Record<string, Record<string, unknown>>;

for (const name of ["small-ok", "small-mixed", "small-failed", "small-mock"]) {
  Deno.test(`fingerprints equal the oracle's when made of the original files of ${name}`, async () => {
    await using work = await unpackFixture(name, "aggregated");
    const records = dumpState(work.repo, { hashes: false }).tables.file_datastore_records;
    const paths = new Map(records.map((row) => [row.dataset_id as string, row.path as string]));
    const expected = expectedJson(name, "aggregated.readback") as unknown as Section;
    let n = 0;
    for (const [type, section] of Object.entries(expected)) {
      for (const [id, fingerprint] of Object.entries(section)) {
        const text = Deno.readTextFileSync(`${work.repo}/${paths.get(id)}`);
        let actual: unknown;
        if (type.endsWith("_log")) actual = logTextFingerprint(text);
        else if (type.endsWith("_metadata")) actual = metadataTextFingerprint(text);
        else if (type.endsWith("_config")) actual = configFingerprint(text);
        else actual = packagesFingerprint(parseYaml(text));
        assertJsonEqual(actual, fingerprint, `${type} ${id} in ${RUN}`);
        n++;
      }
    }
    assert.ok(n >= 40, `${n} datasets compared`);
  });
}
