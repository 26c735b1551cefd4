/**
 * `--metrics-file`: a file that a collector of metrics reads while the command works, as the one for text files
 * of Prometheus' node exporter. It is replaced as a whole, so that nobody reads half of it.
 *
 * @module
 */

import type { Log } from "../../base/log.ts";
import { UsageError } from "../../base/errors.ts";
import { linkTarget } from "../../storage/durable_file.ts";
import { systemErrorText } from "../../storage/file_errors.ts";
import { type MetricsState, metricsText } from "./metrics_text.ts";
import type { StatusReport, StatusSink } from "../terminal/status_report.ts";

/** Collectors read every 15 s or so. */
const WRITE_MS = 5000;

/** Writes a metrics file for one command. */
export class MetricsFile implements StatusSink {
  readonly intervalMs = WRITE_MS;
  readonly #path: string;
  /** Where the path leads to: a symbolic link stays one. */
  readonly #target: string;
  readonly #temporary: string;
  readonly #now: () => Date;
  readonly #log: Log;
  readonly #state: MetricsState;
  #hasFailed = false;

  /**
   * Writes it for the first time.
   *
   * @param path Absolute.
   * @param command Its name on the command line.
   * @throws {UsageError} if that can't be written: it is a place for the monitoring, not a matter of luck.
   */
  constructor(
    path: string,
    command: string,
    { now, log }: { now: () => Date; log: Log },
  ) {
    this.#path = path;
    this.#target = linkTarget(path);
    // Collectors take files by their endings, so this one has another.
    this.#temporary = `${this.#target}.${crypto.randomUUID()}.tmp`;
    this.#now = now;
    this.#log = log;
    const startSeconds = now().getTime() / 1000;
    this.#state = {
      name: path.replace(/^.*\//, "").replace(/(?<=.)\.[^.]*$/, ""),
      command,
      startSeconds,
      updateSeconds: startSeconds,
      exitCode: null,
      status: null,
    };
    try {
      this.#write();
    } catch (cause) {
      const reason = systemErrorText(cause);
      throw new UsageError(`Cannot write metrics file "${path}": ${reason}`, { cause });
    }
  }

  tell(report: StatusReport): void {
    this.#state.status = report;
    this.#writeOrWarn();
  }

  /** Writes it for the last time. */
  end(exitCode: number): void {
    this.#state.exitCode = exitCode;
    this.#writeOrWarn();
  }

  /** The work goes on without metrics; that is said once. */
  #writeOrWarn(): void {
    try {
      this.#write();
      this.#hasFailed = false;
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      const reason = systemErrorText(error);
      this.#log.log("WARNING", `Cannot write metrics file "${this.#path}": ${reason}`);
    }
  }

  #write(): void {
    this.#state.updateSeconds = this.#now().getTime() / 1000;
    try {
      Deno.writeTextFileSync(this.#temporary, metricsText(this.#state), { mode: 0o644 });
      Deno.renameSync(this.#temporary, this.#target);
    } catch (error) {
      try {
        Deno.removeSync(this.#temporary);
      } catch {
        // It may not be there.
      }
      throw error;
    }
  }
}
