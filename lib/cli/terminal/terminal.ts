/**
 * The three streams of the process behind one interface: stdout is the answer, stderr everything
 * else. A reader that went away is no error: `provgraph cat ... | head` ends quietly.
 *
 * @module
 */

import { encodeUtf8 } from "../../base/json_text.ts";

/** What commands write to. */
export interface Terminal {
  /** Writes a part of the answer to stdout. @throws {ClosedPipeError} if nobody reads any more. */
  write(bytes: Uint8Array | string): void;
  /** Writes to stderr; what can't be written there is lost. */
  writeError(text: string): void;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Whether stderr is a terminal. */
  readonly isErrorTerminal: boolean;
  /** Letters a line and lines of the terminal; 80 and 24 where there is none. */
  size(): { columns: number; rows: number };
}

/** The part of a `Deno.stdout` that {@linkcode ProcessTerminal} uses. */
interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/** What is assumed of a terminal that doesn't tell, and of what is none. */
export const DEFAULT_SIZE = { columns: 80, rows: 24 } as const;

/** Whoever read stdout has gone. Not told to anybody: the process just ends. */
export class ClosedPipeError extends Error {
  override name = "ClosedPipeError";
}

/** Streams of a process. */
export class ProcessTerminal implements Terminal {
  readonly #stdout: SyncWriter;
  readonly #stderr: SyncWriter;

  readonly isTerminal: boolean;
  readonly isErrorTerminal: boolean;

  constructor(stdout: SyncWriter, stderr: SyncWriter) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.isTerminal = stdout.isTerminal();
    this.isErrorTerminal = stderr.isTerminal();
  }

  size(): { columns: number; rows: number } {
    if (!this.isTerminal && !this.isErrorTerminal) return DEFAULT_SIZE;
    try {
      const { columns, rows } = Deno.consoleSize();
      // Terminals that were never told their size say 0.
      return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
    } catch {
      return DEFAULT_SIZE;
    }
  }

  write(bytes: Uint8Array | string): void {
    try {
      writeAll(this.#stdout, typeof bytes === "string" ? encodeUtf8(bytes) : bytes);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new ClosedPipeError();
      throw error;
    }
  }

  writeError(text: string): void {
    try {
      writeAll(this.#stderr, encodeUtf8(text));
    } catch {
      // There is nowhere left to say it.
    }
  }
}

/** A pipe set to non-blocking by somebody else may take a part, or nothing for the moment. */
function writeAll(writer: SyncWriter, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writer.writeSync(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      // Rare and short: the other end is reading.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
