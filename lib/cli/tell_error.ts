/**
 * What is said about the error that ends a command: lines for people, or one JSON line for scripts.
 * Either is the last thing on stderr.
 *
 * @module
 */

import {
  hintOfKnownCause,
  hintOfSystemError,
  InterruptedError,
  pathRefused,
  ProvgraphError,
  type StopReason,
} from "../base/errors.ts";
import { shellLine } from "../base/text/shell.ts";
import { withoutSecrets } from "../base/text/secrets.ts";
import { TOOL_NAME } from "../base/version.ts";
import { makeStyle, shown, type Style } from "./terminal/color.ts";
import { isCommandName } from "./command_table.ts";
import { ExitCode, exitCodeOf, isCommanderError } from "./exit_codes.ts";
import { jsonLine } from "./terminal/ndjson.ts";

/** How an error is told. */
interface ErrorForm {
  /** Whether it is one JSON line, `exit_error` in `schema/scripting.md`. */
  isJson: boolean;
  /** Whether stacks are told. */
  isDebug: boolean;
  /** The command line, without the name of the program. */
  args: readonly string[];
  /** Whether an interrupted command is told with its command line; default true. */
  isContinued?: boolean;
  /** Hint for an error about the command line. */
  usageHint?: string;
  /** Marks of the words in front; none by default. */
  style?: Style;
}

/** Text of an error, line end included. */
export function describeError(
  thrown: unknown,
  form: ErrorForm,
): string {
  const error = pathRefused(thrown) ?? thrown;
  const { isJson, isDebug, args, isContinued = true, style = makeStyle(false) } = form;
  const message = messageOf(error);
  const hint = form.usageHint === undefined
    ? hintOf(error, isDebug)
    : withoutSecrets(form.usageHint);
  const stack = isDebug ? stacksOf(error) : [];
  const command = error instanceof InterruptedError && isContinued ? commandLine(args) : null;
  if (isJson) {
    return jsonLine("exit_error", {
      code: exitCodeOf(error),
      message,
      hint: hint ?? null,
      ...(command === null ? {} : { command }),
      ...(stack.length === 0 ? {} : { stack: stack.join("\n") }),
    });
  }
  const lines = [`${style.red("error:")} ${indented(message)}`];
  const safe = safetyOf(error, args);
  if (safe !== null) lines.push(`${style.cyan("safe:")} ${safe}`);
  if (hint !== undefined) lines.push(`${style.cyan("hint:")} ${indented(hint)}`);
  lines.push(...stack.map(indented));
  if (command !== null) lines.push(`to continue: ${command}`);
  return `${shown(lines.join("\n"), style)}\n`;
}

/**
 * What is said when a signal ends the process at once.
 *
 * @param isRepeatable Whether the same command goes on from where it was.
 */
export function describeSignal(
  { signal, number }: StopReason,
  isRepeatable: boolean,
  args: readonly string[],
): string {
  const error = new InterruptedError(
    `Ended by ${signal}`,
    { signal, number },
    isRepeatable ? { hint: "run the same command again" } : {},
  );
  const isJson = asksForJson(args);
  return describeError(error, { isJson, isDebug: false, args, isContinued: false });
}

/** Whether stdout and the last word on stderr are to be JSON, known before anything is parsed. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).includes("--json");
}

/** Commands that write: people must know at once what became of their data. */
const WRITERS: ReadonlySet<string> = new Set(["aggregate-graph", "ingest-graph", "scan"]);

/** What an error leaves of a command that writes; null for others, and where nobody can know. */
function safetyOf(error: unknown, args: readonly string[]): string | null {
  // A word after the name of a command may be the name of another one.
  const isWriter = WRITERS.has(args.find(isCommandName) ?? "");
  if (!isWriter || !(error instanceof ProvgraphError) || error instanceof InterruptedError) {
    return null;
  }
  return exitCodeOf(error) === ExitCode.REFUSED
    ? "nothing was changed"
    : "what was done stays, and nothing is lost";
}

/** What comes from files and other programs can't begin a line of its own. */
function indented(text: string): string {
  return text.split("\n").join("\n  ");
}

function messageOf(error: unknown): string {
  const message = withoutSecrets(error instanceof Error ? error.message : String(error));
  return isCommanderError(error) ? message.replace(/^error: /, "").trimEnd() : message;
}

function hintOf(error: unknown, isDebug: boolean): string | undefined {
  if (error instanceof ProvgraphError) return error.hint ?? hintOfCause(error.cause);
  const hint = error instanceof Error ? hintOfSystemError(error) : null;
  if (hint !== null) return hint;
  return isDebug ? undefined : "run again with --debug for the place in the program";
}

/** An error that was worded says what failed, but perhaps not what helps against its cause. */
function hintOfCause(cause: unknown): string | undefined {
  return cause instanceof Error ? hintOfKnownCause(cause) ?? undefined : undefined;
}

function stacksOf(error: unknown): string[] {
  const stacks: string[] = [];
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    stacks.push(withoutSecrets(e.stack ?? String(e)));
  }
  return stacks;
}

/** The command line that continues an interrupted one, to be typed into a shell. */
function commandLine(args: readonly string[]): string {
  const words = args.filter((arg) => arg !== "--no-resume");
  return shellLine([TOOL_NAME, ...words]);
}
