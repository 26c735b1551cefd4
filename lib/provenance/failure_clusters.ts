/**
 * Failures that belong together: those of one task with one exception whose messages have one shape.
 *
 * @module
 */

import { MAX_LETTERS, messageHead, messageShape } from "./message_shape.ts";
import { AttemptStatus } from "./quantum_status.ts";

/** Shapes of one task and exception that are told apart; all others are one cluster. */
const MAX_SHAPES = 200;
/** Clusters in all; beyond that one more for each task takes the rest. */
const MAX_CLUSTERS = 10_000;
/** Messages whose cluster is remembered, so that the same text isn't masked again. */
const MAX_REMEMBERED = 4096;

/** What failures of a cluster have in common. */
export interface ClusterKey {
  task: string;
  /** Null where none is recorded, or in the cluster of all that there were too many of. */
  exception: string | null;
  /** Shape of the message; null in a cluster of many that there were too many of. */
  shape: string | null;
}

/** Sorts failures into clusters as they go by. Memory: at most 10,000 clusters, whatever comes. */
export class FailureClusters<Cluster> {
  readonly #make: (key: ClusterKey) => Cluster;
  readonly #clusters = new Map<string, Cluster>();
  readonly #nShapes = new Map<string, number>();
  /** By task, exception and message: texts put together would be made and looked at again for each failure. */
  readonly #remembered = new Map<string, Map<string | null, Map<string, Cluster>>>();
  #nRemembered = 0;

  /** @param make Makes what is kept of a new cluster. */
  constructor(make: (key: ClusterKey) => Cluster) {
    this.#make = make;
  }

  /**
   * The cluster of a failure; every failure has one.
   *
   * @param message As the exception has it; empty without one.
   */
  of(task: string, exception: string | null, message: string): Cluster {
    const messages = this.#messagesOf(task, exception);
    // Of a longer one no more is kept than what is looked at.
    const text = message.length <= MAX_LETTERS ? message : messageHead(message);
    const known = messages.get(text);
    if (known !== undefined) return known;
    const kind = `${task}\0${exception === null ? "" : `=${exception}`}`;
    const cluster = this.#find(kind, { task, exception, shape: messageShape(message) });
    messages.set(text, cluster);
    if (++this.#nRemembered > MAX_REMEMBERED) {
      this.#remembered.clear();
      this.#nRemembered = 0;
    }
    return cluster;
  }

  /** Clusters by message that are remembered. */
  #messagesOf(task: string, exception: string | null): Map<string, Cluster> {
    let ofTask = this.#remembered.get(task);
    if (ofTask === undefined) this.#remembered.set(task, ofTask = new Map());
    let messages = ofTask.get(exception);
    if (messages === undefined) ofTask.set(exception, messages = new Map());
    return messages;
  }

  /** All clusters in the order in which they were met. */
  all(): Cluster[] {
    return [...this.#clusters.values()];
  }

  #find(kind: string, key: ClusterKey): Cluster {
    const id = `${kind}\0=${key.shape}`;
    const found = this.#clusters.get(id);
    if (found !== undefined) return found;
    const nShapes = this.#nShapes.get(kind) ?? 0;
    if (this.#clusters.size >= MAX_CLUSTERS) {
      return this.#take(`${key.task}\0`, { task: key.task, exception: null, shape: null });
    }
    if (nShapes >= MAX_SHAPES) return this.#take(`${kind}\0`, { ...key, shape: null });
    this.#nShapes.set(kind, nShapes + 1);
    return this.#take(id, key);
  }

  #take(id: string, key: ClusterKey): Cluster {
    let cluster = this.#clusters.get(id);
    if (cluster === undefined) this.#clusters.set(id, cluster = this.#make(key));
    return cluster;
  }
}

/** By what clusters are ranked. */
interface ClusterWeight {
  /** Quanta that were never attempted because of these. */
  n_blocked: number;
  /** Seconds of attempts that came to nothing. */
  lost_time: number;
  /** Quanta that failed in the end. */
  n_failed: number;
}

/** Order of clusters: what blocks most first, then what cost most, then what there is most of. */
export function compareClusters(a: ClusterWeight, b: ClusterWeight): number {
  return b.n_blocked - a.n_blocked || b.lost_time - a.lost_time || b.n_failed - a.n_failed;
}

/**
 * What stands for the message of an attempt that left no exception, so that those that ended in the same
 * way are together.
 *
 * @param status Of the attempt.
 * @param hasTimes Whether its metadata tell when it ran.
 */
export function silentEnd(status: number, hasTimes: boolean): string {
  switch (status) {
    case AttemptStatus.ABORTED_SUCCESS:
      return "wrote metadata, but no log";
    case AttemptStatus.ABORTED:
      return "aborted";
    case AttemptStatus.FAILED:
      return hasTimes
        ? "metadata without exception"
        : "no metadata: killed, never started, or lost";
    default:
      return "not known how it ended";
  }
}
