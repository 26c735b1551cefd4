/**
 * What a scan needs before it begins, whether it is that of an aggregation or of one shard: the records
 * that file templates ask for, the compression dictionary.
 *
 * @module
 */

import type { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import type { CompressionOptions } from "./compression.ts";
import { cutDictionary } from "./dictionary.ts";
import type { CommonScannerSetup } from "../messages.ts";
import { type ScanFiles, untilKnown } from "./scan_files.ts";
import { Scanner } from "./scanner.ts";
import type { RepositoryConfig } from "../../butler/config/repository_config.ts";

/** Records of these elements are needed by the default file templates. */
const TEMPLATE_ELEMENTS = ["detector", "exposure"];

/**
 * Elements whose records file templates may ask for.
 *
 * @param universe The repository's. Where `day_obs` is a dimension, the default template needs no records of
 *   visits, of which there may be very many; before version 6 it is a column of theirs.
 */
export function templateElements(config: RepositoryConfig, universe: DimensionUniverse): string[] {
  const elements = new Set(TEMPLATE_ELEMENTS);
  const templates = config.datastores.flatMap((each) => Object.entries(each.templates));
  for (const [key, template] of templates) {
    const text = JSON.stringify(template);
    const isUsual = key === "default" && text.includes("day_obs|visit.day_obs");
    if (isUsual && universe.has("day_obs")) continue;
    for (const [, element] of text.matchAll(/([a-z_]\w*)\.[a-z_]\w*/gi)) {
      if (universe.elements.has(element)) elements.add(element);
    }
  }
  return [...elements];
}

/**
 * Cuts the dictionary from samples; the same graph and files give the same bytes.
 *
 * @throws {RefusedError} if the samples show that the graph isn't that of the run.
 */
export async function makeDictionary(
  setup: CommonScannerSetup,
  index: GraphIndex,
  { zstdDictSize, zstdDictNInputs }: CompressionOptions,
  files: ScanFiles,
): Promise<Uint8Array> {
  const whole = { ...setup, kind: "setup", name: "supervisor", table: null } as const;
  const scanner = await Scanner.open(whole, null, files);
  try {
    return await untilKnown(
      files,
      () => cutDictionary(index, zstdDictSize, zstdDictNInputs, (q) => scanner.sample(q)),
    );
  } finally {
    scanner.close();
  }
}
