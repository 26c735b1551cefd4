/**
 * What the table of quanta says of each, gathered by the scanners when they make the documents, or when
 * they copy those of an earlier run: numbers in typed arrays on shared memory, texts apart, as few quanta
 * have any.
 *
 * @module
 */

import { ByteBuilder } from "../../base/bytes.ts";
import { parseIsoTime } from "../../base/iso_time.ts";
import { decodeUtf8, encodeUtf8, type JsonValue } from "../../base/json_text.ts";
import { type Attempt, coordinateRange, lastAttempt, readQuantum } from "../documents/quantum.ts";
import type { GraphArrays } from "../../qg/predicted/graph_arrays.ts";
import { messageLine } from "../message_shape.ts";
import { earlierText } from "./earlier_attempts.ts";

/** Numbers of each quantum, by its number in the graph's index. Memory: 67 bytes a quantum. */
interface TableNumbers {
  status: Int8Array;
  attempts: Uint16Array;
  /** Bit set of the last attempt; -1 where it isn't recorded. */
  caveats: Int32Array;
  /** Microseconds since 1970 UTC; NaN for none, as in the following ones. */
  start: Float64Array;
  /** Seconds. */
  prepTime: Float64Array;
  initTime: Float64Array;
  runTime: Float64Array;
  cpuTime: Float64Array;
  /** Bytes. */
  memory: Float64Array;
  nProduced: Uint32Array;
  /** Number of the exception's type among those of the share, from 1 on; 0 for none. */
  exception: Uint32Array;
  /** Where the first line of the message begins among those of the share, and its bytes. */
  messageStart: Uint32Array;
  messageSize: Uint16Array;
}

/** The rows of all quanta while they are gathered, on shared memory. */
export interface TableRows {
  numbers: TableNumbers;
  /** By quantum: the number of the collector that has its texts, from 1 on; 0 where there is no row yet. */
  collector: Uint16Array;
}

/** What a document says that a row is made of. */
export interface RowSource {
  nAttempts: number;
  /** The attempt that the quantum is counted by; null for a blocked one. */
  last: Attempt | null;
  /** Those before it, in order of time. */
  earlier: readonly Attempt[];
  /** Outputs that were written. */
  nProduced: number;
  /** Where the values of the data ID stand in a text; null if they don't stand there in one piece. */
  coordinate: { text: Uint8Array; range: readonly [number, number] } | null;
  dataCoordinate: () => JsonValue[];
}

/** Texts of some quanta. */
export interface TableTexts {
  /** Types of exceptions, each once. */
  exceptions: string[];
  /** First lines of messages, at most 500 UTF-16 units of each, UTF-8. */
  messages: Uint8Array;
  /** Attempts before the last, UTF-8: a line for each quantum that has some. */
  earlier: Uint8Array;
  /** Where the line of a quantum begins. */
  earlierStart: Map<number, number>;
  /** Data IDs of quanta of which the index doesn't know them. */
  coordinates: Map<number, JsonValue[]>;
}

const LINE_END = 0x0a;
const MAX_ATTEMPTS = 2 ** 16 - 1;

/** Rows that aren't known yet. */
export function makeTableRows(nQuanta: number): TableRows {
  const shared = (width: number) => new SharedArrayBuffer(nQuanta * width);
  const numbers: TableNumbers = {
    status: new Int8Array(shared(1)),
    attempts: new Uint16Array(shared(2)),
    caveats: new Int32Array(shared(4)),
    start: new Float64Array(shared(8)),
    prepTime: new Float64Array(shared(8)),
    initTime: new Float64Array(shared(8)),
    runTime: new Float64Array(shared(8)),
    cpuTime: new Float64Array(shared(8)),
    memory: new Float64Array(shared(8)),
    nProduced: new Uint32Array(shared(4)),
    exception: new Uint32Array(shared(4)),
    messageStart: new Uint32Array(shared(4)),
    messageSize: new Uint16Array(shared(2)),
  };
  return { numbers, collector: new Uint16Array(shared(2)) };
}

/** What a row is made of, from a quantum's document. @throws {SyntaxError} if it is none. */
export function rowSource(text: Uint8Array, nProduced: number): RowSource {
  const quantum = readQuantum(text);
  const range = coordinateRange(text);
  return {
    nAttempts: quantum.attempts.length,
    last: lastAttempt(quantum),
    earlier: quantum.attempts.slice(0, -1),
    nProduced,
    coordinate: range && { text, range },
    dataCoordinate: () => quantum.dataCoordinate,
  };
}

/** Gathers the rows of some quanta. */
export class TableCollector {
  readonly #rows: TableRows;
  readonly #number: number;
  readonly #arrays: GraphArrays;
  readonly #exceptions = new Map<string, number>();
  readonly #messages = new ByteBuilder();
  readonly #earlier = new ByteBuilder();
  readonly #earlierStart = new Map<number, number>();
  readonly #coordinates = new Map<number, JsonValue[]>();

  /**
   * @param number Of this collector, from 1 on.
   * @param arrays Those of the graph's index.
   */
  constructor(rows: TableRows, number: number, arrays: GraphArrays) {
    this.#rows = rows;
    this.#number = number;
    this.#arrays = arrays;
  }

  /** Whether a quantum has its row. */
  has(q: number): boolean {
    return this.#rows.collector[q] !== 0;
  }

  /**
   * Makes the row of a quantum.
   *
   * @throws {SyntaxError} if a table has no room for it.
   */
  add(q: number, source: RowSource): void {
    const { nAttempts, last, earlier, nProduced, coordinate, dataCoordinate } = source;
    const { numbers } = this.#rows;
    const usage = last?.usage ?? null;
    if (nAttempts > MAX_ATTEMPTS) throw new SyntaxError("too many attempts");
    numbers.status[q] = last?.status ?? 0;
    if (numbers.status[q] !== (last?.status ?? 0)) throw new SyntaxError("a status unknown here");
    numbers.attempts[q] = nAttempts;
    numbers.caveats[q] = last?.caveats ?? -1;
    numbers.start[q] = (usage && parseIsoTime(usage.start)) ?? NaN;
    numbers.prepTime[q] = usage?.prepTime ?? NaN;
    numbers.initTime[q] = usage?.initTime ?? NaN;
    numbers.runTime[q] = usage?.runTime ?? NaN;
    numbers.cpuTime[q] = usage?.cpuSeconds ?? NaN;
    numbers.memory[q] = usage?.memory ?? NaN;
    numbers.nProduced[q] = nProduced;
    numbers.exception[q] = 0;
    const exception = last?.exception ?? null;
    if (exception !== null) {
      numbers.exception[q] = this.#exceptionNumber(exception.typeName);
      const message = encodeUtf8(messageLine(exception.message));
      numbers.messageStart[q] = this.#messages.length;
      numbers.messageSize[q] = message.length;
      this.#messages.bytes(message);
    }
    const text = earlier.length === 0 ? null : earlierText(earlier);
    if (text !== null) {
      this.#earlierStart.set(q, this.#earlier.length);
      this.#earlier.text(`${text}\n`);
    }
    if (!this.#isCoordinateKnown(q, coordinate)) this.#coordinates.set(q, dataCoordinate());
    this.#rows.collector[q] = this.#number;
  }

  /** The texts. */
  take(): TableTexts {
    return {
      exceptions: [...this.#exceptions.keys()],
      messages: this.#messages.take(),
      earlier: this.#earlier.take(),
      earlierStart: this.#earlierStart,
      coordinates: this.#coordinates,
    };
  }

  #exceptionNumber(name: string): number {
    let number = this.#exceptions.get(name);
    if (number === undefined) {
      number = this.#exceptions.size + 1;
      this.#exceptions.set(name, number);
    }
    return number;
  }

  /** Whether the index has the very text of a data ID. */
  #isCoordinateKnown(q: number, coordinate: RowSource["coordinate"]): boolean {
    if (coordinate === null) return false;
    const { text, range } = coordinate;
    const { coordinateStart, coordinates } = this.#arrays;
    const start = coordinateStart[q];
    const size = coordinateStart[q + 1] - start;
    if (size !== range[1] - range[0]) return false;
    for (let i = 0; i < size; i++) {
      if (coordinates[start + i] !== text[range[0] + i]) return false;
    }
    return true;
  }
}

/** The attempts of a quantum before the last one, as a table has them; null if it has none. */
export function earlierOf({ earlier, earlierStart }: TableTexts, q: number): string | null {
  const start = earlierStart.get(q);
  return start === undefined
    ? null
    : decodeUtf8(earlier.subarray(start, earlier.indexOf(LINE_END, start)));
}

/** Which rows a scanner makes. Plain data. */
export interface RowsShare {
  rows: TableRows;
  /** Of the scanner, from 1 on. */
  number: number;
}
