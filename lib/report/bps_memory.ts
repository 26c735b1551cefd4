/**
 * How much memory to ask a batch system for, by what attempts had.
 *
 * @module
 */

import type { DistributionReport, TaskReport } from "./model.ts";

/** Bytes of a megabyte. Systems that mean 1,048,576 of them then give a little more, never less. */
const MEGABYTE = 1e6;

/** Figures of a task, MB, rounded up; null if nothing is recorded. */
export function requestMemory(memory: DistributionReport | null): TaskReport["request_memory"] {
  return memory === null ? null : { p95: megabytes(memory.p95), max: megabytes(memory.max) };
}

function megabytes(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / MEGABYTE));
}

/** Words that YAML 1.1 or 1.2 reads as something else than text. */
const YAML_WORDS = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** A label as key of YAML. */
function yamlKey(label: string): string {
  return /^[A-Za-z_][\w-]*$/.test(label) && !YAML_WORDS.test(label) ? label : JSON.stringify(label);
}

/**
 * Fragment of a BPS configuration: the most memory that any attempt of a task had, with the value that
 * 95 of 100 had at most beside it. Null if no task recorded its memory.
 *
 * Source: documentation of `lsst.ctrl.bps`: `pipetask: LABEL: requestMemory`, an integer, MB.
 */
export function bpsMemory(
  tasks: readonly Pick<TaskReport, "task" | "request_memory">[],
): string | null {
  const lines = tasks.flatMap(({ task, request_memory }) =>
    request_memory === null ? [] : [
      `  ${yamlKey(task)}:`,
      `    requestMemory: ${request_memory.max}  # MB; 95 % of attempts: ${request_memory.p95}`,
    ]
  );
  return lines.length === 0 ? null : `pipetask:\n${lines.join("\n")}\n`;
}
