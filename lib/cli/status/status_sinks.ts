/**
 * Who is told the status of a command beside people: scripts that read its JSON lines, and collectors of metrics.
 * Loaded only for commands that were asked for either.
 *
 * @module
 */

import type { Log } from "../../base/log.ts";
import { filePath } from "../args.ts";
import type { CliContext } from "../context.ts";
import { MetricsFile } from "./metrics_file.ts";
import { JsonStatusLines, type StatusSink } from "../terminal/status_report.ts";

/** What was asked for on the command line. */
export interface SinkOptions {
  metricsFile?: string;
  json?: boolean;
}

/** Sinks of one command. */
interface StatusSinks {
  sinks: StatusSink[];
  /** Null where none is wanted. */
  metrics: MetricsFile | null;
}

/**
 * Makes the sinks.
 *
 * @param command Its name on the command line.
 * @param intervalMs Between JSON lines.
 * @throws {UsageError} if the metrics file can't be written.
 */
export function makeStatusSinks(
  command: string,
  options: SinkOptions,
  intervalMs: number,
  context: CliContext & { log: Log },
): StatusSinks {
  const { env, cwd, terminal } = context;
  const metrics = options.metricsFile === undefined
    ? null
    : new MetricsFile(filePath(options.metricsFile, env, cwd, "metrics file"), command, context);
  const sinks: StatusSink[] = metrics === null ? [] : [metrics];
  if (options.json) sinks.push(new JsonStatusLines(intervalMs, terminal));
  return { sinks, metrics };
}
