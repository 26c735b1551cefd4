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
import { isOddStart, isOddStep, SHORTEST_STEP } from "./odd_times.ts";
import type { TaskPart } from "./task_part.ts";
import { Timeline } from "./timeline.ts";

/** What attempts used, one a row; NaN for what isn't known. Bytes, microseconds since 1970 UTC, seconds. */
export interface UsageColumns {
  memory: Float64Array;
  start: Float64Array;
  prep: Float64Array;
  init: Float64Array;
  run: Float64Array;
  cpu: Float64Array;
}

/** Whose attempts they are. */
export interface AttemptsOf {
  /** The attempt of a row. */
  at(row: number): { quantum: NamedQuantum; attempt: number; status: number };
  /** 1 for each row whose attempt failed. */
  failed: Uint8Array;
}

/** When attempts ran; NaN where that isn't known. */
interface AttemptTimes {
  /** Seconds. */
  ran: Float64Array;
  /** Microseconds since 1970 UTC. */
  begin: Float64Array;
  end: Float64Array;
}

const ONE_ROW = { from: 0, to: 1 };

/** See the module. Memory: 3 kB for each task, and what is listed. */
export class UsageTotals {
  readonly timeline: Timeline;
  readonly slowest: LargestList<ExtremeReport>;
  readonly largest: LargestList<ExtremeReport>;
  /** An attempt that comes by itself: arrays for each would take longer than all else. */
  readonly #one: UsageColumns = {
    memory: new Float64Array(1),
    start: new Float64Array(1),
    prep: new Float64Array(1),
    init: new Float64Array(1),
    run: new Float64Array(1),
    cpu: new Float64Array(1),
  };
  readonly #oneTimes = timesOf(1);
  readonly #oneFailed = new Uint8Array(1);
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
    { status }: AttemptFacts,
    usage: UsageFacts,
  ): number {
    const one = this.#one;
    one.memory[0] = usage.memoryBytes;
    one.start[0] = usage.startMicros;
    one.prep[0] = usage.prepSeconds;
    one.init[0] = usage.initSeconds;
    one.run[0] = usage.runSeconds;
    one.cpu[0] = usage.cpuSeconds;
    this.#oneFailed[0] = status === AttemptStatus.SUCCESSFUL ? 0 : 1;
    return this.addRows(part, one, ONE_ROW, {
      at: () => ({ quantum, attempt: i, status }),
      failed: this.#oneFailed,
    })[0];
  }

  /**
   * Takes in what attempts of one task took, whose figures are in columns; all are NaN of a row without an
   * attempt.
   *
   * @returns seconds that each ran, from the first of the rows on; NaN if that isn't known. Those of a single
   *   row are good until the next call.
   */
  addRows(
    part: TaskPart,
    columns: UsageColumns,
    { from, to }: { from: number; to: number },
    whose: AttemptsOf,
  ): Float64Array {
    const { memory, start, prep, init, run, cpu } = columns;
    const times = to - from === 1 ? this.#oneTimes : timesOf(to - from);
    times.ran.fill(NaN);
    times.begin.fill(NaN);
    let leastLargest = this.largest.least;
    let leastSlowest = this.slowest.least;
    let [cpuSeconds, pairedCpu, pairedRun] = [0, 0, 0];
    const { begin, end } = times;
    for (let row = from; row < to; row++) {
      const bytes = memory[row];
      if (bytes >= leastLargest) {
        leastLargest = this.#offer(this.largest, bytes, columns, row, whose);
      }
      // No clock that is set: processors count it.
      const seconds = cpu[row];
      const hasCpu = seconds > SHORTEST_STEP && seconds < Infinity;
      if (hasCpu) cpuSeconds += seconds;
      const ran = run[row];
      if (
        isOddStart(start[row], this.#latest) || isOddStep(prep[row]) || isOddStep(init[row]) ||
        isOddStep(ran)
      ) {
        part.nOddTimes++;
        continue;
      }
      times.ran[row - from] = ran;
      if (ran >= leastSlowest) leastSlowest = this.#offer(this.slowest, ran, columns, row, whose);
      if (hasCpu && ran > 0) {
        pairedCpu += seconds;
        pairedRun += ran;
      }
      const all = prep[row] + init[row] + ran;
      if (!Number.isFinite(all)) continue;
      begin[row - from] = start[row];
      end[row - from] = Math.max(start[row], start[row] + Math.round(all * 1e6));
    }
    part.cpuSeconds += cpuSeconds;
    part.pairedCpuSeconds += pairedCpu;
    part.pairedRunSeconds += pairedRun;
    part.memory.addAll(memory, from, to);
    this.#addTimes(part, times, whose.failed.subarray(from, to));
    return times.ran;
  }

  #addTimes(part: TaskPart, { ran, begin, end }: AttemptTimes, failed: Uint8Array) {
    const n = ran.length;
    part.runTime.addAll(ran, 0, n);
    for (let i = 0; i < n; i++) {
      if (begin[i] < part.firstStart) part.firstStart = begin[i];
      if (begin[i] <= end[i] && end[i] > part.lastEnd) part.lastEnd = end[i];
    }
    this.timeline.addAll(part.position, begin, end, failed, n);
  }

  /** Keeps an attempt; the value below which none is kept now. */
  #offer(
    list: LargestList<ExtremeReport>,
    value: number,
    { run, memory }: UsageColumns,
    row: number,
    whose: AttemptsOf,
  ): number {
    list.offer(value, () => {
      const { quantum, attempt, status } = whose.at(row);
      return {
        quantum_id: quantum.quantumId,
        task: quantum.taskLabel,
        data_id: this.#dataId(quantum),
        attempt,
        status: attemptStatusName(status),
        run_time: finite(run[row]),
        memory: finite(memory[row]),
      };
    });
    return list.least;
  }
}

function timesOf(n: number): AttemptTimes {
  return { ran: new Float64Array(n), begin: new Float64Array(n), end: new Float64Array(n) };
}

/** Null for what isn't known. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
