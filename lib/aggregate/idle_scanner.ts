/**
 * What scanners do for the main thread while they wait for their set-up, beside what it does itself.
 *
 * @module
 */

import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import type { PackedQuantumIds } from "../qg/predicted/packed_quantum_ids.ts";
import type { IdReader } from "./scan/index_graph.ts";
import type { FoundChunkLog, ScannerReply, ScannerRequest } from "./messages.ts";
import type { BlockRange } from "../qg/predicted/predicted_block.ts";

/**
 * A scanner that hasn't been set up. It was asked before to open the graph. Its owner may send it nothing
 * else before this is disposed.
 */
export class WaitingScanner implements IdReader, Disposable {
  readonly #worker: Worker;
  /** What was asked and isn't answered, in the order in which it was asked, which is that of the replies. */
  readonly #waiting: ((reply: ScannerReply | null) => void)[] = [];
  #isDead = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", this.#onMessage);
    worker.addEventListener("error", this.#onError);
  }

  async read(range: BlockRange): Promise<PackedQuantumIds | null> {
    const reply = await this.#ask({ kind: "ids", ...range });
    return reply?.kind === "ids" ? reply.ids : null;
  }

  /**
   * Reads a whole chunk log, as `loadChunkLog` does.
   *
   * @returns null if that failed, for whatever reason.
   */
  async readChunkLog(path: string, { arrays, seed }: GraphIndex): Promise<FoundChunkLog | null> {
    const reply = await this.#ask({ kind: "chunkLog", path, index: arrays, indexSeed: seed });
    return reply?.kind === "chunkLog" ? reply.found : null;
  }

  #ask(request: ScannerRequest): Promise<ScannerReply | null> {
    if (this.#isDead) return Promise.resolve(null);
    this.#worker.postMessage(request);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  readonly #onMessage = ({ data }: MessageEvent<ScannerReply>): void => {
    if (data.kind === "ids" || data.kind === "chunkLog") this.#waiting.shift()?.(data);
    else if (data.kind === "failed") this.#onError();
  };

  // Told by whoever gets the worker; here its share is done by others.
  readonly #onError = (): void => {
    this.#isDead = true;
    for (const resolve of this.#waiting.splice(0)) resolve(null);
  };

  /** Leaves the worker to others; what is still asked of it gets no answer but null. */
  [Symbol.dispose](): void {
    this.#worker.removeEventListener("message", this.#onMessage);
    this.#worker.removeEventListener("error", this.#onError);
    this.#onError();
  }
}
