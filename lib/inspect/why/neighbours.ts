/**
 * From quantum to quantum: what failed above a blocked one, and what a failed one blocks. Goes outwards
 * level by level, and ends where a limit is reached. Memory: that of what is visited.
 *
 * @module
 */

import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
import type { TracedQuantum, TraceKey, TraceSource } from "../../sources/trace/trace_source.ts";
import type { Blocks } from "./answer.ts";

/** Nodes that are announced together. */
const N_ANNOUNCED = 64;

const BLOCKED = attemptStatusName(AttemptStatus.BLOCKED);
/** Statuses of quanta that others wait for in vain. */
const BLOCKING: ReadonlySet<string> = new Set(
  [AttemptStatus.FAILED, AttemptStatus.ABORTED, AttemptStatus.UNKNOWN].map(attemptStatusName),
);

/** A failed quantum that was met. */
export interface FoundCause {
  quantumId: string;
  quantum: TracedQuantum;
  nSteps: number;
}

/** All of them. */
interface FoundCauses {
  found: FoundCause[];
  nUnknown: number;
  isComplete: boolean;
}

/** Whether quanta behind one of this status did not run because of it. */
export function isBlocking(status: string | null): boolean {
  return status !== null && BLOCKING.has(status);
}

/** Counts what is visited, and says when it is enough. */
class Budget {
  #left: number;
  isSpent = false;

  constructor(limit: number) {
    this.#left = limit;
  }

  /** As many of some keys as may still be visited. */
  take<T>(keys: readonly T[]): readonly T[] {
    const taken = keys.slice(0, this.#left);
    if (taken.length < keys.length) this.isSpent = true;
    this.#left -= taken.length;
    return taken;
  }
}

/**
 * Failed quanta above a blocked one, the nearest first.
 *
 * @param limit Quanta and datasets to visit at most.
 */
export async function findCauses(
  source: TraceSource,
  start: TracedQuantum,
  limit: number,
): Promise<FoundCauses> {
  const budget = new Budget(limit);
  const found: FoundCause[] = [];
  const seen = new Set<string>();
  let nUnknown = 0;
  let level: TracedQuantum[] = [start];
  for (let nSteps = 1; level.length > 0; nSteps++) {
    const inputs = idsOf(level.flatMap(({ inputs }) => [...inputs.values()]), seen);
    const above = new Set<string>();
    await visit(source, budget, "dataset", inputs, async (id) => {
      const { producer } = (await source.dataset(id)).row;
      if (producer !== null && !seen.has(producer)) above.add(producer);
    });
    for (const id of above) seen.add(id);
    level = [];
    await visit(source, budget, "quantum", [...above], async (quantumId) => {
      const quantum = await source.quantum(quantumId);
      if (quantum.status === BLOCKED) level.push(quantum);
      else if (isBlocking(quantum.status)) found.push({ quantumId, quantum, nSteps });
      else if (quantum.status === null && !quantum.isInit) nUnknown++;
    });
  }
  return { found, nUnknown, isComplete: !budget.isSpent };
}

/** Blocked quanta below a failed one. @param limit As of {@linkcode findCauses}. */
export async function findBlocked(
  source: TraceSource,
  start: TracedQuantum,
  limit: number,
): Promise<Blocks> {
  const budget = new Budget(limit);
  const byTask = new Map<string, number>();
  const seen = new Set<string>();
  let n = 0;
  let level: TracedQuantum[] = [start];
  while (level.length > 0) {
    const outputs = idsOf(level.flatMap(({ outputs }) => [...outputs.values()]), seen);
    const below = new Set<string>();
    await visit(source, budget, "dataset", outputs, async (id) => {
      for (const each of (await source.dataset(id)).consumers) {
        if (!seen.has(each)) below.add(each);
      }
    });
    for (const id of below) seen.add(id);
    level = [];
    await visit(source, budget, "quantum", [...below], async (id) => {
      const quantum = await source.quantum(id);
      if (quantum.status !== BLOCKED) return;
      n++;
      byTask.set(quantum.taskLabel, (byTask.get(quantum.taskLabel) ?? 0) + 1);
      level.push(quantum);
    });
  }
  return { n, byTask, isComplete: !budget.isSpent };
}

/** Ids that were not seen before, each once. */
function idsOf(edges: readonly (readonly string[])[], seen: Set<string>): string[] {
  const ids: string[] = [];
  for (const id of edges.flat()) {
    if (seen.has(id)) continue;
    seen.add(id);
    ids.push(id);
  }
  return ids;
}

async function visit(
  source: TraceSource,
  budget: Budget,
  kind: TraceKey["kind"],
  ids: readonly string[],
  each: (id: string) => Promise<void>,
): Promise<void> {
  const taken = budget.take(ids);
  for (let at = 0; at < taken.length; at += N_ANNOUNCED) {
    const some = taken.slice(at, at + N_ANNOUNCED);
    await source.announce(some.map((id) => ({ kind, id })));
    for (const id of some) await each(id);
  }
}
