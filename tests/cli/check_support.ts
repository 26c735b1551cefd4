/** The command line in this process, and the commands that `check` prints, run as printed. */

import { armFailpoints } from "../../lib/storage/failpoints.ts";
import type { CliContext } from "../../lib/cli/context.ts";
import { runProgram } from "../../lib/cli/program.ts";
import { DEFAULT_SIZE } from "../../lib/cli/terminal/terminal.ts";
import { makeWorkerHere, workersAtRest } from "../support/worker_here.ts";

const decoder = new TextDecoder();

/** What a command did. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command line of the tool. Paths must be absolute: the working directory is the test's.
 *
 * @param own Surroundings that the test has of its own.
 * @param failpoints Places in this thread where effects fail.
 */
export async function runHere(
  args: readonly string[],
  own: Partial<CliContext> = {},
  failpoints?: string,
): Promise<Outcome> {
  armFailpoints(failpoints);
  const outcome: Outcome = { code: 0, stdout: "", stderr: "" };
  outcome.code = await runProgram(args, {
    terminal: {
      write: (text) =>
        void (outcome.stdout += typeof text === "string" ? text : decoder.decode(text)),
      writeError: (text) => void (outcome.stderr += text),
      isTerminal: false,
      isErrorTerminal: false,
      size: () => DEFAULT_SIZE,
    },
    env: { get: (name) => name === "HOME" ? "/nowhere" : undefined },
    cwd: Deno.cwd(),
    root: new URL("../../", import.meta.url),
    makeWorker: makeWorkerHere,
    signal: new AbortController().signal,
    stopGracefully: () => {},
    nProcessors: 2,
    input: () => ReadableStream.from([]),
    processId: Deno.pid,
    now: () => new Date(),
    append: () => {},
    measurePeakRss: () => () => null,
    rssBytes: () => 0,
    every: () => () => {},
    openPager: () => {
      throw new Error("no pager here");
    },
    ...own,
  });
  await workersAtRest();
  return outcome;
}

/** One problem, as `--json` prints it. */
export interface PrintedProblem {
  kind: string;
  where: string;
  what: string;
  /** Name of the advice; null if there is none. */
  advice: string | null;
  command: string | null;
  repairable: boolean;
}

/** What `check ... --json` printed. */
export interface CheckOutput {
  code: number;
  problems: PrintedProblem[];
  kinds: string[];
  notes: string[];
  repaired: string[];
  summary: {
    target: string;
    contents: string[];
    n_problems: number;
    counts: Record<string, number>;
  };
}

/** Runs `check` and reads its lines. */
export async function check(...args: string[]): Promise<CheckOutput> {
  const { code, stdout, stderr } = await runHere(["-q", "check", ...args, "--json"]);
  if (code !== 0 && code !== 3) throw new Error(`check ${args.join(" ")}: ${code}\n${stderr}`);
  const messages = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const ofType = (type: string) => messages.filter((message) => message.message_type === type);
  const summary = ofType("summary")[0];
  return {
    code,
    problems: ofType("problem"),
    kinds: Object.keys(summary.counts).sort(),
    notes: ofType("note").map(({ text }) => text),
    repaired: ofType("repaired").map(({ text }) => text),
    summary,
  };
}

/** Words of a command line, as a POSIX shell splits it. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'\\]|'[^']*'|\\.)+/g)].map(([word]) =>
    word.replaceAll(
      /'([^']*)'|\\(.)/g,
      (_, quoted?: string, escaped?: string) => quoted ?? escaped!,
    )
  );
}

/** Runs a printed command: the tool's own here, others by the shell. */
export async function runPrinted(line: string): Promise<Outcome> {
  const [program, ...args] = shellWords(line);
  if (program === "provgraph") return await runHere(["-q", ...args]);
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", line] }).output();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
