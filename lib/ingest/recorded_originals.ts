/**
 * Originals that lie where no template predicts: their records know, until they are forgotten.
 *
 * @module
 */

import { UUID_SIZE } from "../base/uuid.ts";
import type { DimensionRecordSource } from "../butler/datastore.ts";
import { PROVENANCE_FORMATTER } from "../butler/provenance_dataset.ts";
import { withRecords } from "../butler/record_fetch.ts";
import { isUriRecord } from "../butler/recorded_file.ts";
import type { Registry } from "../butler/registry.ts";
import { type Targets, TargetState } from "./targets.ts";

/**
 * Whether a record names a file of its own below the datastore's root. What lies elsewhere was never the
 * datastore's to delete, and a ZIP file holds other datasets as well.
 */
function isOwnFile(path: string | null, formatter: string | null): path is string {
  return path !== null && formatter !== PROVENANCE_FORMATTER && !isUriRecord(path) &&
    !path.startsWith("/") && !path.slice(path.lastIndexOf("/") + 1).includes("#");
}

/**
 * Tells the targets which of their originals have recorded paths that templates don't predict, so that
 * `Targets.paths()` gives them too. All records are read only if one of each type's first and last is such
 * a one: templates change for many datasets or for none. Memory: the paths found.
 */
export async function noteRecordedOriginals(
  registry: Registry,
  run: string,
  targets: Targets,
): Promise<void> {
  const records = await registry.dimensionRecordSource();
  const isOdd = async (target: number, path: string) =>
    !(await withRecords(() => targets.paths(target, records))).includes(path);
  let isAnyOdd = false;
  for (const target of samples(targets)) {
    for (const { path, formatter } of await registry.records(targets.id(target))) {
      if (isOwnFile(path, formatter)) isAnyOdd ||= await isOdd(target, path);
    }
  }
  if (isAnyOdd) targets.noteRecorded(await oddPaths(registry, run, targets, records));
}

/** The first and the last registered target of each dataset type. */
function samples(targets: Targets): Set<number> {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  for (let target = 0; target < targets.n; target++) {
    if (targets.state[target] !== TargetState.ORIGINAL) continue;
    const typeIndex = targets.typeIndex(target);
    if (!first.has(typeIndex)) first.set(typeIndex, target);
    last.set(typeIndex, target);
  }
  return new Set([...first.values(), ...last.values()]);
}

/** Paths that one dataset alone has. */
async function oddPaths(
  registry: Registry,
  run: string,
  targets: Targets,
  records: DimensionRecordSource,
): Promise<Map<number, string>> {
  const byPath = new Map<string, number>();
  const shared = new Set<string>();
  const typeNames = targets.types.map(({ name }) => name);
  for await (const batch of registry.runRecords(run, typeNames)) {
    for (let i = 0; i < batch.n; i++) {
      const path = batch.paths[i];
      const target = targets.find(batch.ids, i * UUID_SIZE);
      if (target < 0 || targets.state[target] !== TargetState.ORIGINAL) continue;
      if (!isOwnFile(path, batch.formatters[i])) continue;
      const predicted = await withRecords(() => targets.paths(target, records));
      if (predicted.includes(path)) continue;
      if (byPath.has(path)) shared.add(path);
      byPath.set(path, target);
    }
  }
  return new Map(
    [...byPath].filter(([path]) => !shared.has(path)).map(([path, target]) => [target, path]),
  );
}
