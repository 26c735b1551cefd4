/**
 * Status names as they are shown.
 *
 * @module
 */

import type { Style } from "./color.ts";

/** The name of a status, marked by how bad it is. */
export function statusText(name: string, style: Style): string {
  if (name === "SUCCESSFUL") return style.green(name);
  if (name === "BLOCKED" || name === "ABORTED_SUCCESS") return style.yellow(name);
  return name === "-" ? name : style.red(name);
}
