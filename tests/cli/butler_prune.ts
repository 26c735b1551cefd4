/**
 * `butler prune-datasets REPO RUN --purge RUN --datasets TYPE [--where DATA_ID] --no-confirm`, as the
 * reference does it for one dataset: rows and records go, and a file below the root that no other record
 * names.
 */

import assert from "node:assert/strict";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { recordedFile } from "../../lib/butler/datastore/recorded_file.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import type { DataIdValue } from "../../lib/butler/dimensions/data_id_value.ts";

const ENV = { get: () => undefined };

/** Runs the command of these words; all of them must be understood. */
export async function pruneDatasets(words: readonly string[]): Promise<void> {
  const [butler, command, repository, run, purge, purged, ...rest] = words;
  assert.deepEqual([butler, command, purge, purged], ["butler", "prune-datasets", "--purge", run]);
  assert.equal(rest.pop(), "--no-confirm");
  const options = new Map<string, string>();
  for (let i = 0; i < rest.length; i += 2) options.set(rest[i], rest[i + 1]);
  const typeName = options.get("--datasets")!;
  const values = new Map<string, DataIdValue>();
  for (const term of (options.get("--where") ?? "").split(" AND ").filter((text) => text !== "")) {
    const [, name, text, number] = /^(\w+)=(?:'(.*)'|(-?\d+))$/.exec(term)!;
    values.set(name, text === undefined ? Number(number) : text.replaceAll("''", "'"));
  }
  const config = loadRepositoryConfig(repository, ENV);
  await using registry = await openRegistry(config, { writeable: true });
  const type = (await registry.findDatasetType(typeName))!;
  const required = type.group.required.map((name) => values.get(name)!);
  const id = await registry.findDataset(typeName, run, required);
  assert.ok(id !== null, `no ${typeName} with ${options.get("--where")} in ${run}`);
  const records = await registry.records(id);
  await registry.forgetDatasets(id);
  const { root } = config.datastore;
  for (const record of records) {
    const { path } = recordedFile(record.path, root);
    const isShared = (await Array.fromAsync(registry.datasetIdsStoredAt(record.path)))
      .some(({ length }) => length > 0);
    if (isShared || !path.startsWith(`${root}/`)) continue;
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
