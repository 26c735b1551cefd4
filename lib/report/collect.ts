/**
 * Makes the report of a run in one pass over its quanta, and a look at the logs of some that failed.
 *
 * @module
 */

import { InvalidQuantumGraphFileError, RefusedError } from "../base/errors.ts";
import { countQuanta, type Progress } from "../base/progress.ts";
import { readReportQuantum } from "../provenance/documents/quantum_report.ts";
import { parseHeader } from "../qg/header.ts";
import type { DocumentSource } from "../sources/source.ts";
import { ReportCollector, type ReportLimits } from "./collector.ts";
import { ReportCounts } from "./counts.ts";
import type { RunReport } from "./model.ts";
import { latestStart } from "./odd_times.ts";
import { sampleLog } from "../sources/logs/log_end.ts";

/** What a report is made of, besides the source. */
export interface ReportOptions {
  /** How the command line names the source. */
  argument: string;
  limits: ReportLimits;
  /** Name and version of the tool. */
  tool: string;
  now: Date;
  progress: Progress;
}

/**
 * Makes the report of a run.
 *
 * @throws {RefusedError} if nothing has been run yet.
 * @throws {InvalidQuantumGraphFileError} if the source is damaged.
 */
export async function collectReport(
  source: DocumentSource,
  options: ReportOptions,
): Promise<RunReport> {
  if (source.isPlan) {
    throw new RefusedError(`Cannot report on ${source.name}: nothing has been run yet`, {
      hint: "give the graph that aggregate-graph wrote",
    });
  }
  const header = parseHeader(await source.header(), source.name, "any");
  const labels = await source.taskLabels();
  const dimensions = await source.rowDimensions("quanta");
  const collector = new ReportCollector(
    labels,
    new ReportCounts(labels, header),
    dimensions,
    options.limits,
    latestStart(header.timestamp),
  );
  for await (const text of countQuanta(source.quanta(), header.n_quanta, options.progress)) {
    const quantum = readReportQuantum(text, `quantum in ${source.name}`);
    if (!collector.add(quantum)) {
      throw new InvalidQuantumGraphFileError(
        `Cannot read quantum ${quantum.quantumId} in ${source.name}: ` +
          `the pipeline has no task "${quantum.taskLabel}"`,
      );
    }
  }
  const collected = collector.report();
  for (const { sample } of collected.exceptions.slice(0, options.limits.nSamples)) {
    sample.log = await sampleLog(source, sample.quantum_id, sample.attempt);
  }
  return {
    message_type: "report",
    source: source.name,
    argument: options.argument,
    output_run: header.output_run,
    output: header.output,
    inputs: header.inputs,
    user: header.user,
    timestamp: header.timestamp,
    command: header.command,
    tool: options.tool,
    made: options.now.toISOString(),
    n_expected: header.n_quanta,
    ...collected,
  };
}
