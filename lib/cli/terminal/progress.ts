/**
 * Progress as people see it: bars on a terminal, elsewhere a log line every so often; at the end the
 * speed of each stage.
 *
 * @module
 */

import type { Log } from "../../base/log.ts";
import { bottleneck, type Progress, type Stage, type Watch } from "../../base/progress.ts";
import type { JsonFields } from "./ndjson.ts";
import type { BarArea } from "./progress_bar.ts";
import type { StageReport, StatusReport, StatusSink } from "./status_report.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Seconds between two status lines, unless another time is asked for. */
export const STATUS_SECONDS = 30;
/** Milliseconds between two drawings of bars. */
const DRAW_MS = 200;
/** Rates are those of the last so many milliseconds. */
const RATE_WINDOW_MS = 30_000;
/** Samples kept of a stage for its rate. */
const N_SAMPLES = 16;

/** Kinds of things done that are told meanwhile. */
const TOLD_STATUSES: ReadonlySet<string> = new Set(["FAILED", "ABORTED", "UNKNOWN", "BLOCKED"]);

/** What became of a stage. */
export interface StageSpeed {
  name: string;
  unit: string;
  n: number;
  seconds: number;
}

/** What a reporter needs of its surroundings. */
export interface ProgressOptions {
  log: Log;
  /** Null where no bars are wanted. */
  bars: BarArea | null;
  /** Whether status lines are logged, at `intervalMs`. */
  hasLines: boolean;
  intervalMs: number;
  now: () => Date;
  every: (milliseconds: number, callback: () => void) => () => void;
  rssBytes: () => number;
  /** Who is told the status as well. */
  sinks?: readonly StatusSink[];
}

/** One count and when it was. */
interface Sample {
  ms: number;
  nDone: number;
}

/** What is remembered of a stage. */
interface StageHistory {
  startMs: number;
  endMs: number | null;
  samples: Sample[];
}

/** Tells the progress of a command. */
export class ProgressReporter implements Progress {
  readonly #options: ProgressOptions;
  /** Speeds of all stages that were watched to their end, in order. */
  readonly speeds: StageSpeed[] = [];

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  watch(stages: () => readonly Stage[], speedLevel: "INFO" | "VERBOSE" = "INFO"): Watch {
    return new Watching(this.#options, stages, this.speeds, speedLevel);
  }
}

class Watching implements Watch {
  readonly #options: ProgressOptions;
  readonly #stages: () => readonly Stage[];
  readonly #speeds: StageSpeed[];
  readonly #speedLevel: "INFO" | "VERBOSE";
  readonly #startMs: number;
  readonly #history = new Map<string, StageHistory>();
  readonly #stop: () => void;
  readonly #sinks: readonly { sink: StatusSink; lastMs: number }[];
  #lineMs: number;
  #drawMs = -Infinity;

  constructor(
    options: ProgressOptions,
    stages: () => readonly Stage[],
    speeds: StageSpeed[],
    speedLevel: "INFO" | "VERBOSE",
  ) {
    this.#options = options;
    this.#speedLevel = speedLevel;
    this.#stages = stages;
    this.#speeds = speeds;
    const startMs = this.#startMs = this.#lineMs = options.now().getTime();
    this.#sinks = (options.sinks ?? []).map((sink) => ({ sink, lastMs: startMs }));
    this.#stop = options.every(options.bars === null ? 1000 : DRAW_MS, () => this.update());
    this.update();
  }

  update(): void {
    const { bars, hasLines, intervalMs, now, log } = this.#options;
    const ms = now().getTime();
    const stages = this.#stages();
    this.#note(stages, ms);
    const isBegun = stages.some(({ state }) => state !== "waiting");
    if (bars !== null && isBegun && ms - this.#drawMs >= DRAW_MS) {
      this.#drawMs = ms;
      bars.draw(
        stages.filter(({ state }) => state !== "waiting").map((stage) => ({
          name: stage.name,
          fraction: stage.nTotal === null
            ? stage.state === "done" ? 1 : null
            : stage.nTotal === 0
            ? 1
            : stage.nDone / stage.nTotal,
          text: this.#figures(stage),
          shortText: this.#pace(stage),
        })),
        this.#surroundings(stages),
      );
    }
    if (hasLines && ms - this.#lineMs >= intervalMs) {
      this.#lineMs = ms;
      log.log("INFO", this.#line(stages, ms));
    }
    for (const told of this.#sinks) {
      if (ms - told.lastMs < told.sink.intervalMs) continue;
      told.lastMs = ms;
      told.sink.tell(this.#report(stages, ms), false);
    }
  }

  [Symbol.dispose](): void {
    this.#stop();
    const { now, log, bars } = this.#options;
    const ms = now().getTime();
    const stages = this.#stages();
    this.#note(stages, ms);
    bars?.clear();
    for (const { sink } of this.#sinks) sink.tell(this.#report(stages, ms), true);
    const speeds: StageSpeed[] = [];
    for (const { name, unit, nDone, state } of stages) {
      const history = this.#history.get(name);
      if (state === "waiting" || history === undefined) continue;
      speeds.push({
        name,
        unit,
        n: nDone,
        seconds: ((history.endMs ?? ms) - history.startMs) / 1000,
      });
    }
    this.#speeds.push(...speeds);
    if (speeds.length > 0) {
      log.log(this.#speedLevel, `Speed: ${speeds.map(describeSpeed).join("; ")}.`);
    }
  }

  /** When stages began and ended, and how far they were. */
  #note(stages: readonly Stage[], ms: number): void {
    for (const { name, nDone, state } of stages) {
      if (state === "waiting") continue;
      let history = this.#history.get(name);
      if (history === undefined) {
        history = { startMs: ms, endMs: null, samples: [{ ms, nDone: 0 }] };
        this.#history.set(name, history);
      }
      if (state === "done") history.endMs ??= ms;
      const { samples } = history;
      const least = RATE_WINDOW_MS / N_SAMPLES;
      if (ms - samples[samples.length - 1].ms < least) continue;
      samples.push({ ms, nDone });
      while (samples.length > 2 && ms - samples[1].ms > RATE_WINDOW_MS) samples.shift();
    }
  }

  /** Things a second, lately; null before there is anything to tell. */
  #rate({ name, nDone }: Stage): number | null {
    const history = this.#history.get(name);
    if (history === undefined) return null;
    const ms = history.endMs ?? this.#options.now().getTime();
    const seconds = (ms - history.samples[0].ms) / 1000;
    return seconds <= 0 ? null : (nDone - history.samples[0].nDone) / seconds;
  }

  /** The same in numbers. */
  #report(stages: readonly Stage[], ms: number): StatusReport {
    return {
      seconds: (ms - this.#startMs) / 1000,
      stages: stages.map((stage): StageReport => {
        const history = this.#history.get(stage.name);
        const perSecond = this.#rate(stage);
        const nLeft = stage.nTotal === null ? null : Math.max(0, stage.nTotal - stage.nDone);
        return {
          ...stage,
          seconds: history === undefined ? 0 : ((history.endMs ?? ms) - history.startMs) / 1000,
          perSecond,
          secondsLeft: nLeft === null || !perSecond ? null : nLeft / perSecond,
        };
      }),
      bottleneck: bottleneck(stages)?.name ?? null,
      rssBytes: this.#options.rssBytes(),
    };
  }

  /** `1200 of 5000 quanta, 40/s, 95 s left, 12 FAILED`. */
  #figures(stage: Stage): string {
    const { nDone, nTotal, unit } = stage;
    const pace = this.#pace(stage);
    if (nDone === 0 && nTotal === null) return pace || "begun";
    const count = nTotal === null
      ? formatCount(nDone, unit)
      : unit === "bytes"
      ? `${formatBytes(nDone)} of ${formatBytes(nTotal)}`
      : `${nDone} of ${nTotal} ${unit}`;
    return pace === "" ? count : `${count}, ${pace}`;
  }

  /** `40/s, 95 s left, 12 FAILED, 30 BLOCKED`: what has gone wrong is told while more may still be saved. */
  #pace(stage: Stage): string {
    const { nDone, nTotal, unit, state, counts = {} } = stage;
    const parts: string[] = [];
    const rate = this.#rate(stage);
    if (rate !== null && nDone > 0) parts.push(formatRate(rate, unit));
    if (state === "running" && nTotal !== null && rate !== null && rate > 0) {
      parts.push(`${formatDuration(Math.max(0, nTotal - nDone) / rate)} left`);
    }
    if (state === "done") parts.push("done");
    for (const [status, n] of Object.entries(counts)) {
      if (n > 0 && TOLD_STATUSES.has(status)) parts.push(`${n} ${status}`);
    }
    return parts.join(", ");
  }

  /** Queues, bottleneck and memory. */
  #surroundings(stages: readonly Stage[]): string {
    const slowest = bottleneck(stages);
    const parts = slowest === null ? [] : [`bottleneck: ${slowest.name}`];
    parts.push(`memory: ${formatBytes(this.#options.rssBytes())}`);
    for (const { name, queue, state } of stages) {
      if (queue === undefined || state !== "running") continue;
      const { size, limit, unit } = queue;
      const figures = unit === "bytes"
        ? `${formatBytes(size)} of ${formatBytes(limit)}`
        : `${size} of ${limit} ${unit}`;
      parts.push(`waiting to ${name}: ${figures}`);
    }
    return parts.join("; ");
  }

  #line(stages: readonly Stage[], ms: number): string {
    const told = stages.filter(({ state }) => state !== "waiting")
      .map((stage) => `${stage.name} ${this.#figures(stage)}`);
    const seconds = ((ms - this.#startMs) / 1000).toFixed(1);
    return `Status after ${seconds}s: ${[...told, this.#surroundings(stages)].join("; ")}.`;
  }
}

/** `scan 53 quanta in 0.4 s (133/s)`. */
function describeSpeed({ name, unit, n, seconds }: StageSpeed): string {
  const rate = n > 0 && seconds > 0 ? ` (${formatRate(n / seconds, unit)})` : "";
  return `${name} ${formatCount(n, unit)} in ${seconds.toFixed(1)} s${rate}`;
}

function formatCount(n: number, unit: string): string {
  return unit === "bytes" ? formatBytes(n) : `${n} ${unit}`;
}

function formatRate(rate: number, unit: string): string {
  if (unit === "bytes") return `${formatBytes(Math.round(rate))}/s`;
  return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`;
}

/** Fields on time and memory that the JSON summary of every long command has. */
export function timingFields(
  { seconds, stageSeconds = {}, workSeconds = {} }: {
    seconds: number;
    stageSeconds?: Readonly<Record<string, number>>;
    workSeconds?: Readonly<Record<string, number>>;
  },
  speeds: readonly StageSpeed[],
  peakRssBytes: number | null,
): JsonFields {
  return {
    seconds,
    stage_seconds: { ...stageSeconds },
    work_seconds: { ...workSeconds },
    speeds: speeds.map(({ name, unit, n, seconds }) => ({
      name,
      unit,
      n,
      seconds,
      per_second: seconds > 0 ? n / seconds : null,
    })),
    peak_rss_bytes: peakRssBytes,
  };
}

/** A time as long as it will take to forget it: `95 s`, `12 min`, `3.4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
