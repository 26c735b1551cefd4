/**
 * Which failed quantum blocks a blocked one: found for all quanta of a run at once, in typed arrays, so
 * that it costs a pass over the edges and not a search for each.
 *
 * @module
 */

import { sortIds } from "../base/sort_ids.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { AttemptStatus } from "./quantum_status.ts";

/**
 * Who writes and who reads each dataset, by number: the arrays of a graph's index have this form. The
 * outputs of quantum `q` are `outputs[outputStart[q]]` up to `outputs[outputStart[q + 1]]`; so are the
 * readers of a dataset in `consumers`. Readers from number `nQuanta` on are none that run.
 */
export interface QuantumEdges {
  readonly nQuanta: number;
  readonly outputStart: Uint32Array;
  readonly outputs: Uint32Array;
  readonly consumerStart: Uint32Array;
  readonly consumers: Uint32Array;
}

/** What blocks each quantum. */
export interface Blockers {
  /**
   * For a blocked quantum the failed one nearest to it on the way up, by quanta between them, and of
   * equally near ones that with the least id, or number if ids aren't given; -1 for quanta that are not blocked, and where nothing
   * upstream has failed.
   */
  first: Int32Array;
  /** For a blocked quantum how many failed ones lie upstream of it, {@linkcode NOT_COUNTED}, or 0. */
  nBlockers: Int32Array;
  /** For a failed quantum how many blocked ones lie behind it, {@linkcode NOT_COUNTED}, or 0. */
  nBlocked: Int32Array;
}

/** A number that it would have taken too long to find. */
export const NOT_COUNTED = -1;

/** Edges that counting may follow: each at least this often, and this many in all (a second's work). */
const EDGE_VISITS = 8;
const MIN_VISITS = 2 ** 25;

/** Whether a quantum with this last status blocks those behind it. */
export function isBlocking(status: number): boolean {
  return status < AttemptStatus.BLOCKED && status !== AttemptStatus.ABORTED_SUCCESS;
}

/**
 * Finds what blocks each blocked quantum. A quantum is blocked by a failed one if each quantum between
 * them is blocked. Time: linear for the nearest; for the numbers as many steps as there are pairs of
 * a failed quantum and an edge behind it, up to a bound that follows from the graph alone, beyond which
 * numbers are {@linkcode NOT_COUNTED}. Memory: 24 bytes a quantum.
 *
 * @param statuses Status of the last attempt of each quantum, `AttemptStatus.BLOCKED` for none.
 * @param maxVisits Edges that counting may follow.
 * @param ids 16 bytes of each quantum: the order of a file is known to who has the file alone.
 */
export function findBlockers(
  edges: QuantumEdges,
  statuses: ArrayLike<number>,
  maxVisits: number = Math.max(MIN_VISITS, EDGE_VISITS * edges.consumers.length),
  ids: Uint8Array | null = null,
): Blockers {
  const { nQuanta } = edges;
  const blockers: Blockers = {
    first: new Int32Array(nQuanta).fill(-1),
    nBlockers: new Int32Array(nQuanta),
    nBlocked: new Int32Array(nQuanta),
  };
  const blocking: number[] = [];
  for (let q = 0; q < nQuanta; q++) if (isBlocking(statuses[q])) blocking.push(q);
  findNearest(edges, statuses, ids === null ? blocking : byId(blocking, ids), blockers.first);
  count(edges, statuses, blocking, blockers, maxVisits);
  return blockers;
}

function byId(quanta: readonly number[], ids: Uint8Array): number[] {
  const order = sortIds(ids, Uint32Array.from(quanta, (q) => q * UUID_SIZE));
  return Array.from(order, (i) => quanta[i]);
}

/**
 * Calls `visit` for each blocked quantum that reads something of `q`; one that reads several datasets
 * several times. Returns how many edges were followed.
 */
function forBlockedReaders(
  { nQuanta, outputStart, outputs, consumerStart, consumers }: QuantumEdges,
  statuses: ArrayLike<number>,
  q: number,
  visit: (reader: number) => void,
): number {
  let nEdges = 0;
  for (let i = outputStart[q]; i < outputStart[q + 1]; i++) {
    const end = consumerStart[outputs[i] + 1];
    for (let k = consumerStart[outputs[i]]; k < end; k++, nEdges++) {
      const reader = consumers[k];
      if (reader < nQuanta && statuses[reader] === AttemptStatus.BLOCKED) visit(reader);
    }
  }
  return nEdges;
}

/** A search from all failed quanta at once: breadth first, so that the nearest one comes first. */
function findNearest(
  edges: QuantumEdges,
  statuses: ArrayLike<number>,
  blocking: readonly number[],
  first: Int32Array,
): void {
  const queue = new Uint32Array(edges.nQuanta);
  let tail = 0;
  for (const q of blocking) queue[tail++] = q;
  for (let head = 0; head < tail; head++) {
    const source = head < blocking.length ? queue[head] : first[queue[head]];
    forBlockedReaders(edges, statuses, queue[head], (reader) => {
      if (first[reader] !== -1) return;
      first[reader] = source;
      queue[tail++] = reader;
    });
  }
}

/** A search from each failed quantum, as long as there are visits left. */
function count(
  edges: QuantumEdges,
  statuses: ArrayLike<number>,
  blocking: readonly number[],
  { nBlockers, nBlocked }: Blockers,
  maxVisits: number,
): void {
  const lastSource = new Int32Array(edges.nQuanta).fill(-1);
  const queue = new Uint32Array(edges.nQuanta);
  let nVisits = 0;
  let nCounted = 0;
  for (; nCounted < blocking.length && nVisits <= maxVisits; nCounted++) {
    const source = queue[0] = blocking[nCounted];
    let tail = 1;
    for (let head = 0; head < tail; head++) {
      nVisits += 1 + forBlockedReaders(edges, statuses, queue[head], (reader) => {
        if (lastSource[reader] === source) return;
        lastSource[reader] = source;
        nBlockers[reader]++;
        queue[tail++] = reader;
      });
    }
    nBlocked[source] = tail - 1;
  }
  const rest = blocking.slice(nCounted);
  for (const q of rest) nBlocked[q] = NOT_COUNTED;
  const isBehindRest = new Int32Array(edges.nQuanta).fill(-1);
  findNearest(edges, statuses, rest, isBehindRest);
  isBehindRest.forEach((source, q) => {
    if (source >= 0) nBlockers[q] = NOT_COUNTED;
  });
}
