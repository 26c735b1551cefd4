/**
 * Long output for people goes through a pager, but on a terminal only, and only if it is longer than
 * the screen.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { decodeUtf8 } from "../../base/json_text.ts";
import { visibleBytes } from "../../base/text/visible_text.ts";
import { shown, type Style } from "./color.ts";
import type { PagerProcess } from "./pager_process.ts";
import { ClosedPipeError, type Terminal } from "./terminal.ts";

/** Pager where the environment names none; it ends at once if the text fits, and shows colours. */
const DEFAULT_PAGER = "less";
/** What `less` is told by its own variable where the user has not set that: quit, raw colours. */
const LESS_OPTIONS = "FRX";
/** Letters that may wait for a pager that the user doesn't scroll. */
const MAX_WAITING = 4 * 1024 * 1024;

/** What paging asks of a command's surroundings. */
interface PagingContext {
  readonly terminal: Terminal;
  readonly env: Environment;
  /** Marks of text on stdout. */
  readonly style: Style;
  /** Whether the user lets long output go through a pager. */
  readonly isPagerWanted: boolean;
  /** Starts a pager, a command for the shell. @throws {Error} if there is no shell. */
  readonly openPager: (
    command: string,
    variables: Readonly<Record<string, string>>,
  ) => PagerProcess;
  /** From now on the first signal only asks the command to end. */
  readonly stopGracefully: () => void;
}

/** Where a command writes output that may be long. */
export interface PagedOutput {
  /** @throws {ClosedPipeError} if nobody reads any more: then the command just ends. */
  write(text: Uint8Array | string): void;
  /** Waits until not too much is waiting; to be called now and then by whoever writes a lot. */
  drain(): Promise<void>;
}

/**
 * Lets a command write, through a pager if there is a reason to.
 *
 * @param isWanted False for output that is no text for people: JSON, raw bytes.
 */
export async function withPager(
  context: PagingContext,
  isWanted: boolean,
  produce: (output: PagedOutput) => Promise<void>,
): Promise<void> {
  const { terminal, env } = context;
  const command = env.get("PAGER") ?? DEFAULT_PAGER;
  const isPaged = isWanted && terminal.isTerminal && context.isPagerWanted && command !== "" &&
    command !== "cat";
  // Text for people; all else goes out as it is.
  const asShown = (text: Uint8Array | string) =>
    typeof text === "string" ? shown(text, context.style) : visibleBytes(text);
  if (!isPaged) {
    return await produce({
      write: (text) => terminal.write(isWanted ? asShown(text) : text),
      drain: () => Promise.resolve(),
    });
  }
  const output = new PagerOutput(context, command);
  try {
    await produce({ write: (text) => output.write(asShown(text)), drain: () => output.drain() });
  } catch (error) {
    // What was written before the error is shown first; then whoever catches it tells the error.
    await output.end();
    throw error;
  }
  await output.end();
}

/** Keeps one screen of text, then starts the pager. */
class PagerOutput implements PagedOutput {
  readonly #context: PagingContext;
  readonly #command: string;
  #held = "";
  #nHeldLines = 0;
  #pager: PagerProcess | null = null;
  #tail: Promise<void> = Promise.resolve();
  #nWaiting = 0;
  #isClosed = false;

  constructor(context: PagingContext, command: string) {
    this.#context = context;
    this.#command = command;
  }

  write(bytes: Uint8Array | string): void {
    if (this.#isClosed) throw new ClosedPipeError();
    const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
    if (this.#pager !== null) return this.#send(text);
    this.#held += text;
    const { columns, rows } = this.#context.terminal.size();
    for (const line of text.split("\n").slice(1)) {
      this.#nHeldLines += 1 + Math.floor(line.length / Math.max(1, columns));
    }
    if (this.#nHeldLines < rows) return;
    const variables: Record<string, string> = {};
    if (this.#context.env.get("LESS") === undefined) variables.LESS = LESS_OPTIONS;
    try {
      this.#pager = this.#context.openPager(this.#command, variables);
    } catch {
      // No such program: the text is what matters.
      this.#pager = {
        write: (text) => Promise.resolve(this.#context.terminal.write(text)),
        end: () => Promise.resolve(),
      };
    }
    // Ctrl-C belongs to the pager now.
    this.#context.stopGracefully();
    const held = this.#held;
    this.#held = "";
    this.#send(held);
  }

  #send(text: string): void {
    this.#nWaiting += text.length;
    this.#tail = this.#tail.then(async () => {
      try {
        if (!this.#isClosed) await this.#pager!.write(text);
      } catch {
        this.#isClosed = true;
      }
      this.#nWaiting -= text.length;
    });
  }

  async drain(): Promise<void> {
    if (this.#nWaiting > MAX_WAITING) await this.#tail;
    if (this.#isClosed) throw new ClosedPipeError();
  }

  async end(): Promise<void> {
    await this.#tail;
    if (this.#pager !== null) await this.#pager.end();
    else if (this.#held !== "") this.#context.terminal.write(this.#held);
  }
}
