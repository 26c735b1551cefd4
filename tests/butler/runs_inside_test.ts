import assert from "node:assert/strict";
import { FileDatastore } from "../../lib/butler/datastore.ts";
import { openRegistry } from "../../lib/butler/registry.ts";
import { loadRepositoryConfig } from "../../lib/butler/repo_config.ts";
import { RunsInside } from "../../lib/butler/runs_inside.ts";
import { RUN, unpackFixture } from "../support/fixtures.ts";

Deno.test("RunsInside knows the directories of other RUNs, and no others", async () => {
  await using work = await unpackFixture("small-mixed", "before");
  const config = loadRepositoryConfig(work.repo, { get: () => undefined });
  await using registry = await openRegistry(config, { writeable: true });
  await registry.registerCollection(RUN, "RUN");
  for (const name of [`${RUN}/rerun1`, `${RUN}/isr_log/deep`, `${RUN}0`, `${RUN}-b/x`, "u/other"]) {
    await registry.registerCollection(name, "RUN");
  }
  await registry.registerCollection(`${RUN}/chain`, "CHAINED");
  assert.deepEqual(await registry.runsBelow(RUN), [`${RUN}/isr_log/deep`, `${RUN}/rerun1`]);
  assert.deepEqual(await registry.runsBelow(`${RUN}/rerun1`), []);
  const datastore = new FileDatastore(config, registry.universe, { mockStorageClasses: true });
  const inside = await RunsInside.find(registry, datastore, RUN);
  const cases: [path: string, run: string | null][] = [
    [`${RUN}/rerun1`, `${RUN}/rerun1`],
    [`${RUN}/rerun1/isr_log/1/x.json`, `${RUN}/rerun1`],
    [`${RUN}/rerun10/isr_log/1/x.json`, null],
    [`${RUN}/isr_log/deep/isr_log/x.json`, `${RUN}/isr_log/deep`],
    [`${RUN}/isr_log/x.json`, null],
    [`${RUN}/chain/isr_log/x.json`, null],
    [RUN, null],
    ["u", null],
  ];
  for (const [path, run] of cases) assert.equal(inside.owner(path), run, path);
});
