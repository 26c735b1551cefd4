/**
 * Datasets of a type whose dimension needs no records: as many as a test wants.
 *
 * @module
 */

import { UUID_SIZE } from "../../lib/base/uuid.ts";
import type { DatasetBatch, Registry } from "../../lib/butler/registry/registry.ts";
import type { DatasetType } from "../../lib/butler/dimensions/dataset_type.ts";

/** Registers a RUN and the dataset type, if they aren't there. */
export async function registerPixels(registry: Registry, run: string): Promise<DatasetType> {
  await registry.registerCollection(run, "RUN");
  const type = {
    name: "pixels",
    group: registry.universe.group(["healpix17"]),
    storageClass: "StructuredDataDict",
    isCalibration: false,
  };
  await registry.registerDatasetTypes([type]);
  return type;
}

/** Datasets of as many pixels, which their ids, data IDs and paths are numbered by. */
export function pixelBatch(
  run: string,
  type: DatasetType,
  n: number,
  firstPixel = 0,
): DatasetBatch {
  const ids = new Uint8Array(n * UUID_SIZE);
  const view = new DataView(ids.buffer);
  for (let i = 0; i < n; i++) view.setUint32(i * UUID_SIZE + 12, firstPixel + i);
  return {
    run,
    n,
    ids,
    typeIndex: new Uint16Array(n),
    types: [type],
    values: Array.from({ length: n }, (_, i) => firstPixel + i),
    paths: Array.from({ length: n }, (_, i) => `p/${firstPixel + i}`),
    formatters: ["a.Formatter"],
    storageClasses: [type.storageClass],
    fileSize: -1,
  };
}
