/**
 * The next step after a command line that can't work.
 *
 * @module
 */

import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { shellLine } from "../base/text/shell.ts";
import { TOOL_NAME } from "../base/version.ts";
import { isCommanderError } from "./exit_codes.ts";
import { nearest } from "../base/text/nearest.ts";

/** Where a command is explained; null for none. */
export function helpHint(command: string | null): string {
  return command === null
    ? `${TOOL_NAME} --help lists commands and options`
    : `${TOOL_NAME} help ${command} explains its arguments and options`;
}

/**
 * Hint for an error about the command line that brings none of its own; undefined for all others.
 *
 * @param words The command line.
 */
export function usageHint(
  error: unknown,
  program: Command,
  words: readonly string[],
): string | undefined {
  const command = words.map((word) => program.commands.find((each) => each.name() === word))
    .find((found) => found !== undefined) ?? null;
  const help = helpHint(command?.name() ?? null);
  if (error instanceof UsageError) return error.hint ?? help;
  if (!isCommanderError(error)) return undefined;
  return meantOption(error.message, command, program) ?? meantChoice(error.message, words) ?? help;
}

/** Commander itself looks at the options of the command only. */
function meantOption(message: string, command: Command | null, program: Command): string | null {
  const unknown = /unknown option '(--[^'=]*)/.exec(message)?.[1];
  if (unknown === undefined || message.includes("Did you mean")) return null;
  const known = [...(command?.options ?? []), ...program.options].flatMap(({ long }) => long ?? []);
  const found = nearest(unknown, known);
  return found === null ? null : `did you mean ${found}?`;
}

function meantChoice(message: string, words: readonly string[]): string | null {
  const match = /(?:argument|value) '([^']*)' is invalid.* Allowed choices are (.*)\.$/s
    .exec(message.trimEnd());
  if (match === null) return null;
  const [, value, list] = match;
  const choices = list.split(", ");
  const at = words.indexOf(value);
  // SOURCE WHAT, typed the other way round.
  if (at > 1 && choices.includes(words[at - 1])) {
    const swapped = [...words.slice(0, at - 1), value, words[at - 1], ...words.slice(at + 1)];
    return `type: ${shellLine([TOOL_NAME, ...swapped])}`;
  }
  const found = nearest(value, choices);
  return found === null ? null : `did you mean "${found}"?`;
}
