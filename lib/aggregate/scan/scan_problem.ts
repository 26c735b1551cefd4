/**
 * What was odd about a file.
 *
 * @module
 */

/** A file that was there but could not be used, or something odd about one. */
export interface ScanProblem {
  quantumId: string;
  taskLabel: string;
  path: string;
  reason: string;
  /** Whether the file counts as absent because of it. */
  isBroken: boolean;
}
