/**
 * The many small files of a run, read whole. One after the other where that is quick: a file in memory
 * takes less time than asking for it in the background. Where each is waited for, as on file systems
 * behind a network, those that come next are read ahead, many at a time.
 *
 * @module
 */

import {
  fileIdentity,
  type FileVersion,
  readWholeFile,
  type ReusableBuffer,
  versionOf,
  type WholeFile,
} from "./file_source.ts";
import { isAbsence } from "./file_errors.ts";

/** When files are read ahead: where they are seen to be slow, or in any case. */
export type ReadAhead = "auto" | "always" | "never";

/** A file that will be read, or only looked at. */
export interface WantedFile {
  path: string;
  isContentWanted: boolean;
}

/** What takes longer in one go was waited for: in memory it takes a tenth of this. */
const SLOW_MS = 0.2;
/** So many times are remembered, a bit each. */
const N_REMEMBERED = 16;
/** So many of them must have been slow: a thread that was held up makes one or two so. */
const MIN_SLOW = 8;
/** Turns for which files are read ahead. With two files a turn they keep 32 threads busy; more gain nothing. */
const MAX_TURNS_AHEAD = 16;
/** The same for all readers of a process together, whose files are open at once: it may have 1024. */
const MAX_TURNS_AHEAD_OF_ALL = 256;
/** Of so many turns, the files of one are read in one go, to see whether that is slow still. */
const N_TURNS_PER_LOOK = 32;
/** Larger files wait for their turn: this bounds what lies ready. */
const MAX_AHEAD_BYTES = 2 ** 18;

/** A file that was read ahead; without its content if that isn't wanted, or is large. */
interface FileAhead extends FileVersion {
  bytes: Uint8Array<ArrayBuffer> | null;
}

/** Reads files, with the same result whether they were read ahead or not. */
export class WholeFiles {
  readonly #when: ReadAhead;
  readonly #nTurnsAhead: number;
  readonly #now: () => number;
  /** What was read ahead, null for what isn't there. */
  readonly #ready = new Map<string, FileAhead | null>();
  #slowBits = 0;
  #nSlow = 0;
  #nBegun = 0;

  /**
   * @param nReaders How many of these are at work in this process.
   * @param now Clock, milliseconds.
   */
  constructor(when: ReadAhead, nReaders: number, now: () => number = () => performance.now()) {
    this.#when = when;
    const nTurns = Math.floor(MAX_TURNS_AHEAD_OF_ALL / nReaders);
    this.#nTurnsAhead = Math.max(1, Math.min(MAX_TURNS_AHEAD, nTurns));
    this.#now = now;
  }

  /** As `readWholeFile()`; the content is valid until the buffer is used again or the turn is over. */
  read(path: string, buffer: ReusableBuffer): WholeFile | null {
    const ahead = this.#ready.get(path);
    if (ahead === null) return null;
    if (ahead !== undefined && ahead.bytes !== null) return { ...ahead, bytes: ahead.bytes };
    return this.#timed(() => readWholeFile(path, buffer));
  }

  /** As `fileIdentity()`. */
  identity(path: string): FileVersion | null {
    const ahead = this.#ready.get(path);
    return ahead === undefined ? this.#timed(() => fileIdentity(path)) : ahead;
  }

  /**
   * A sequence of turns, each of which needs some files.
   *
   * @param wantedAt The files of a turn. What it leaves out, or can't be read ahead, is read at its turn.
   */
  turns(n: number, wantedAt: (turn: number) => readonly WantedFile[]): Turns {
    return new Turns(n, this.#nTurnsAhead, {
      isWorthwhile: () => this.#when !== "never" && (this.#when === "always" || this.#isSlow()),
      begin: (turn) => {
        const isLook = this.#nBegun++ % N_TURNS_PER_LOOK === 0 && this.#when === "auto";
        return isLook ? [] : wantedAt(turn);
      },
      readAhead: (file) => this.#readAhead(file),
      forget: (path) => this.#ready.delete(path),
    });
  }

  #isSlow(): boolean {
    return this.#nSlow >= MIN_SLOW;
  }

  /** Does it, and remembers whether that was slow. */
  #timed<T>(look: () => T): T {
    const startMs = this.#now();
    const result = look();
    const bit = Number(this.#now() - startMs > SLOW_MS);
    this.#nSlow += bit - (this.#slowBits >>> (N_REMEMBERED - 1) & 1);
    this.#slowBits = (this.#slowBits << 1 | bit) & (2 ** N_REMEMBERED - 1);
    return result;
  }

  /** In the order of `readWholeFile()`, for the same reasons. What goes wrong is told at the turn. */
  async #readAhead({ path, isContentWanted }: WantedFile): Promise<void> {
    try {
      const info = await Deno.stat(path);
      if (!info.isFile) return;
      const file: FileAhead = { ...versionOf(info), bytes: null };
      if (isContentWanted && info.size <= MAX_AHEAD_BYTES) {
        file.bytes = await Deno.readFile(path);
        // It was being written.
        if (file.bytes.length !== info.size) return;
      }
      this.#ready.set(path, file);
    } catch (error) {
      if (isAbsence(error)) this.#ready.set(path, null);
    }
  }
}

/** What turns need of the files. */
interface AheadReader {
  isWorthwhile(): boolean;
  begin(turn: number): readonly WantedFile[];
  readAhead(file: WantedFile): Promise<void>;
  forget(path: string): void;
}

/** Turns that are taken one after the other, from 0. */
export class Turns {
  readonly #n: number;
  readonly #nAhead: number;
  readonly #reader: AheadReader;
  readonly #begun = new Map<number, { paths: string[]; areRead: Promise<unknown> }>();
  #next = 0;

  /** @param nAhead Turns that are begun at once, the present one included. */
  constructor(n: number, nAhead: number, reader: AheadReader) {
    this.#n = n;
    this.#nAhead = nAhead;
    this.#reader = reader;
  }

  /**
   * Ends the turn before and begins one, with those ahead of it as far as that is worthwhile.
   *
   * @returns what must be awaited before the files are read; null if there is nothing to wait for.
   */
  reach(turn: number): Promise<unknown> | null {
    this.end(turn - 1);
    this.#next = Math.max(this.#next, turn);
    this.#beginBefore(turn + this.#nAhead);
    return this.#begun.get(turn)?.areRead ?? null;
  }

  /**
   * Begins the first turns of the sequence that follows this one, as far as what is left of this one leaves
   * room: else nothing would be under way at the end of one and the beginning of the next.
   *
   * @param turn The one that has been reached.
   */
  beginNext(turn: number, next: Turns): void {
    next.#beginBefore(turn + this.#nAhead - this.#n);
  }

  #beginBefore(turn: number): void {
    const end = Math.min(this.#n, turn);
    while (this.#next < end && this.#reader.isWorthwhile()) this.#begin(this.#next++);
  }

  #begin(turn: number): void {
    const files = this.#reader.begin(turn);
    if (files.length === 0) return;
    const areRead = Promise.all(files.map((file) => this.#reader.readAhead(file)));
    this.#begun.set(turn, { paths: files.map(({ path }) => path), areRead });
  }

  /** Ends a turn: its files are no longer kept. */
  end(turn: number): void {
    this.#begun.get(turn)?.paths.forEach((path) => this.#reader.forget(path));
    this.#begun.delete(turn);
  }
}
