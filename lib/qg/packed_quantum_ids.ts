/**
 * The ids of many neighbouring quanta as a few arrays: what one thread found out in their blocks, for
 * another that makes an index of it.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { BlockRange, PredictedBlock } from "./predicted_graph.ts";
import { type QuantumFileRefs, QuantumIds, scanQuantumIds } from "./predicted_ids.ts";

/** Dataset types and RUN of the metadata and the log of quanta, see {@linkcode QuantumFileRefs}. */
export type QuantumFileTypes = Omit<QuantumFileRefs, "coordinateRange">;

/** Numbers of one quantum, in this order, in {@linkcode PackedQuantumIds.numbers}. */
export const PackedColumn = {
  /** Position in `taskLabels`. */
  TASK: 0,
  /** Position in `fileTypes`; -1 for a quantum whose files its block alone can tell. */
  FILE_TYPES: 1,
  N_OUTPUTS: 2,
  N_INPUTS: 3,
  /** Bytes of the data ID of its files in `coordinates`. */
  COORDINATE_SIZE: 4,
  BLOCK_OFFSET: 5,
  BLOCK_SIZE: 6,
} as const;
/** Numbers of a quantum. */
export const N_PACKED_COLUMNS = 7;

/** Plain data, to be posted. */
export interface PackedQuantumIds {
  nQuanta: number;
  numbers: Float64Array<ArrayBuffer>;
  /** Of each quantum its own id, those of its outputs, those of its inputs; 16 bytes each. */
  ids: Uint8Array<ArrayBuffer>;
  /** JSON texts of data IDs, one after the other. */
  coordinates: Uint8Array<ArrayBuffer>;
  taskLabels: string[];
  fileTypes: QuantumFileTypes[];
}

/** Where blocks are read: a predicted graph. */
export interface QuantumBlocks {
  readonly path: string;
  blocks(range?: BlockRange): Iterable<PredictedBlock>;
}

/**
 * Reads the ids of some blocks, see {@linkcode scanQuantumIds}.
 *
 * @throws {InvalidQuantumGraphFileError} naming file and place of a block that can't be read or isn't a
 *   quantum.
 */
export function packQuantumIds(graph: QuantumBlocks, range: BlockRange): PackedQuantumIds {
  const [packed] = packInBatches(graph, Infinity, range);
  return packed ?? emptyBatch();
}

/** As {@linkcode packQuantumIds}, so many quanta at a time; without a range, of all blocks. */
export function* packInBatches(
  graph: QuantumBlocks,
  nBatch: number,
  range?: BlockRange,
): Generator<PackedQuantumIds> {
  const ids = new QuantumIds();
  const idBytes = new ByteBuilder();
  const coordinates = new ByteBuilder();
  let numbers: number[] = [];
  let taskLabels: string[] = [];
  let fileTypes: QuantumFileTypes[] = [];
  const take = (): PackedQuantumIds => {
    const packed: PackedQuantumIds = {
      nQuanta: numbers.length / N_PACKED_COLUMNS,
      numbers: Float64Array.from(numbers),
      ids: idBytes.take(),
      coordinates: coordinates.take(),
      taskLabels,
      fileTypes,
    };
    idBytes.reset();
    coordinates.reset();
    [numbers, taskLabels, fileTypes] = [[], [], []];
    return packed;
  };
  for (const { offset, size, text } of graph.blocks(range)) {
    try {
      scanQuantumIds(text, ids);
    } catch (cause) {
      throw new InvalidQuantumGraphFileError(
        `Cannot read block at ${offset} of "${graph.path}": ${(cause as Error).message}`,
        { cause },
      );
    }
    const { files } = ids;
    const [start, end] = files?.coordinateRange ?? [0, 0];
    numbers.push(
      positionOf(taskLabels, ids.taskLabel),
      files === null ? -1 : positionOfTypes(fileTypes, files),
      ids.nOutputs,
      ids.nInputs,
      end - start,
      offset,
      size,
    );
    idBytes.bytes(ids.quantumId);
    idBytes.bytes(ids.outputIds, 0, ids.nOutputs * UUID_SIZE);
    idBytes.bytes(ids.inputIds, 0, ids.nInputs * UUID_SIZE);
    coordinates.bytes(text, start, end);
    if (numbers.length === nBatch * N_PACKED_COLUMNS) yield take();
  }
  if (numbers.length > 0) yield take();
}

function emptyBatch(): PackedQuantumIds {
  return {
    nQuanta: 0,
    numbers: new Float64Array(0),
    ids: new Uint8Array(0),
    coordinates: new Uint8Array(0),
    taskLabels: [],
    fileTypes: [],
  };
}

/** Neighbours are mostly of one task: few labels, the wanted one mostly the last. */
function positionOf(labels: string[], label: string): number {
  const at = labels.lastIndexOf(label);
  return at >= 0 ? at : labels.push(label) - 1;
}

function positionOfTypes(all: QuantumFileTypes[], files: QuantumFileRefs): number {
  const { metadataType, logType, run } = files;
  const at = all.findLastIndex((types) =>
    types.metadataType === metadataType && types.logType === logType && types.run === run
  );
  return at >= 0 ? at : all.push({ metadataType, logType, run }) - 1;
}
