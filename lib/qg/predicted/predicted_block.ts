/**
 * Blocks of a predicted graph, one a quantum.
 *
 * @module
 */

/** Half-open byte range of `quantum_datasets.mb` that holds whole blocks. */
export interface BlockRange {
  startByte: number;
  endByte: number;
}

/** A decoded block and where it is in `quantum_datasets.mb`. */
export interface PredictedBlock {
  /** Relative to the member's data. */
  offset: number;
  /** With the length prefix. */
  size: number;
  /** JSON text of one quantum; belongs to the caller. */
  text: Uint8Array;
}
