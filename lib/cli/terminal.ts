/**
 * The three streams of the process behind one interface: stdout is the answer, stderr everything
 * else. A reader that went away is no error: `provgraph cat ... | head` ends quietly.
 *
 * @module
 */

import { encodeUtf8 } from "../base/json_text.ts";

/** What commands write to. */
export interface Terminal {
  /** Writes a part of the answer to stdout. @throws {ClosedPipeError} if nobody reads any more. */
  write(bytes: Uint8Array | string): void;
  /** Writes to stderr; what can't be written there is lost. */
  writeError(text: string): void;
}

/** The part of a `Deno.stdout` that {@linkcode ProcessTerminal} uses. */
export interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

/** Whoever read stdout has gone. Not told to anybody: the process just ends. */
export class ClosedPipeError extends Error {
  override name = "ClosedPipeError";
}

/** Streams of a process. */
export class ProcessTerminal implements Terminal {
  readonly #stdout: SyncWriter;
  readonly #stderr: SyncWriter;

  constructor(stdout: SyncWriter, stderr: SyncWriter) {
    this.#stdout = stdout;
    this.#stderr = stderr;
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
