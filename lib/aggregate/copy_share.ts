/**
 * The share that one scanner copies of the blocks of a graph.
 *
 * @module
 */

import type { TableTexts } from "../provenance/table/table_rows.ts";

/** Chunks of some quanta, and where their blocks go. Plain data. */
export interface CopyShare {
  chunkLogPath: string;
  /** Path of the graph, for errors. */
  outputPath: string;
  /** Where the graph is written until it is complete. */
  draftPath: string;
  /** Quanta in the order of their chunks in the chunk log. Shared. */
  order: Uint32Array;
  /** The share: a half-open range of `order`. */
  start: number;
  end: number;
  chunkOffset: Float64Array;
  /** Filled in for the datasets and quanta of the share. */
  places: BlockPlaces;
  /**
   * For each of the members `COPIED_MEMBERS`: where the blocks begin in the file and in the member's data, and
   * their bytes altogether.
   */
  ranges: CopyRange[];
}

/** What was copied: CRC-32 of each of the ranges. */
export interface CopiedShare {
  crcs: number[];
  /** Texts of all rows of the table that the scanner has made; null if a document has no place in one. */
  texts: TableTexts | null;
}

/**
 * Where the blocks are in the data of their members, on shared memory: 12 bytes a dataset, 32 a quantum.
 */
export interface BlockPlaces {
  datasetOffset: Float64Array;
  datasetSize: Uint32Array;
  quantumOffset: Float64Array;
  metadataOffset: Float64Array;
  logOffset: Float64Array;
  /** The quantum's own dataset of metadata, or -1; so of its log. */
  metadataDataset: Int32Array;
  logDataset: Int32Array;
}

/** See {@linkcode CopyShare}. */
export interface CopyRange {
  fileOffset: number;
  offset: number;
  size: number;
}
