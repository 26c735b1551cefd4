/**
 * How library code tells what it is at. It counts; how that looks, and how often it is told, is decided
 * by the command line, which also owns the clock.
 *
 * @module
 */

/** What waits in front of a stage. */
export interface StageQueue {
  size: number;
  /** Most that may wait; those in front of a full queue wait themselves. */
  limit: number;
  /** `datasets`, `bytes`. */
  unit: string;
}

/** One thing that an operation does. Stages may go on side by side. */
export interface Stage {
  /** A verb: `scan`, `ingest`. */
  name: string;
  /** What is counted, in the plural: `quanta`; `bytes` are told in larger units. */
  unit: string;
  nDone: number;
  /** Null while it isn't known. */
  nTotal: number | null;
  state: "waiting" | "running" | "done";
  queue?: StageQueue;
  /** What became of the things done: how many of each kind. */
  counts?: Readonly<Record<string, number>>;
}

/** An operation that is being watched, until it is disposed of. */
export interface Watch extends Disposable {
  /**
   * To be called at the ends of stages, and now and then by work that gives the event loop no turns.
   * Cheap enough to be called for each block or batch.
   */
  update(): void;
}

/** A place to tell progress. */
export interface Progress {
  /**
   * Watches an operation.
   *
   * @param stages Called whenever its state is to be told; order is that of the work.
   * @param speedLevel Level of the line that tells the speed at the end: VERBOSE for what only reads and
   *   then answers.
   */
  watch(stages: () => readonly Stage[], speedLevel?: "INFO" | "VERBOSE"): Watch;
}

/** Progress that nobody looks at. */
export const SILENT_PROGRESS: Progress = {
  watch: () => ({ update: () => {}, [Symbol.dispose]: () => {} }),
};

/**
 * Passes quanta on and counts them.
 *
 * @param nTotal How many there are.
 */
export async function* countQuanta<T>(
  quanta: AsyncIterable<T>,
  nTotal: number,
  progress: Progress,
): AsyncGenerator<T> {
  const stage: Stage = { name: "read", unit: "quanta", nDone: 0, nTotal, state: "running" };
  using watch = progress.watch(() => [stage], "VERBOSE");
  for await (const quantum of quanta) {
    yield quantum;
    stage.nDone++;
    watch.update();
  }
  stage.state = "done";
}

/**
 * The stage that all others wait for: the last one whose queue is at least half full, else the first
 * that isn't done. Null if all are.
 */
export function bottleneck(stages: readonly Stage[]): Stage | null {
  const running = stages.filter(({ state }) => state === "running");
  return running.findLast(({ queue }) => queue !== undefined && queue.size * 2 >= queue.limit) ??
    running[0] ?? null;
}
