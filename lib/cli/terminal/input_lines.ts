/**
 * Lines of stdin, as they come.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";

/** Letters of the longest line that is taken. */
const MAX_LINE = 1 << 16;

/**
 * Complete lines in bunches: all that have come so far, so that whoever asks line by line is answered
 * line by line. Empty lines are left out.
 *
 * @throws {UsageError} for a line that is too long.
 */
export async function* inputLines(
  input: ReadableStream<Uint8Array>,
): AsyncGenerator<string[]> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of input) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) {
      throw new UsageError(`Cannot read stdin: a line has more than ${MAX_LINE} letters`);
    }
    const asked = lines.filter((line) => line.trim() !== "");
    if (asked.length > 0) yield asked;
  }
  if (rest.trim() !== "") yield [rest];
}
