/**
 * The ids of many neighbouring quanta as a few arrays: what one thread found out in their blocks, for
 * another that makes an index of it.
 *
 * @module
 */

import { ByteBuilder } from "../../base/bytes.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import { type OutputRules, type QuantumFileRefs, QuantumIds } from "./predicted_ids.ts";
import type { BlockRange, PredictedBlock } from "./predicted_block.ts";

/** Dataset types and RUN of the metadata and the log of quanta, see {@linkcode QuantumFileRefs}. */
type QuantumFileTypes = Omit<QuantumFileRefs, "coordinateRange">;

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
  scanBlock(block: PredictedBlock, out: QuantumIds, rules: OutputRules | null): void;
}

/**
 * Reads the ids of some blocks.
 *
 * @param rules What outputs are checked by, if at all.
 * @throws {InvalidQuantumGraphFileError} naming file and place of a block that can't be read or isn't a
 *   quantum.
 */
export function packQuantumIds(
  graph: QuantumBlocks,
  range: BlockRange,
  rules: OutputRules | null = null,
): PackedQuantumIds {
  const packer = new Packer(graph, rules);
  for (const block of graph.blocks(range)) packer.add(block);
  return packer.take();
}

/** As {@linkcode packQuantumIds}, but of all blocks, so many quanta at a time; the last may be none. */
export function* packInBatches(
  graph: QuantumBlocks,
  nBatch: number,
  rules: OutputRules | null,
): Generator<PackedQuantumIds> {
  const packer = new Packer(graph, rules);
  for (const block of graph.blocks()) {
    packer.add(block);
    if (packer.nQuanta === nBatch) yield packer.take();
  }
  yield packer.take();
}

/** Gathers the ids of blocks. */
class Packer {
  readonly #graph: QuantumBlocks;
  readonly #rules: OutputRules | null;
  readonly #quantum = new QuantumIds();
  readonly #ids = new ByteBuilder();
  readonly #coordinates = new ByteBuilder();
  #numbers: number[] = [];
  #taskLabels: string[] = [];
  #fileTypes: QuantumFileTypes[] = [];

  constructor(graph: QuantumBlocks, rules: OutputRules | null) {
    this.#graph = graph;
    this.#rules = rules;
  }

  /** Quanta that {@linkcode take} would give. */
  get nQuanta(): number {
    return this.#numbers.length / N_PACKED_COLUMNS;
  }

  add(block: PredictedBlock): void {
    const quantum = this.#quantum;
    this.#graph.scanBlock(block, quantum, this.#rules);
    const { files } = quantum;
    const [start, end] = files?.coordinateRange ?? [0, 0];
    this.#numbers.push(
      positionOf(this.#taskLabels, quantum.taskLabel),
      files === null ? -1 : positionOfTypes(this.#fileTypes, files),
      quantum.nOutputs,
      quantum.nInputs,
      end - start,
      block.offset,
      block.size,
    );
    this.#ids.bytes(quantum.quantumId);
    this.#ids.bytes(quantum.outputIds, 0, quantum.nOutputs * UUID_SIZE);
    this.#ids.bytes(quantum.inputIds, 0, quantum.nInputs * UUID_SIZE);
    this.#coordinates.bytes(block.text, start, end);
  }

  /** What was added since the last call. */
  take(): PackedQuantumIds {
    const packed: PackedQuantumIds = {
      nQuanta: this.nQuanta,
      numbers: Float64Array.from(this.#numbers),
      ids: this.#ids.take(),
      coordinates: this.#coordinates.take(),
      taskLabels: this.#taskLabels,
      fileTypes: this.#fileTypes,
    };
    this.#ids.reset();
    this.#coordinates.reset();
    [this.#numbers, this.#taskLabels, this.#fileTypes] = [[], [], []];
    return packed;
  }
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
