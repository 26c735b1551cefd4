/**
 * Which options and arguments have values that only the program knows.
 *
 * @module
 */

/** What the values of options and arguments are, by name. */
export const VALUE_KINDS: Readonly<Record<string, ValueKind>> = {
  "--status": "status",
  "--state": "status",
  "--no-state": "status",
  "--fields": "field",
  "--sort": "field",
  "--task": "task",
  "--type": "type",
  "--run": "run",
  "--run-a": "run",
  "--run-b": "run",
  "--output-run": "run",
  "id": "id",
};

/** Kinds of values. */
export type ValueKind = "status" | "field" | "task" | "type" | "run" | "id";

/** Whether values of an option or argument are to be asked for. */
export function hasValues(name: string): boolean {
  return Object.hasOwn(VALUE_KINDS, name);
}

/**
 * Whether a value may be offered to a shell, which expands what it is given: names come from files of
 * others.
 */
export function isHarmless(value: string): boolean {
  return /^[\w@%+=:,./-]+$/.test(value);
}
