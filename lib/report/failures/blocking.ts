/**
 * What failed quanta block: how many blocked quanta have each of them as the nearest failed one on their
 * way up. Every blocked quantum counts once, so that the numbers add up.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import { IdTable } from "../../base/id_table.ts";
import { uuidFromText } from "../../base/uuid.ts";
import { findBlockers, type QuantumEdges } from "../../provenance/blockers.ts";
import type { QuantumDocument } from "../../provenance/documents/quantum.ts";

/** What is counted in the end. */
export interface BlockedCounts {
  /** By number of the quantum: how many it is the nearest failed one of. */
  nBlocked: Uint32Array;
  /** Blocked quanta upstream of which nothing failed. */
  nUnexplained: number;
}

/** Datasets of quanta, as pairs of numbers. */
class Pairs {
  readonly #quantum = new Grower<Uint32Array>(Uint32Array);
  readonly #dataset = new Grower<Uint32Array>(Uint32Array);
  n = 0;

  add(quantum: number, dataset: number): void {
    this.#quantum.reach(this.n)[this.n] = quantum;
    this.#dataset.reach(this.n)[this.n++] = dataset;
  }

  /** The values of each key one after another, with the place where those of each key begin. */
  grouped(by: "quantum" | "dataset", nKeys: number): [Uint32Array, Uint32Array] {
    const quanta = this.#quantum.array.subarray(0, this.n);
    const datasets = this.#dataset.array.subarray(0, this.n);
    const [keys, values] = by === "quantum" ? [quanta, datasets] : [datasets, quanta];
    const start = new Uint32Array(nKeys + 1);
    for (const key of keys) start[key + 1]++;
    for (let key = 0; key < nKeys; key++) start[key + 1] += start[key];
    const next = start.slice();
    const sorted = new Uint32Array(this.n);
    for (let i = 0; i < this.n; i++) sorted[next[keys[i]]++] = values[i];
    return [start, sorted];
  }
}

/** Quanta that failed or are blocked, with what they were to write and to read. 16 bytes an edge. */
export class BlockingQuanta {
  readonly #quanta = new IdTable();
  readonly #datasets = new IdTable();
  readonly #statuses = new Grower<Uint8Array>(Uint8Array);
  readonly #outputs = new Pairs();
  readonly #inputs = new Pairs();

  /**
   * Takes a quantum in.
   *
   * @param status 128 is added, for typed arrays: statuses may be negative.
   * @returns its number.
   */
  add(
    { quantumId, inputs, outputs }: Pick<QuantumDocument, "quantumId" | "inputs" | "outputs">,
    status: number,
  ): number {
    const number = this.#quanta.add(uuidFromText(quantumId), 0);
    this.#statuses.reach(number)[number] = status + STATUS_OFFSET;
    for (const [edges, pairs] of [[inputs, this.#inputs], [outputs, this.#outputs]] as const) {
      for (const ids of edges.values()) {
        for (const id of ids) pairs.add(number, this.#datasets.add(uuidFromText(id), 0));
      }
    }
    return number;
  }

  /** Counts, of equally near failed quanta for the one with the least id. */
  count(isBlocked: (status: number) => boolean): BlockedCounts {
    const { n } = this.#quanta;
    const [outputStart, outputs] = this.#outputs.grouped("quantum", n);
    const [consumerStart, consumers] = this.#inputs.grouped("dataset", this.#datasets.n);
    const edges: QuantumEdges = { nQuanta: n, outputStart, outputs, consumerStart, consumers };
    const statuses = Int8Array.from(
      this.#statuses.array.subarray(0, n),
      (status) => status - STATUS_OFFSET,
    );
    const { first } = findBlockers(edges, statuses, 0, this.#quanta.ids.array);
    const counts: BlockedCounts = { nBlocked: new Uint32Array(n), nUnexplained: 0 };
    first.forEach((blocker, q) => {
      if (blocker >= 0) counts.nBlocked[blocker]++;
      else if (isBlocked(statuses[q])) counts.nUnexplained++;
    });
    return counts;
  }
}

const STATUS_OFFSET = 128;
