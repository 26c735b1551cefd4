/** Where tables of data IDs are written. @module */

import { encodeUtf8 } from "../../base/json_text.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";

/**
 * Path of a data ID table below the directory of all: `TASK/STATUS/EXCEPTION.ecsv`. Names come from the
 * graph, so what would lead elsewhere is replaced.
 */
export function dataIdTablePath(
  label: string,
  status: number,
  exceptionType: string | null,
): string[] {
  return [
    fileName(label),
    attemptStatusName(status),
    `${fileName(exceptionType ?? "UNKNOWN")}.ecsv`,
  ];
}

/** Bytes of a name, so that the file's own, temporary one is no longer than file systems take. */
const MAX_NAME_SIZE = 200;

function fileName(text: string): string {
  const safe = text.replace(/[/\\\p{Cc}\p{Cs}]/gu, "_");
  if (safe === "" || safe === "." || safe === "..") return "_".repeat(Math.max(1, safe.length));
  let size = 0;
  let name = "";
  for (const letter of safe) {
    size += encodeUtf8(letter).length;
    if (size > MAX_NAME_SIZE) break;
    name += letter;
  }
  return name;
}
