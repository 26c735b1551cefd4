/** Golden files of butler repositories; see their ORIGIN.md. */

import { DimensionUniverse } from "../../lib/butler/dimensions.ts";

const FOLDER = new URL("../../testdata/butler/", import.meta.url);

/** A JSON file of `testdata/butler`. */
export function readGolden(name: string): unknown {
  return JSON.parse(Deno.readTextFileSync(new URL(name, FOLDER)));
}

/** A universe of the reference, versions 0 to 8. */
export function readUniverse(version: number): DimensionUniverse {
  return DimensionUniverse.parse(
    Deno.readTextFileSync(new URL(`universe_v${version}.json`, FOLDER)),
  );
}
