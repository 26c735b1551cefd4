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
  ProvgraphError,
  type StopReason,
} from "../base/errors.ts";
import { TOOL_NAME } from "../base/version.ts";
import { makeStyle, type Style } from "./color.ts";
import { exitCodeOf, isCommanderError } from "./exit_codes.ts";
import { jsonLine } from "./ndjson.ts";

/** How an error is told. */
export interface ErrorForm {
  /** Whether it is one JSON line, `exit_error` in `schema/scripting.md`. */
  isJson: boolean;
  /** Whether stacks are told. */
  isDebug: boolean;
  /** The command line, without the name of the program. */
  args: readonly string[];
  /** Whether an interrupted command is told with its command line; default true. */
  isContinued?: boolean;
  /** Marks of the words in front; none by default. */
  style?: Style;
}

/** Text of an error, line end included. */
export function describeError(
  error: unknown,
  { isJson, isDebug, args, isContinued = true, style = makeStyle(false) }: ErrorForm,
): string {
  const message = messageOf(error);
  const hint = hintOf(error, isDebug);
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
  const lines = [`${style.red("error:")} ${message.split("\n").join("\n  ")}`];
  if (hint !== undefined) lines.push(`${style.cyan("hint:")} ${hint}`);
  lines.push(...stack);
  if (command !== null) lines.push(`to continue: ${command}`);
  return `${lines.join("\n")}\n`;
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

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return isCommanderError(error) ? message.replace(/^error: /, "").trimEnd() : message;
}

function hintOf(error: unknown, isDebug: boolean): string | undefined {
  if (isCommanderError(error)) return `run ${TOOL_NAME} help COMMAND for the options`;
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
  for (let e: unknown = error; e instanceof Error; e = e.cause) stacks.push(e.stack ?? String(e));
  return stacks;
}

/** The command line that continues an interrupted one, to be typed into a shell. */
function commandLine(args: readonly string[]): string {
  const words = args.filter((arg) => arg !== "--no-resume");
  return [TOOL_NAME, ...words].map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
  ).join(" ");
}
