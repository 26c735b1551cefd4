/**
 * What attempts took: sums by task, concurrency over time, the slowest and the largest.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import type { AttemptFacts, NamedQuantum, UsageFacts } from "./facts.ts";
import { LargestList } from "./largest_list.ts";
import type { ExtremeReport } from "./model.ts";
import { hasOddTimes, SHORTEST_STEP } from "./odd_times.ts";
import type { TaskPart } from "./task_part.ts";
import { Timeline } from "./timeline.ts";

/** See the module. Memory: 3 kB for each task, and what is listed. */
export class UsageTotals {
  readonly timeline: Timeline;
  readonly slowest: LargestList<ExtremeReport>;
  readonly largest: LargestList<ExtremeReport>;
  readonly #latest: number;
  readonly #dataId: (quantum: NamedQuantum) => { [dimension: string]: JsonValue };

  /**
   * @param latest Attempts that began later have impossible times, microseconds since 1970.
   * @param dataId Data ID of a quantum.
   */
  constructor(
    nTasks: number,
    nExtremes: number,
    latest: number,
    dataId: (quantum: NamedQuantum) => { [dimension: string]: JsonValue },
  ) {
    this.timeline = new Timeline(nTasks);
    this.slowest = new LargestList(nExtremes);
    this.largest = new LargestList(nExtremes);
    this.#latest = latest;
    this.#dataId = dataId;
  }

  /**
   * Takes in what an attempt took.
   *
   * @returns seconds that it ran, NaN if that isn't known.
   */
  add(
    part: TaskPart,
    quantum: NamedQuantum,
    i: number,
    attempt: AttemptFacts,
    usage: UsageFacts,
  ): number {
    const { memoryBytes, startMicros, prepSeconds, initSeconds, runSeconds, cpuSeconds } = usage;
    part.memory.add(memoryBytes);
    if (this.largest.mayKeep(memoryBytes)) {
      this.largest.offer(memoryBytes, () => this.#extreme(quantum, i, attempt, usage));
    }
    // No clock that is set: processors count it.
    const hasCpu = cpuSeconds > SHORTEST_STEP && Number.isFinite(cpuSeconds);
    if (hasCpu) part.cpuSeconds += cpuSeconds;
    if (hasOddTimes(usage, this.#latest)) {
      part.nOddTimes++;
      return NaN;
    }
    part.runTime.add(runSeconds);
    if (this.slowest.mayKeep(runSeconds)) {
      this.slowest.offer(runSeconds, () => this.#extreme(quantum, i, attempt, usage));
    }
    if (hasCpu && runSeconds > 0) {
      part.pairedCpuSeconds += cpuSeconds;
      part.pairedRunSeconds += runSeconds;
    }
    const ran = Number.isFinite(runSeconds) ? runSeconds : NaN;
    const seconds = prepSeconds + initSeconds + runSeconds;
    if (Number.isNaN(startMicros) || !Number.isFinite(seconds)) return ran;
    const end = Math.max(startMicros, startMicros + Math.round(seconds * 1e6));
    if (startMicros < part.firstStart) part.firstStart = startMicros;
    if (end > part.lastEnd) part.lastEnd = end;
    const hasFailed = attempt.status !== AttemptStatus.SUCCESSFUL;
    this.timeline.add(part.position, startMicros, end, hasFailed);
    return ran;
  }

  #extreme(
    quantum: NamedQuantum,
    i: number,
    { status }: AttemptFacts,
    { runSeconds, memoryBytes }: UsageFacts,
  ): ExtremeReport {
    return {
      quantum_id: quantum.quantumId,
      task: quantum.taskLabel,
      data_id: this.#dataId(quantum),
      attempt: i,
      status: attemptStatusName(status),
      run_time: finite(runSeconds),
      memory: finite(memoryBytes),
    };
  }
}

/** Null for what isn't known. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
