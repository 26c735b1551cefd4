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
  readonly #sums = new Float64Array(Object.keys(SUMS).length);
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
    const times = to - from === 1 ? this.#oneTimes : timesOf(to - from);
    const sums = this.#sums;
    addSteps(columns, { from, to }, this.#latest, times, sums);
    part.nOddTimes += sums[SUMS.nOdd];
    part.cpuSeconds += sums[SUMS.cpu];
    part.pairedCpuSeconds += sums[SUMS.pairedCpu];
    part.pairedRunSeconds += sums[SUMS.pairedRun];
    const { memory } = columns;
    for (let row = this.largest.next(memory, from, to); row < to;) {
      this.#offer(this.largest, memory[row], columns, row, whose);
      row = this.largest.next(memory, row + 1, to);
    }
    const { ran } = times;
    for (let i = this.slowest.next(ran, 0, to - from); i < to - from;) {
      this.#offer(this.slowest, ran[i], columns, from + i, whose);
      i = this.slowest.next(ran, i + 1, to - from);
    }
    part.memory.addAll(memory, from, to);
    part.runTime.addAll(ran, 0, to - from);
    part.firstStart = Math.min(part.firstStart, sums[SUMS.firstStart]);
    part.lastEnd = Math.max(part.lastEnd, sums[SUMS.lastEnd]);
    const failed = whose.failed.subarray(from, to);
    this.timeline.addAll(part.position, times.begin, times.end, failed, to - from);
    return ran;
  }

  /** Keeps an attempt. */
  #offer(
    list: LargestList<ExtremeReport>,
    value: number,
    { run, memory }: UsageColumns,
    row: number,
    whose: AttemptsOf,
  ): void {
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
  }
}

/** Places of what is made of rows. */
const SUMS = { cpu: 0, pairedCpu: 1, pairedRun: 2, nOdd: 3, firstStart: 4, lastEnd: 5 } as const;

/**
 * Adds up the steps of rows, and tells when each ran. A function by itself, of nothing but arrays: the engine
 * gave up its code for a longer one at the end of each call.
 *
 * @param latest As {@linkcode UsageTotals} has it.
 * @param sums Is set, see {@linkcode SUMS}.
 */
function addSteps(
  { start, prep, init, run, cpu }: UsageColumns,
  { from, to }: { from: number; to: number },
  latest: number,
  { ran, begin, end }: AttemptTimes,
  sums: Float64Array,
): void {
  let [cpuSeconds, pairedCpu, pairedRun, nOdd] = [0, 0, 0, 0];
  let [firstStart, lastEnd] = [Infinity, -Infinity];
  for (let row = from, i = 0; row < to; row++, i++) {
    // No clock that is set: processors count it.
    const seconds = cpu[row];
    const hasCpu = seconds > SHORTEST_STEP && seconds < Infinity;
    if (hasCpu) cpuSeconds += seconds;
    const runSeconds = run[row];
    const isOdd = isOddStart(start[row], latest) || isOddStep(prep[row]) || isOddStep(init[row]) ||
      isOddStep(runSeconds);
    ran[i] = isOdd ? NaN : runSeconds;
    begin[i] = NaN;
    if (isOdd) nOdd++;
    else {
      if (hasCpu && runSeconds > 0) {
        pairedCpu += seconds;
        pairedRun += runSeconds;
      }
      const all = prep[row] + init[row] + runSeconds;
      if (Number.isFinite(all)) {
        const first = start[row];
        const last = Math.max(first, first + Math.round(all * 1e6));
        begin[i] = first;
        end[i] = last;
        if (first < firstStart) firstStart = first;
        if (last > lastEnd) lastEnd = last;
      }
    }
  }
  sums[SUMS.cpu] = cpuSeconds;
  sums[SUMS.pairedCpu] = pairedCpu;
  sums[SUMS.pairedRun] = pairedRun;
  sums[SUMS.nOdd] = nOdd;
  sums[SUMS.firstStart] = firstStart;
  sums[SUMS.lastEnd] = lastEnd;
}

function timesOf(n: number): AttemptTimes {
  return { ran: new Float64Array(n), begin: new Float64Array(n), end: new Float64Array(n) };
}

/** Null for what isn't known. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
