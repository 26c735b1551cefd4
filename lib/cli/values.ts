/**
 * Values of options that need nothing of the package that parses options: command lines that are carried out
 * without it have them as well.
 *
 * @module
 */

import { UsageError } from "../base/errors.ts";
import { LEVEL_NUMBERS, type LogLevel } from "../base/log.ts";
import { nearestHint } from "../base/text/nearest.ts";

const STATUSES = ["ABORTED", "UNKNOWN", "ABORTED_SUCCESS", "FAILED", "BLOCKED", "SUCCESSFUL"];

/** What `ls` lists: attempts are those of quanta. */
export const LIST_KINDS = ["quanta", "datasets", "attempts"] as const;

/** Parser that gathers the values of a repeated option, each of which may be a list with commas. */
export function gather(text: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), ...text.split(",").filter((part) => part !== "")];
}

/** Number of a level by its name, or the number itself; null if it is neither. */
export function levelNumber(text: string): number | null {
  const name = text.toUpperCase();
  if (name === "WARN") return LEVEL_NUMBERS.WARNING;
  if (Object.hasOwn(LEVEL_NUMBERS, name)) return LEVEL_NUMBERS[name as LogLevel];
  return /^\d{1,3}$/.test(text) ? Number(text) : null;
}

/** Name of a status, however it is written. @throws {UsageError} if there is none of that name. */
export function parseStatus(text: string): string {
  const name = text.toUpperCase();
  if (STATUSES.includes(name)) return name;
  throw new UsageError(`Cannot use --status "${text}": it is no status`, {
    hint: nearestHint(name, STATUSES, `one of ${STATUSES.join(", ")}`),
  });
}
