/**
 * Versions of the packages that ran, for the `packages` member of a provenance graph.
 * Source: `schema/quantum-graph.md`, section 8.1.
 *
 * @module
 */

import { encodeUtf8 } from "../../base/json_text.ts";
import { TOOL_NAME, TOOL_VERSION } from "../../base/version.ts";
import { parse } from "../../base/text/yaml.ts";

/**
 * JSON object of package versions: those of the run's own `packages` document, and this tool's.
 *
 * @param document YAML text of that document, or null if the run has none.
 * @returns the object, and whether the document could not be understood and was left out.
 */
export function packagesJson(
  document: string | null,
): { text: Uint8Array<ArrayBuffer>; isBroken: boolean } {
  const versions: Record<string, string> = {};
  let isBroken = false;
  if (document !== null) {
    try {
      const parsed: unknown = parse(document, {
        // The document's tag names a Python class, which earns a warning; errors must still throw.
        logLevel: "error",
        schema: "failsafe",
        uniqueKeys: false,
        maxAliasCount: 0,
      });
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) isBroken = true;
      else {
        for (const [name, version] of Object.entries(parsed)) {
          if (typeof version === "string") versions[name] = version;
        }
      }
    } catch {
      isBroken = true;
    }
  }
  versions[TOOL_NAME] = TOOL_VERSION;
  return { text: encodeUtf8(JSON.stringify(versions)), isBroken };
}
