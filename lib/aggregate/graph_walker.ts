/**
 * Which quanta may be scanned: those all of whose predecessors succeeded. A failure blocks all its
 * descendants.
 *
 * @module
 */

import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { ScanStatus } from "../provenance/quantum_status.ts";

const WAITING = 0;
const SENT = 100;

/** Traversal of the regular quanta of a graph. Memory: 9 bytes a quantum. */
export class GraphWalker {
  readonly #index: GraphIndex;
  readonly #state: Uint8Array;
  readonly #pending: Uint32Array;
  // Every quantum enters the queue once at most, so it never wraps.
  readonly #queue: Uint32Array;
  #queueHead = 0;
  #queueTail = 0;
  #nOpen: number;
  readonly #nByStatus = [0, 0, 0, 0, 0];
  /** One byte a quantum, made when it is needed: see {@linkcode isBehindUnreadable}. */
  #isBehind: Uint8Array | null = null;

  constructor(index: GraphIndex) {
    this.#index = index;
    const n = index.nQuanta;
    this.#state = new Uint8Array(n);
    this.#pending = new Uint32Array(n);
    this.#queue = new Uint32Array(n);
    this.#nOpen = n;
    for (let q = 0; q < n; q++) {
      this.#pending[q] = index.arrays.nProducedInputs[q];
      if (this.#pending[q] === 0) this.#queue[this.#queueTail++] = q;
    }
  }

  /** Quanta ready and not yet taken. */
  get nReady(): number {
    return this.#queueTail - this.#queueHead;
  }

  /** Whether nothing is left to happen. */
  get isDone(): boolean {
    return this.#nOpen === 0;
  }

  /** Quanta with a final status, of those of the graph. */
  get nDone(): number {
    return this.#index.nQuanta - this.#nOpen;
  }

  /** How many quanta have a status. */
  count(status: ScanStatus): number {
    return this.#nByStatus[status];
  }

  /** Takes up to `limit` ready quanta; who takes them reports each with {@linkcode report}. */
  take(limit: number): Uint32Array {
    const n = Math.min(limit, this.nReady);
    const batch = this.#queue.slice(this.#queueHead, this.#queueHead + n);
    this.#queueHead += n;
    for (const q of batch) this.#state[q] = SENT;
    return batch;
  }

  /**
   * Notes what the scan of a quantum came to.
   *
   * @param onBlocked Called with each quantum that can't be scanned any more because of it.
   */
  report(q: number, status: ScanStatus, onBlocked: (q: number) => void): void {
    this.#finish(q, status);
    if (status === ScanStatus.SUCCESSFUL) {
      this.#forSuccessors(q, (successor) => this.#release(successor));
      return;
    }
    const descendantStatus = status === ScanStatus.ABANDONED
      ? ScanStatus.ABANDONED
      : ScanStatus.BLOCKED;
    const stack = [q];
    while (stack.length > 0) {
      this.#forSuccessors(stack.pop()!, (successor) => {
        if (this.#state[successor] !== WAITING) return;
        this.#finish(successor, descendantStatus);
        onBlocked(successor);
        stack.push(successor);
      });
    }
  }

  /**
   * Notes that a quantum left a metadata file that can't be read. It counts as failed, but it may have
   * succeeded: so it blocks nothing, and what its successors left decides about them.
   */
  reportUnreadable(q: number, status: ScanStatus): void {
    this.#finish(q, status);
    const isBehind = this.#isBehind ??= new Uint8Array(this.#index.nQuanta);
    this.#forSuccessors(q, (successor) => {
      isBehind[successor] = 1;
      this.#release(successor);
    });
  }

  /** Whether a quantum follows one of {@linkcode reportUnreadable}: if it left nothing, it is blocked. */
  isBehindUnreadable(q: number): boolean {
    return this.#isBehind !== null && this.#isBehind[q] !== 0;
  }

  /** Whether a quantum was taken and not reported. */
  isOut(q: number): boolean {
    return this.#state[q] === SENT;
  }

  #release(successor: number): void {
    if (--this.#pending[successor] === 0 && this.#state[successor] === WAITING) {
      this.#queue[this.#queueTail++] = successor;
    }
  }

  #finish(q: number, status: ScanStatus): void {
    this.#state[q] = status;
    this.#nByStatus[status]++;
    this.#nOpen--;
  }

  /** One call for each dataset that leads there, so a successor may be met several times. */
  #forSuccessors(q: number, visit: (successor: number) => void): void {
    const { outputStart, outputs, consumerStart, consumers } = this.#index.arrays;
    const n = this.#index.nQuanta;
    for (let i = outputStart[q]; i < outputStart[q + 1]; i++) {
      const d = outputs[i];
      for (let k = consumerStart[d]; k < consumerStart[d + 1]; k++) {
        if (consumers[k] < n) visit(consumers[k]);
      }
    }
  }
}
