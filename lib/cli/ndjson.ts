/**
 * JSON on stdout: lines that each are one object with a `message_type`, gathered into larger pieces,
 * for a system call a line is too slow for a million of them.
 *
 * @module
 */

import { type JsonValue, stringifyJson } from "../base/json_text.ts";
import { visibleJson } from "../base/visible_text.ts";

/** Where gathered output goes: a terminal, or a pager before it. */
export interface TextOutput {
  /** @throws {ClosedPipeError} if nobody reads any more. */
  write(text: string): void;
}

/** Letters that are gathered before they are written. */
const PIECE_SIZE = 64 * 1024;

/** Gathers output; nothing is lost as long as {@linkcode flush} is called, or `using` does it. */
export class OutputBuffer implements Disposable {
  readonly #terminal: TextOutput;
  #text = "";

  constructor(terminal: TextOutput) {
    this.#terminal = terminal;
  }

  /** @throws {ClosedPipeError} if nobody reads any more. */
  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE_SIZE) this.flush();
  }

  /** Writes all that was gathered. @throws {ClosedPipeError} if nobody reads any more. */
  flush(): void {
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#terminal.write(text);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}

/** Fields of a JSON line. Numbers that came from a document keep their text. */
export type JsonFields = Readonly<Record<string, JsonValue>>;

/**
 * One JSON line. What a terminal may take for orders is escaped, which changes nothing for a parser.
 *
 * @param messageType Says what the line is; in front of the fields.
 */
export function jsonLine(messageType: string, fields: JsonFields): string {
  return `${visibleJson(stringifyJson({ message_type: messageType, ...fields }))}\n`;
}
