/**
 * How a graph gets into the datastore.
 *
 * @module
 */

/** Transfer modes of the butler that `ingest-graph` knows. */
export const TRANSFER_MODES = [
  "auto",
  "link",
  "symlink",
  "hardlink",
  "copy",
  "move",
  "relsymlink",
  "direct",
] as const;

/** One of {@linkcode TRANSFER_MODES}. */
export type TransferMode = typeof TRANSFER_MODES[number];
