/**
 * What a benchmark found, as it is printed and kept.
 *
 * @module
 */

import type { Floors } from "./floors.ts";
import { type Cost, medianCost } from "./measure.ts";

/** One command, run several times on fresh copies of the same repository. */
export interface Step extends Cost {
  /** Who ran it. */
  tool: "provgraph" | "reference";
  /** What was run, and on what if not on a plain repository. */
  what: string;
  quantaPerSecond: number | null;
  /** Megabytes a second of the logs and metadata that it is about. */
  megabytesPerSecond: number | null;
  /** Wall seconds of stages, from the tool's own summary; median of each. */
  stages: Record<string, number>;
  /** Seconds of work in workers, likewise. */
  work: Record<string, number>;
  trials: Cost[];
}

/** A comparison within one run. */
export interface Ratio {
  what: string;
  value: number;
  /** What is aimed at; null for mere information. */
  target: { isAtLeast: boolean; value: number } | null;
}

/** All that was measured on one repository. */
export interface SizeResult {
  nQuanta: number;
  nDatasets: number;
  nVisits: number;
  nDetectors: number;
  /** Logs and metadata. */
  nFiles: number;
  nFileBytes: number;
  medianLogBytes: number;
  medianMetadataBytes: number;
  predictedGraphBytes: number;
  graphBytes: Record<string, number>;
  floors: Floors | null;
  steps: Step[];
  ratios: Ratio[];
  notes: string[];
}

/** Costs of one run and where its time went. */
export interface Trial extends Cost {
  stages: Record<string, number>;
  work: Record<string, number>;
}

/** Medians of trials. */
export function makeStep(
  tool: Step["tool"],
  what: string,
  trials: readonly Trial[],
  about: { nQuanta: number; nFileBytes: number } | null,
): Step {
  const cost = medianCost(trials);
  const medians = (of: (trial: Trial) => Record<string, number>) =>
    Object.fromEntries(
      Object.keys(of(trials[0])).map((name) => [
        name,
        round(trials.map((trial) => of(trial)[name]).toSorted((a, b) => a - b)[trials.length >> 1]),
      ]),
    );
  return {
    tool,
    what,
    ...roundedCost(cost),
    quantaPerSecond: about && Math.round(about.nQuanta / cost.wallSeconds),
    megabytesPerSecond: about && round(about.nFileBytes / 1e6 / cost.wallSeconds),
    stages: medians((trial) => trial.stages),
    work: medians((trial) => trial.work),
    trials: trials.map(roundedCost),
  };
}

function roundedCost({ wallSeconds, cpuSeconds, peakRssBytes, writtenBytes }: Cost): Cost {
  return {
    wallSeconds: round(wallSeconds),
    cpuSeconds: round(cpuSeconds),
    peakRssBytes,
    writtenBytes,
  };
}

/** Three decimals. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** A step by what was run. @throws {Error} if there is none. */
export function stepOf(result: SizeResult, tool: Step["tool"], what: string): Step {
  const step = result.steps.find((one) => one.tool === tool && one.what === what);
  if (step === undefined) throw new Error(`${tool} has not run "${what}"`);
  return step;
}

/** Table of the steps. */
export function stepTable(result: SizeResult): string {
  const rows = result.steps.map((step) => [
    step.tool,
    step.what,
    step.wallSeconds.toFixed(2),
    step.cpuSeconds.toFixed(2),
    step.quantaPerSecond === null ? "" : String(step.quantaPerSecond),
    step.megabytesPerSecond === null ? "" : step.megabytesPerSecond.toFixed(1),
    (step.peakRssBytes / 1e6).toFixed(0),
    (step.writtenBytes / 1e6).toFixed(1),
  ]);
  return table(
    ["tool", "command", "wall s", "CPU s", "quanta/s", "MB/s", "peak MB", "MB written"],
    rows,
    2,
  );
}

/** Where the time of the tool's commands went. */
export function stageLines(result: SizeResult): string {
  const list = (seconds: Record<string, number>) =>
    Object.entries(seconds).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
  return result.steps.filter(({ stages }) => Object.keys(stages).length > 0).map((step) =>
    `${step.what}: ${list(step.stages)}; work of workers: ${list(step.work)}`
  ).join("\n");
}

/** Table of the ratios and whether they are as aimed at. */
export function ratioTable(ratios: readonly Ratio[]): string {
  const rows = ratios.map(({ what, value, target }) => {
    if (target === null) return [what, value.toFixed(2), "", ""];
    const isMet = target.isAtLeast ? value >= target.value : value <= target.value;
    const limit = `${target.isAtLeast ? "at least" : "at most"} ${target.value}`;
    return [what, value.toFixed(2), limit, isMet ? "met" : "NOT met"];
  });
  return table(["ratio", "value", "target", ""], rows, 1);
}

function table(head: readonly string[], rows: readonly string[][], nLeft: number): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i].length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => i < nLeft ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
      .join("  ").trimEnd();
  return [head, ...rows].map(line).join("\n");
}
