/**
 * Data IDs as they are typed: words that `cat` and `trace` take after a label.
 *
 * @module
 */

import type { JsonValue } from "../json_text.ts";
import { shellWord } from "./shell.ts";

/**
 * Words `DIMENSION=VALUE`, quoted for a shell where needed.
 *
 * @param names Dimensions to show; all by default.
 */
export function dataIdText(
  dataId: { readonly [dimension: string]: JsonValue },
  names: readonly string[] = Object.keys(dataId),
): string {
  return names.filter((name) => dataId[name] !== undefined)
    .map((name) => shellWord(`${name}=${dataId[name]}`)).join(" ");
}
