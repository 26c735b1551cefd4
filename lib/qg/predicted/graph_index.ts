/**
 * A predicted graph as typed arrays: who produces each dataset, who reads it, where each quantum's
 * block is. Made in one sequential pass, or of what a chunk log remembers of such a pass, and shared
 * with the workers; no id is ever a string.
 *
 * Memory: 16 bytes of id, 8 to 16 of hash table, 8 of producer and consumer start for a dataset; 48
 * and the text of its data ID for a quantum; 4 for each edge.
 *
 * @module
 */

import { equalIds, findId } from "../../base/id_table.ts";
import { UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import type { GraphArrays } from "./graph_arrays.ts";

/** Index of a predicted graph. Quanta and datasets are numbers; init quanta follow the others. */
export class GraphIndex {
  /** The data, to be posted to workers together with {@linkcode seed}. */
  readonly arrays: GraphArrays;
  /** Seed of the hash table. */
  readonly seed: number;

  constructor(arrays: GraphArrays, seed: number) {
    this.arrays = arrays;
    this.seed = seed;
  }

  get nQuanta(): number {
    return this.arrays.nQuanta;
  }
  get nDatasets(): number {
    return this.arrays.nDatasets;
  }

  /** Number of the dataset with the id at `offset`, or -1. */
  findDataset(id: Uint8Array, offset = 0): number {
    return findId(this.arrays.slots, this.arrays.datasetIds, this.seed, id, offset);
  }

  /** Number of the output at position `i` of a quantum if it has the id at `offset`, else -1. */
  outputAt(q: number, i: number, id: Uint8Array, offset: number): number {
    const { outputStart, outputs, datasetIds } = this.arrays;
    const at = outputStart[q] + i;
    if (at >= outputStart[q + 1]) return -1;
    const d = outputs[at];
    return equalIds(datasetIds, d * UUID_SIZE, id, offset) ? d : -1;
  }

  /** Id of a quantum as text. */
  quantumIdText(q: number): string {
    return uuidToText(this.arrays.quantumIds, q * UUID_SIZE);
  }

  /** Id of a quantum: 16 bytes, a view. */
  quantumId(q: number): Uint8Array {
    return this.arrays.quantumIds.subarray(q * UUID_SIZE, (q + 1) * UUID_SIZE);
  }

  /** Label of a quantum's task. */
  taskLabel(q: number): string {
    return this.arrays.taskLabels[this.arrays.taskIndex[q]];
  }

  /** Ids, as text, of the quanta that read a dataset, in the order of the graph. */
  consumerTexts(d: number): string[] {
    const { consumerStart, consumers } = this.arrays;
    const texts: string[] = [];
    for (let i = consumerStart[d]; i < consumerStart[d + 1]; i++) {
      texts.push(this.quantumIdText(consumers[i]));
    }
    return texts;
  }

  /** Whether `q` is the first reader of a dataset that nothing in the graph produces. */
  ownsInput(q: number, d: number): boolean {
    const { consumerStart, consumers, producer } = this.arrays;
    return producer[d] < 0 && consumers[consumerStart[d]] === q;
  }
}
