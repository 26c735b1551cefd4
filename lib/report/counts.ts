/**
 * Counts of quanta by task, status, caveats and exception, as the reference's provenance report has
 * them.
 *
 * @module
 */

import type { QuantumGraphHeader } from "../qg/header.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import { lastAttempt, quantumStatus } from "../provenance/documents/quantum.ts";

/** Statuses in the order of columns, lowest number first. */
export const STATUSES: readonly number[] = Object.values(AttemptStatus).sort((a, b) => a - b);

/** Quanta of a task with one exception type. */
interface ExceptionCounts {
  /** Successful all the same: last attempts that wrote partial outputs. */
  nSuccesses: number;
  nFailures: number;
}

/** Counts of one task. */
export interface TaskCounts {
  label: string;
  /** Quanta that the header announces. */
  nExpected: number;
  /** Quanta that were read. */
  nQuanta: number;
  /** Quanta by status of the last attempt. */
  nByStatus: Map<number, number>;
  /** Quanta by caveats of the last attempt, in the order they were met; those without aren't in it. */
  nByCaveats: Map<number, number>;
  /** By exception type of the last attempt. */
  exceptions: Map<string, ExceptionCounts>;
}

/** Counts of all tasks. Memory: per task, not per quantum. */
export class ReportCounts {
  /** In pipeline order, those without quanta left out. */
  readonly tasks: readonly TaskCounts[];
  readonly #byLabel = new Map<string, TaskCounts>();

  /** @param labels Task labels in pipeline order. */
  constructor(labels: Iterable<string>, header: QuantumGraphHeader) {
    for (const label of labels) {
      this.#byLabel.set(label, {
        label,
        nExpected: header.n_task_quanta[label] ?? 0,
        nQuanta: 0,
        nByStatus: new Map(),
        nByCaveats: new Map(),
        exceptions: new Map(),
      });
    }
    this.tasks = [...this.#byLabel.values()].filter(({ nExpected }) => nExpected > 0);
  }

  /** Counts a quantum, or several that are alike; false if the pipeline has no such task. */
  add(quantum: QuantumKind, n = 1): boolean {
    const task = this.#byLabel.get(quantum.taskLabel);
    if (task === undefined) return false;
    task.nQuanta += n;
    const status = quantumStatus(quantum);
    increment(task.nByStatus, status, n);
    const attempt = lastAttempt(quantum);
    if (attempt === null) return true;
    // Zero is no caveats, null is not known: neither is shown.
    if (attempt.caveats) increment(task.nByCaveats, attempt.caveats, n);
    if (attempt.exceptionType !== null) {
      let counts = task.exceptions.get(attempt.exceptionType);
      if (counts === undefined) {
        task.exceptions.set(attempt.exceptionType, counts = { nSuccesses: 0, nFailures: 0 });
      }
      if (status === AttemptStatus.SUCCESSFUL) counts.nSuccesses += n;
      else counts.nFailures += n;
    }
    return true;
  }
}

function increment(counts: Map<number, number>, key: number, n: number): void {
  counts.set(key, (counts.get(key) ?? 0) + n);
}

/** Exception types of a task, sorted as Python sorts strings: by code point. */
export function sortedExceptions(task: TaskCounts): [typeName: string, ExceptionCounts][] {
  return [...task.exceptions].sort(([a], [b]) => compareCodePoints(a, b));
}

/** Order of code points, which differs from that of UTF-16 units outside the basic plane. */
function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i].codePointAt(0)! - right[i].codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** What quanta of a kind have in common. */
export interface QuantumKind {
  readonly taskLabel: string;
  /** In order of time; the last one counts, and none is of quanta that were not run. */
  readonly attempts: readonly CountedAttempt[];
}

/** What is counted of an attempt. */
interface CountedAttempt {
  status: number;
  /** Bit set; null if not recorded. */
  caveats: number | null;
  exceptionType: string | null;
}
