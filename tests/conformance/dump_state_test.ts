import assert from "node:assert/strict";
import { assertStateEqual } from "../support/compare.ts";
import { dumpState } from "../support/dump_state.ts";
import {
  expectedJson,
  fixtureArchives,
  fixturePath,
  readJsonGz,
  unpackFixture,
} from "../support/fixtures.ts";

/** Archive of a stage to the name of its expected state. */
const STAGES: Record<string, string> = {
  before: "before",
  aggregated: "aggregated",
  "aggregated-promise": "aggregated-promise",
  ingested: "ingested",
  midrun: "midrun.before",
};

for (
  const name of [
    "small-ok",
    "small-mixed",
    "small-failed",
    "small-mock",
    "two-phase",
    "second-run",
    "medium",
  ]
) {
  for (const archive of fixtureArchives(name)) {
    Deno.test(`dumpState() equals the oracle's dump when it reads ${name}/${archive}`, async () => {
      await using work = await unpackFixture(name, archive);
      assertStateEqual(dumpState(work.repo), expectedJson(name, `${STAGES[archive]}.state`));
      if (archive === "ingested") {
        assertStateEqual(
          dumpState(work.repo, { strict: true }),
          expectedJson(name, "ingested.strict-state"),
        );
      }
    });
  }
}

for (const name of ["interrupted-ingest", "interrupted-aggregate"]) {
  Deno.test(`dumpState() equals the oracle's dump when it reads what ${name} left`, async (t) => {
    for (const archive of fixtureArchives(name)) {
      await t.step(archive, async () => {
        await using work = await unpackFixture(name, archive);
        assertStateEqual(
          dumpState(work.repo),
          readJsonGz(fixturePath(name, `${archive}.state.json.gz`)),
        );
      });
    }
  });
}

Deno.test("dumpState() masks and filters when asked to", async () => {
  await using work = await unpackFixture("second-run", "before");
  const run = "u/oracle/out/20260702T000000Z";
  const state = dumpState(work.repo, { run, maskLogs: true, hashes: false });
  assert.ok(state.files.some((f) => f.size === "<masked>" && f.path.startsWith("calibrate_log/")));
  assert.ok(state.files.every((f) => f.sha256 === undefined || f.sha256 === "<masked>"));
  assert.deepEqual(state.tables.dataset, []);
});
