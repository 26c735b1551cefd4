/**
 * Stored text that doesn't parse, told with the place that it is from.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";

/** Result of parsing stored text; a `SyntaxError` becomes one that says where the text is from. */
export function parseStored<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new InvalidQuantumGraphFileError(`Cannot read ${what}: ${cause.message}`, { cause });
  }
}
