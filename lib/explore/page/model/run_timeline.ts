/**
 * When the quanta of a table ran: the report's timeline, which goes on where it stopped while quanta come.
 *
 * @module
 */

import { parseIsoTime } from "../../../base/iso_time.ts";
import { Timeline, type TimelineView } from "../../../report/timeline.ts";
import type { EarlierAttempt, QuantumTable } from "./quantum_table.ts";

/** A task's part. */
export interface TimelineLane {
  /** Label; null for all tasks together. */
  task: string | null;
  /** Mean number of attempts that ran in each interval. */
  running: number[];
  /** Attempts that ended in failure in each. */
  failed: number[];
}

/** What is shown. */
export interface TimelineLanes extends Pick<TimelineView, "startMicros" | "widthMicros"> {
  nIntervals: number;
  /** Tasks that ran at all, in the order of the pipeline, and all together, if there are several. */
  lanes: TimelineLane[];
}

/** The timeline of a run. Memory: 3 kB a task. */
export class RunTimeline {
  readonly #labels: readonly string[];
  #timeline: Timeline;
  #table: QuantumTable | null = null;
  #nRows = 0;
  #nReplaced = 0;

  /** @param labels Tasks in the order of the pipeline. */
  constructor(labels: readonly string[]) {
    this.#labels = labels;
    this.#timeline = new Timeline(labels.length);
  }

  /** All that is in a table by now; null if no quantum says when it ran. Time: 0.1 µs for a new quantum. */
  of(table: QuantumTable): TimelineLanes | null {
    if (table !== this.#table || table.nReplaced !== this.#nReplaced) {
      // What was added can't be taken back.
      this.#timeline = new Timeline(this.#labels.length);
      this.#table = table;
      this.#nReplaced = table.nReplaced;
      this.#nRows = 0;
    }
    const positions = new Map(this.#labels.map((label, i) => [label, i]));
    for (; this.#nRows < table.n; this.#nRows++) {
      const position = positions.get(table.task(this.#nRows));
      if (position !== undefined) this.#add(table, this.#nRows, position);
    }
    const view = this.#timeline.view();
    return view === null ? null : this.#lanes(view);
  }

  #add(table: QuantumTable, row: number, position: number): void {
    for (const earlier of table.earlier.get(row) ?? []) this.#addEarlier(earlier, position);
    const start = table.startMicros(row);
    const seconds = table.number("prep_time", row) + table.number("init_time", row) +
      table.number("run_time", row);
    if (table.isOdd(row) || !Number.isFinite(start) || !Number.isFinite(seconds)) return;
    const hasFailed = table.status(row) !== "SUCCESSFUL";
    this.#timeline.add(position, start, start + Math.round(seconds * 1e6), hasFailed);
  }

  #addEarlier({ usage, isOdd, hasFailed }: EarlierAttempt, position: number): void {
    if (usage === null || isOdd) return;
    const start = parseIsoTime(usage.start);
    const seconds = usage.prepTime + usage.initTime + usage.runTime;
    if (start === null || !Number.isFinite(seconds)) return;
    this.#timeline.add(position, start, start + Math.round(seconds * 1e6), hasFailed);
  }

  #lanes(view: TimelineView): TimelineLanes {
    const { startMicros, widthMicros, nIntervals } = view;
    const lanes = this.#labels.map((task, i): TimelineLane => ({
      task,
      running: view.running(i),
      failed: view.failed(i),
    })).filter(({ running, failed }) => running.some((n) => n > 0) || failed.some((n) => n > 0));
    if (lanes.length > 1) lanes.push({ task: null, ...allOf(lanes, nIntervals) });
    return { startMicros, widthMicros, nIntervals, lanes };
  }
}

function allOf(
  lanes: readonly TimelineLane[],
  nIntervals: number,
): Pick<TimelineLane, "running" | "failed"> {
  const sum = (what: "running" | "failed") =>
    Array.from({ length: nIntervals }, (_, i) => lanes.reduce((n, lane) => n + lane[what][i], 0));
  return { running: sum("running"), failed: sum("failed") };
}
