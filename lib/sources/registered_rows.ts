/**
 * Datasets of a RUN as its registry knows them.
 *
 * @module
 */

import { UUID_SIZE, uuidToText } from "../base/uuid.ts";
import type { Registry, RunRecordsBatch } from "../butler/registry/registry.ts";
import type { DatasetRow, DatasetWish } from "./rows.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** Questions about single datasets that are on their way together: a server answers them in a row. */
const N_TOGETHER = 64;

/** Registered datasets of a RUN, ascending by ID. Memory: that of `Registry.runRecords`. */
export async function* registeredRows(
  registry: Registry,
  run: string,
  { types, withImplied }: DatasetWish,
): AsyncGenerator<DatasetRow> {
  const known = await registry.datasetTypesInRun(run);
  const groups = new Map(known.map(({ name, group }) => [name, group]));
  const wanted = types === null ? undefined : [...types].filter((name) => groups.has(name));
  if (wanted?.length === 0) return;
  let last = "";
  for await (const batch of registry.runRecords(run, wanted)) {
    for (let start = 0; start < batch.n; start += N_TOGETHER) {
      const positions = Array.from(
        { length: Math.min(N_TOGETHER, batch.n - start) },
        (_, i) => start + i,
      );
      const rows = await Promise.all(
        positions.map((i) => registeredRow(registry, run, groups, batch, i, withImplied)),
      );
      for (const row of rows) {
        // A disassembled dataset has a record for each component.
        if (row === null || row.datasetId === last) continue;
        last = row.datasetId;
        yield row;
      }
    }
  }
}

/** Null for one that was removed meanwhile. */
async function registeredRow(
  registry: Registry,
  run: string,
  groups: ReadonlyMap<string, DimensionGroup>,
  batch: RunRecordsBatch,
  i: number,
  withImplied: boolean,
): Promise<DatasetRow | null> {
  const id = batch.ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE);
  const info = await registry.datasetInfo(id);
  if (info === null) return null;
  const group = groups.get(info.typeName);
  const values = withImplied && group !== undefined && group.implied.length > 0
    ? await registry.expandDataId(group, info.required)
    : info.required;
  return {
    datasetId: uuidToText(id),
    typeName: info.typeName,
    dataCoordinate: values,
    run,
    produced: batch.paths[i] !== null,
    producer: null,
    nConsumers: null,
    path: batch.paths[i],
  };
}
