/**
 * How far a command is, in numbers: what JSON lines and metrics are made of, as status lines and bars are.
 *
 * @module
 */

import type { Stage, StageQueue } from "../../base/progress.ts";
import { type JsonFields, jsonLine, type TextOutput } from "./ndjson.ts";
import { ClosedPipeError } from "./terminal.ts";

/** One stage of an operation. */
export interface StageReport extends Stage {
  /** Since it began, until now or its end. */
  seconds: number;
  /** Things a second, lately; null before there is anything to tell. */
  perSecond: number | null;
  /** At this rate; null if that isn't known. */
  secondsLeft: number | null;
}

/** An operation at one moment. */
export interface StatusReport {
  /** Since the operation began. */
  seconds: number;
  stages: readonly StageReport[];
  /** Name of the stage that the others wait for, or null. */
  bottleneck: string | null;
  /** Resident memory. */
  rssBytes: number;
}

/** Whoever is told the status again and again. */
export interface StatusSink {
  /** Least time between two reports. */
  readonly intervalMs: number;
  /**
   * @param isLast Whether the operation has ended; told once, whenever it was told before.
   */
  tell(report: StatusReport, isLast: boolean): void;
}

/** JSON lines of `message_type` `status` (`schema/scripting.md`). */
export class JsonStatusLines implements StatusSink {
  readonly intervalMs: number;
  readonly #output: TextOutput;
  #isClosed = false;

  constructor(intervalMs: number, output: TextOutput) {
    this.intervalMs = intervalMs;
    this.#output = output;
  }

  tell(report: StatusReport, isLast: boolean): void {
    // What has become of it, the summary says.
    if (isLast || this.#isClosed) return;
    try {
      this.#output.write(jsonLine("status", statusFields(report)));
    } catch (error) {
      if (!(error instanceof ClosedPipeError)) throw error;
      // The work goes on without a reader.
      this.#isClosed = true;
    }
  }
}

function statusFields({ seconds, stages, bottleneck, rssBytes }: StatusReport): JsonFields {
  return {
    seconds,
    stages: stages.map((stage) => ({
      name: stage.name,
      unit: stage.unit,
      state: stage.state,
      n: stage.nDone,
      n_total: stage.nTotal,
      seconds: stage.seconds,
      per_second: stage.perSecond,
      seconds_left: stage.secondsLeft,
      queue: stage.queue === undefined ? null : queueFields(stage.queue),
      counts: stage.counts === undefined ? null : { ...stage.counts },
    })),
    bottleneck,
    rss_bytes: rssBytes,
  };
}

function queueFields({ size, limit, unit }: StageQueue): JsonFields {
  return { size, limit, unit };
}
