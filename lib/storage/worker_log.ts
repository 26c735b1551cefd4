/**
 * Log files of workers: one file for each, named after it, in a directory that the user names. Lines
 * are `{LEVEL} {time} {message}`, times UTC with milliseconds; they are appended.
 *
 * @module
 */

import { ProvgraphError } from "../base/errors.ts";
import { encodeUtf8 } from "../base/json_text.ts";
import { LEVEL_NUMBERS, type Log, type LogLevel } from "../base/log.ts";
import { join } from "../base/paths.ts";
import { openToAppend } from "./regular_file.ts";
import { fileError } from "./file_errors.ts";

/** Where worker logs go and what goes there. */
export interface WorkerLogSetup {
  /** Absolute path; made if it isn't there. */
  directory: string;
  level: LogLevel;
}

/** The log of one worker. */
export class WorkerLog implements Log, Disposable {
  #file: Deno.FsFile | null;
  readonly #least: number;

  private constructor(file: Deno.FsFile | null, least: number) {
    this.#file = file;
    this.#least = least;
  }

  /**
   * Opens the log of a worker, or one that nobody reads.
   *
   * @throws {EnvironmentError} if directory or file can't be made.
   */
  static open(setup: WorkerLogSetup | null | undefined, name: string): WorkerLog {
    if (setup === null || setup === undefined) return new WorkerLog(null, Infinity);
    const path = join(setup.directory, `${name}.log`);
    try {
      Deno.mkdirSync(setup.directory, { recursive: true });
      const file = openToAppend(path, "write worker log");
      const log = new WorkerLog(file, LEVEL_NUMBERS[setup.level]);
      log.log("VERBOSE", `${name} runs in process ${Deno.pid}.`);
      return log;
    } catch (error) {
      throw error instanceof ProvgraphError ? error : fileError("write worker log", path, error);
    }
  }

  /** Whether records of a level are written: worth asking before making a text for each quantum. */
  isEnabled(level: LogLevel): boolean {
    return LEVEL_NUMBERS[level] >= this.#least;
  }

  log(level: LogLevel, text: string): void {
    if (!this.isEnabled(level)) return;
    const time = new Date().toISOString().slice(0, -1);
    try {
      this.#file?.writeSync(encodeUtf8(`${level} ${time} ${text}\n`));
    } catch {
      // A log file must not end hours of work.
    }
  }

  /** Closes the file; what is logged afterwards is lost. A second call does nothing. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = null;
  }
}
