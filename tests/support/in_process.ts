/**
 * Command lines of the tool in the test's own process, which spares the start of another: that costs half
 * a second, of which most commands need a few milliseconds.
 *
 * @module
 */

import { concatBytes } from "../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { runCommandLine } from "../../lib/cli/command_line.ts";
import type { CliContext } from "../../lib/cli/context.ts";
import { every, measurePeakRss, openPager } from "../../lib/cli/terminal/process.ts";
import { DEFAULT_SIZE, type Terminal } from "../../lib/cli/terminal/terminal.ts";
import { makeWorker } from "../../main.ts";
import { makeWorkerHere, workersAtRest } from "./worker_here.ts";

/** What a command said, and how it ended. */
export interface InProcessResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Where a command runs, and what it reads. */
export interface InProcessOptions {
  cwd: string;
  stdin?: Uint8Array;
  /** Whether workers are threads, as for users; else they work in this one, which is quicker. */
  inThreads?: boolean;
}

/** Streams that are kept: no terminals. */
class KeptStreams implements Terminal {
  readonly isTerminal = false;
  readonly isErrorTerminal = false;
  readonly #answer: Uint8Array[] = [];
  stderr = "";

  size() {
    return DEFAULT_SIZE;
  }

  write(bytes: Uint8Array | string): void {
    // A copy: who writes uses its buffer again.
    this.#answer.push(typeof bytes === "string" ? encodeUtf8(bytes) : bytes.slice());
  }

  writeError(text: string): void {
    this.stderr += text;
  }

  get stdout(): string {
    return new TextDecoder().decode(concatBytes(this.#answer));
  }
}

function contextOf(
  terminal: Terminal,
  { cwd, stdin, inThreads }: InProcessOptions,
): CliContext {
  return {
    terminal,
    input: () => ReadableStream.from(stdin === undefined ? [] : [stdin]),
    env: { get: (name) => name === "NO_COLOR" ? "1" : Deno.env.get(name) },
    cwd,
    root: new URL("../../", import.meta.url),
    makeWorker: inThreads ? makeWorker : makeWorkerHere,
    signal: new AbortController().signal,
    stopGracefully: () => {},
    nProcessors: navigator.hardwareConcurrency,
    processId: Deno.pid,
    now: () => new Date(),
    append: (path, text) => Deno.writeTextFileSync(path, text, { append: true }),
    measurePeakRss,
    rssBytes: () => Deno.memoryUsage().rss,
    every,
    openPager,
  };
}

/** The end of the command before: a process has one working directory, so they come one by one. */
let before: Promise<unknown> = Promise.resolve();

/**
 * Runs one command line, after those that were given before.
 *
 * @throws {Error} if somebody else changes the working directory, as tests in another thread
 * (`deno test --parallel`) would.
 */
export function runInProcess(
  args: readonly string[],
  options: InProcessOptions,
): Promise<InProcessResult> {
  const turn = before.then(() => runNow(args, options));
  before = turn.catch(() => {});
  return turn;
}

async function runNow(
  args: readonly string[],
  options: InProcessOptions,
): Promise<InProcessResult> {
  const streams = new KeptStreams();
  const home = Deno.cwd();
  Deno.chdir(options.cwd);
  // Where links lead to; the tool sees it in this form, too.
  const cwd = Deno.cwd();
  try {
    const code = await runCommandLine(args, contextOf(streams, { ...options, cwd }));
    await workersAtRest();
    if (Deno.cwd() !== cwd) throw new Error("another thread has changed the working directory");
    return { code, stdout: streams.stdout, stderr: streams.stderr };
  } finally {
    Deno.chdir(home);
  }
}
