/**
 * All that commands may know of the process they run in. `main.ts` fills it in; tests make their own.
 *
 * @module
 */

import type { Environment } from "../base/environment.ts";
import type { Log } from "../base/log.ts";
import type { Style } from "./terminal/color.ts";
import type { Logger } from "./terminal/logger.ts";
import type { PagerProcess } from "./terminal/pager_process.ts";
import type { ProgressReporter } from "./terminal/progress.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Surroundings of the command line. */
export interface CliContext {
  terminal: Terminal;
  /** stdin; to be asked for once. */
  input: () => ReadableStream<Uint8Array>;
  env: Environment;
  cwd: string;
  /** Folder of the entry point, with a slash at the end. */
  root: URL;
  /** Makes workers; only the entry point knows where their modules are. */
  makeWorker: (role: "scanner" | "ingester" | "writer" | "deleter" | "searcher") => Worker;
  /** Aborted, with a `StopReason`, when a signal asks to stop. */
  signal: AbortSignal;
  /** Asks for `signal` to be aborted by the first signal; else that ends the process at once. */
  stopGracefully: () => void;
  /** Processors that may be used; default of `--processes`. */
  nProcessors: number;
  processId: number;
  now: () => Date;
  /** Appends text to a file. */
  append: (path: string, text: string) => void;
  /**
   * To be called before much memory is taken; what is returned tells the most bytes that the process has
   * had resident so far, or null if unknown.
   */
  measurePeakRss: () => () => number | null;
  /** Bytes of memory that the process has resident now. */
  rssBytes: () => number;
  /** Calls back again and again; returns what ends it. Does not keep the process alive. */
  every: (milliseconds: number, callback: () => void) => () => void;
  /**
   * Starts a pager, a command for the shell, with variables added to its environment.
   *
   * @throws {Error} if there is no shell.
   */
  openPager: (command: string, variables: Readonly<Record<string, string>>) => PagerProcess;
}

/** What a command gets besides its own options. */
export interface CommandContext extends CliContext {
  logger: Logger;
  log: Log;
  progress: ProgressReporter;
  /** Marks of text on stdout. */
  style: Style;
  /** Whether the user lets long output go through a pager; see `withPager`. */
  isPagerWanted: boolean;
}
