/**
 * Where environment variables come from.
 *
 * @module
 */

/** The environment variables of the process, or a test's. */
export interface Environment {
  /** Value of a variable, undefined if it isn't set. */
  get(name: string): string | undefined;
}
