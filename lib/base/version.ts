/**
 * Name and version of this tool.
 *
 * @module
 */

/** Name of the tool, as it appears in the packages of a provenance graph. */
export const TOOL_NAME = "provgraph";
/** Version of the tool; kept equal to `deno.json` by a test. */
export const TOOL_VERSION = "0.1.0";
