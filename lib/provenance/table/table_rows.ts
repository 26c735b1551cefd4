/**
 * What the table of quanta says of each, gathered from the documents while they are copied: numbers in
 * typed arrays on shared memory, texts apart, as few quanta have any.
 *
 * @module
 */

import { ByteBuilder } from "../../base/bytes.ts";
import { parseIsoTime } from "../../base/iso_time.ts";
import { encodeUtf8, type JsonValue } from "../../base/json_text.ts";
import { coordinateRange, lastAttempt, readQuantum } from "../documents/quantum.ts";
import type { GraphArrays } from "../../qg/predicted/graph_arrays.ts";

/** Numbers of each quantum, by its number in the graph's index. Memory: 67 bytes a quantum. */
export interface TableNumbers {
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

/** Texts of some quanta. */
export interface TableTexts {
  /** Types of exceptions, each once. */
  exceptions: string[];
  /** First lines of messages, UTF-8. */
  messages: Uint8Array;
  /** Data IDs of quanta of which the index doesn't know them. */
  coordinates: Map<number, JsonValue[]>;
}

/** Longest first line of a message that is kept, in UTF-16 units. */
const MAX_MESSAGE = 500;
const MAX_ATTEMPTS = 2 ** 16 - 1;

/** Numbers that aren't known yet. */
export function makeTableNumbers(nQuanta: number): TableNumbers {
  const shared = (width: number) => new SharedArrayBuffer(nQuanta * width);
  return {
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
}

/** Gathers the rows of one share. */
export class TableCollector {
  readonly #numbers: TableNumbers;
  readonly #arrays: GraphArrays;
  readonly #exceptions = new Map<string, number>();
  readonly #messages = new ByteBuilder();
  readonly #coordinates = new Map<number, JsonValue[]>();

  /** @param arrays Those of the graph's index. */
  constructor(numbers: TableNumbers, arrays: GraphArrays) {
    this.#numbers = numbers;
    this.#arrays = arrays;
  }

  /**
   * Takes what a quantum's document says.
   *
   * @param nProduced How many of its outputs were written.
   * @throws {SyntaxError} if it is no document of a quantum, or one that a table has no room for.
   */
  add(q: number, text: Uint8Array, nProduced: number): void {
    const quantum = readQuantum(text);
    const numbers = this.#numbers;
    const last = lastAttempt(quantum);
    const usage = last?.usage ?? null;
    if (quantum.attempts.length > MAX_ATTEMPTS) throw new SyntaxError("too many attempts");
    numbers.status[q] = last?.status ?? 0;
    if (numbers.status[q] !== (last?.status ?? 0)) throw new SyntaxError("a status unknown here");
    numbers.attempts[q] = quantum.attempts.length;
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
      const message = encodeUtf8(firstLine(exception.message));
      numbers.messageStart[q] = this.#messages.length;
      numbers.messageSize[q] = message.length;
      this.#messages.bytes(message);
    }
    if (!this.#isCoordinateKnown(q, text, coordinateRange(text))) {
      this.#coordinates.set(q, quantum.dataCoordinate);
    }
  }

  /** The texts. */
  take(): TableTexts {
    return {
      exceptions: [...this.#exceptions.keys()],
      messages: this.#messages.take(),
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
  #isCoordinateKnown(
    q: number,
    text: Uint8Array,
    range: readonly [number, number] | null,
  ): boolean {
    const { coordinateStart, coordinates } = this.#arrays;
    const start = coordinateStart[q];
    const size = coordinateStart[q + 1] - start;
    if (range === null || size !== range[1] - range[0]) return false;
    for (let i = 0; i < size; i++) {
      if (coordinates[start + i] !== text[range[0] + i]) return false;
    }
    return true;
  }
}

function firstLine(message: string): string {
  const end = message.search(/[\r\n]/);
  const line = end < 0 ? message : message.slice(0, end);
  return line.slice(0, MAX_MESSAGE).toWellFormed();
}
