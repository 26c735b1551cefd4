/**
 * What is kept of a task for the report, besides its counts.
 *
 * @module
 */

import { formatIsoTime } from "../base/iso_time.ts";
import { caveatNames, conciseCaveats } from "../provenance/success_caveats.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import { requestMemory } from "./bps_memory.ts";
import type { TaskCounts } from "./counts.ts";
import { LogDistribution } from "./distribution.ts";
import { type DistributionReport, MEMORY_BINS, type TaskReport, TIME_BINS } from "./model.ts";

/** Powers of ten: 1 ms to 10^7 s (four months). */
const TIME_SCALE = [-3, 7] as const;
/** 1 MB to 10 TB. */
const MEMORY_SCALE = [6, 13] as const;

/** Sums over the attempts of a task. */
export class TaskPart {
  readonly runTime = new LogDistribution(...TIME_SCALE);
  readonly memory = new LogDistribution(...MEMORY_SCALE);
  nRetried = 0;
  nAttempts = 0;
  nOddTimes = 0;
  cpuSeconds = 0;
  /** CPU and run time of attempts that recorded both. */
  pairedCpuSeconds = 0;
  pairedRunSeconds = 0;
  lostSeconds = 0;
  nUntimed = 0;
  firstStart = Infinity;
  lastEnd = -Infinity;

  readonly position: number;

  constructor(position: number) {
    this.position = position;
  }

  /** All that the report says of the task. */
  report(counts: TaskCounts): TaskReport {
    const memory = distribution(this.memory, MEMORY_BINS);
    return {
      task: counts.label,
      n_expected: counts.nExpected,
      n_quanta: counts.nQuanta,
      by_status: statusCounts(counts),
      caveats: caveatCounts(counts),
      n_retried: this.nRetried,
      n_attempts: this.nAttempts,
      first_start: instant(this.firstStart),
      last_end: instant(this.lastEnd),
      run_time: distribution(this.runTime, TIME_BINS),
      memory,
      cpu_time: this.cpuSeconds,
      cpu_efficiency: efficiency([this]),
      lost_time: this.lostSeconds,
      n_untimed: this.nUntimed,
      request_memory: requestMemory(memory),
    };
  }
}

/** Most first, then those of fewest signs: not as they were met, which the order of the file decides. */
function caveatCounts({ nByCaveats }: TaskCounts): TaskReport["caveats"] {
  return [...nByCaveats].map(([bits, n]) => {
    const { token, code } = conciseCaveats(bits);
    return { bits, code: `${token ?? ""}${code ?? ""}`, caveats: caveatNames(bits), n };
  }).sort((a, b) => b.n - a.n || a.code.length - b.code.length || a.bits - b.bits)
    .map(({ code, caveats, n }) => ({ code, caveats, n }));
}

/** CPU time by run time; null where nothing ran. */
export function efficiency(
  parts: readonly Pick<TaskPart, "pairedCpuSeconds" | "pairedRunSeconds">[],
): number | null {
  const run = parts.reduce((sum, { pairedRunSeconds }) => sum + pairedRunSeconds, 0);
  return run > 0
    ? parts.reduce((sum, { pairedCpuSeconds }) => sum + pairedCpuSeconds, 0) / run
    : null;
}

/** @param micros Infinite if there was none. */
export function instant(micros: number): string | null {
  return Number.isFinite(micros) ? formatIsoTime(micros) : null;
}

function statusCounts({ nByStatus }: TaskCounts): { [status: string]: number } {
  const counts: { [status: string]: number } = {};
  for (const [name, status] of Object.entries(AttemptStatus)) {
    counts[name] = nByStatus.get(status) ?? 0;
  }
  return counts;
}

function distribution(values: LogDistribution, binsPerDecade: number): DistributionReport | null {
  if (values.n === 0) return null;
  const { n, min, max, sum } = values;
  return {
    n,
    min,
    median: values.quantile(0.5),
    p95: values.quantile(0.95),
    max,
    sum,
    bins: values.coarse(binsPerDecade),
  };
}
