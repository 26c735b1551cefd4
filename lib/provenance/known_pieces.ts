/**
 * Log records are alike: the same loggers, files, process and labels again and again around a time, a
 * message, a line and a function. Text around these that was checked once needs no second look where
 * it comes again at the same place of another record: it is compared, which takes a tenth of the time.
 *
 * @module
 */

import type { JsonCursor } from "../base/json_text.ts";

/** Different texts of one place that are remembered: a task has about as many loggers. */
const MAX_PIECES = 32;
/** Longer texts are not remembered. */
const MAX_LENGTH = 2048;

/** A text that was checked. */
interface Piece {
  readonly text: DataView;
  /** Which one came last at the next place: mostly, it comes again. */
  following: number;
}

/** Texts of one place. */
class Place {
  readonly #pieces: Piece[] = [];
  #latest = 0;
  #oldest = 0;

  /**
   * Skips the text at the cursor if it is a known one.
   *
   * @param expected Which one is tried first.
   * @returns which one it is; -1, consuming nothing, if it is none.
   */
  skip(cursor: JsonCursor, expected: number): number {
    const pieces = this.#pieces;
    // The expected one, the one that was found last, all others. One call for all of them: where it is
    // written thrice, the engine compiles thrice as long.
    for (let k = -2; k < pieces.length; k++) {
      const i = k >= 0 ? k : k === -2 ? expected : this.#latest;
      if (i >= pieces.length || !cursor.skipText(pieces[i].text)) continue;
      if (k >= 0) this.#latest = i;
      return i;
    }
    return -1;
  }

  /** Which one comes next, if all is as it was. */
  followingOf(piece: number): number {
    return this.#pieces[piece].following;
  }

  follow(piece: number, next: number): void {
    this.#pieces[piece].following = next;
  }

  /** Remembers a text, if need be instead of the oldest. */
  add(bytes: Uint8Array<ArrayBuffer>): void {
    const at = this.#oldest;
    this.#oldest = (at + 1) % MAX_PIECES;
    this.#pieces[at] = { text: new DataView(bytes.buffer), following: 0 };
    this.#latest = at;
  }
}

/** What is known of objects that are alike but for some values. */
export class KnownPieces {
  readonly #readers: readonly ((cursor: JsonCursor) => void)[];
  readonly #places: readonly Place[];
  #first = 0;

  /** @param readers Read, and check, the values that differ, in the order in which they come. */
  constructor(readers: readonly ((cursor: JsonCursor) => void)[]) {
    this.#readers = readers;
    this.#places = [...readers.map(() => new Place()), new Place()];
  }

  /**
   * Skips the object at the cursor, checking no more of it than its values; false, with the cursor where
   * it was, if other parts of it are new.
   *
   * @throws {SyntaxError} from the readers.
   */
  skip(cursor: JsonCursor): boolean {
    const start = cursor.position;
    const places = this.#places;
    let expected = this.#first;
    let previous = 0;
    for (let i = 0; i < places.length; i++) {
      const found = places[i].skip(cursor, expected);
      if (found < 0) {
        cursor.position = start;
        return false;
      }
      if (i === 0) this.#first = found;
      else if (found !== expected) places[i - 1].follow(previous, found);
      if (i < this.#readers.length) this.#readers[i](cursor);
      expected = places[i].followingOf(found);
      previous = found;
    }
    return true;
  }

  /**
   * Remembers the texts of an object that was checked whole. They may come together with texts of other
   * objects later on, so the caller sees to it that each has just what belongs to its place.
   *
   * @param bounds Start of the object, start and end of each value, end of the object.
   */
  add(cursor: JsonCursor, bounds: readonly number[]): void {
    const { position } = cursor;
    this.#places.forEach((place, i) => {
      const [start, end] = [bounds[2 * i], bounds[2 * i + 1]];
      cursor.position = start;
      const isKnown = place.skip(cursor, 0) >= 0 && cursor.position === end;
      if (isKnown || end - start > MAX_LENGTH) return;
      const bytes = new Uint8Array(cursor.bytes.subarray(start, end));
      // Whether other bytes are UTF-8 is a matter of the whole file.
      if (bytes.every((byte) => byte > 0 && byte < 0x80)) place.add(bytes);
    });
    cursor.position = position;
  }
}
