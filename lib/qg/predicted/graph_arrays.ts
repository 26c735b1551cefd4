/**
 * The arrays that an index of a predicted graph consists of.
 *
 * @module
 */

/** What tells, with a data ID, where log and metadata of a task's quanta are. */
export interface TaskFiles {
  metadataType: string;
  /** Empty if the task writes no log. */
  logType: string;
  run: string;
}

/** The arrays of an index: plain data on shared memory, to be posted to workers. */
export interface GraphArrays {
  taskLabels: string[];
  /** One a task; null where no quantum has such. */
  taskFiles: (TaskFiles | null)[];
  nQuanta: number;
  nInitQuanta: number;
  nDatasets: number;
  quantumIds: Uint8Array;
  taskIndex: Uint16Array;
  blockOffset: Float64Array;
  blockSize: Uint32Array;
  nOwnedInputs: Uint32Array;
  nProducedInputs: Uint32Array;
  outputStart: Uint32Array;
  outputs: Uint32Array;
  datasetIds: Uint8Array;
  slots: Uint32Array;
  producer: Int32Array;
  consumerStart: Uint32Array;
  consumers: Uint32Array;
  /**
   * Where the data ID of a quantum's log and metadata begins in `coordinates`; it ends where the next
   * one begins. Empty where dataset types or RUN are not those of `taskFiles`.
   */
  coordinateStart: Uint32Array;
  /** JSON texts of data IDs, as in the graph. */
  coordinates: Uint8Array;
}
