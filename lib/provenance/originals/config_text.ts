/**
 * Whether the text that a provenance graph has of a task's configuration is that of a file. Source:
 * `schema/quantum-graph.md`, section 8.5.
 *
 * @module
 */

import { decodeUtf8 } from "../../base/json_text.ts";

/** A line of a config that only loads a module: which there are depends on what else was loaded. */
const IMPORT_LINE = /^import [\w.]+$/;

/** Whether the config of a pipeline graph is that of a file. */
export function isConfigText(file: Uint8Array, text: string): boolean {
  let written: string;
  try {
    written = decodeUtf8(file);
  } catch {
    return false;
  }
  const content = (config: string) =>
    config.split("\n").filter((line) => !IMPORT_LINE.test(line)).join("\n").trim();
  return written === text || content(written) === content(text);
}
