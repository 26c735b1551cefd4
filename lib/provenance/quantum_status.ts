/**
 * What a quantum's last attempt came to, in the numbers of the file format.
 * Source: `schema/quantum-graph.md`, section 8.4.
 *
 * @module
 */

/** Status of an attempt, as stored. */
export const AttemptStatus = {
  ABORTED: -4,
  UNKNOWN: -3,
  ABORTED_SUCCESS: -2,
  FAILED: -1,
  BLOCKED: 0,
  SUCCESSFUL: 1,
} as const;

/** One of the values of {@linkcode AttemptStatus}. */
export type AttemptStatus = typeof AttemptStatus[keyof typeof AttemptStatus];

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(AttemptStatus).map(([name, status]) => [status, name]),
);

/** Name of a status, or its number as text if it isn't known. */
export function attemptStatusName(status: number): string {
  return NAMES.get(status) ?? String(status);
}

/** All caveat bits that readers accept; they refuse a whole block for any other bit. */
export const KNOWN_CAVEATS = 1 | 2 | 4 | 8 | 16 | 32 | 64;

/**
 * What the scan of a quantum found, as the traversal needs it. Numbers are part of the chunk log
 * format (`schema/chunk-log.md`).
 */
export const ScanStatus = {
  /** The metadata file is there. */
  SUCCESSFUL: 1,
  /** It is not. */
  FAILED: 2,
  /** A quantum upstream failed; nothing was looked at. */
  BLOCKED: 3,
  /** It is not, in incomplete mode: execution may still be going on. */
  ABANDONED: 4,
} as const;

/** One of the values of {@linkcode ScanStatus}. */
export type ScanStatus = typeof ScanStatus[keyof typeof ScanStatus];
