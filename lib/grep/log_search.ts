/**
 * Looks for a pattern in the logs of one quantum. Most logs are passed over without being parsed.
 *
 * @module
 */

import { decodeUtf8 } from "../base/json_text.ts";
import { splitAttempts } from "../qg/attempts.ts";
import { forEachLogRecord, lineOf, pythonTimeText } from "../sources/logs/log_text.ts";
import { requiredPieces } from "./literal.ts";

/** What is looked for. */
export interface SearchOptions {
  /** Source of a regular expression, as JavaScript has them. */
  source: string;
  isCaseIgnored: boolean;
  /** Least level, as a number; null for all. */
  minLevel: number | null;
  /** Most records of a log that are given; more are counted. */
  nMost: number;
}

/** A record that fits. */
interface FoundRecord {
  /** From 0. */
  attempt: number;
  levelno: number;
  /** As it is printed. */
  line: string;
}

/** What is in the logs of a quantum. */
export interface FoundInLog {
  n: number;
  records: FoundRecord[];
}

/** A letter that JSON may write as its code: then nothing can be said without parsing. */
const CODED_LETTER = /\\u00[2-7]/;

/** A search, for many logs. */
export class LogSearch {
  readonly #pattern: RegExp;
  readonly #pieces: readonly string[] | null;
  readonly #options: SearchOptions;
  readonly #onRecord: () => void;

  /**
   * @param onRecord Called before each record is looked at.
   * @throws {SyntaxError} if the source is no regular expression.
   */
  constructor(options: SearchOptions, onRecord: () => void = () => {}) {
    this.#options = options;
    this.#pattern = new RegExp(options.source, options.isCaseIgnored ? "iu" : "u");
    this.#pieces = options.isCaseIgnored ? null : requiredPieces(options.source);
    this.#onRecord = onRecord;
  }

  /**
   * Records that fit, in all attempts.
   *
   * @param document `{"attempts":[...]}`
   * @throws {SyntaxError} if it isn't that.
   */
  search(document: Uint8Array): FoundInLog {
    const text = decodeUtf8(document);
    const found: FoundInLog = { n: 0, records: [] };
    if (
      this.#pieces !== null && !this.#pieces.some((piece) => text.includes(piece)) &&
      !(text.includes("\\u00") && CODED_LETTER.test(text))
    ) return found;
    if (!this.#searchParsed(text, found)) {
      found.n = 0;
      found.records = [];
      this.#searchStored(document, found);
    }
    return found;
  }

  /** By the parser of the platform, which is quick; false if the text is more than that takes. */
  #searchParsed(text: string, found: FoundInLog): boolean {
    let attempts: unknown;
    try {
      attempts = JSON.parse(text).attempts;
    } catch {
      return false;
    }
    if (!Array.isArray(attempts)) return false;
    for (const [attempt, records] of attempts.entries()) {
      if (records === null) continue;
      if (!Array.isArray(records)) return false;
      for (const record of records) {
        if (typeof record !== "object" || record === null) return false;
        const { levelno, levelname, asctime, name, filename, lineno, message } = record;
        if (
          typeof asctime !== "string" || typeof message !== "string" ||
          typeof levelno !== "number" || !Number.isSafeInteger(lineno) ||
          typeof levelname !== "string" || typeof name !== "string" || typeof filename !== "string"
        ) return false;
        if (!this.#isLevelWanted(levelno)) continue;
        this.#look(found, {
          attempt,
          levelno,
          line: lineOf({
            levelname,
            name,
            filename,
            message,
            lineno: String(lineno),
            asctime: pythonTimeText(asctime),
          }),
        });
      }
    }
    return true;
  }

  #searchStored(document: Uint8Array, found: FoundInLog): void {
    for (const [attempt, range] of splitAttempts(document).entries()) {
      if (range === null) continue;
      forEachLogRecord(document.subarray(...range), ({ line, levelno }) => {
        if (this.#isLevelWanted(levelno)) this.#look(found, { attempt, levelno, line });
      });
    }
  }

  #isLevelWanted(levelno: number): boolean {
    const { minLevel } = this.#options;
    return minLevel === null || levelno >= minLevel;
  }

  #look(found: FoundInLog, record: FoundRecord): void {
    this.#onRecord();
    if (!this.#pattern.test(record.line)) return;
    found.n++;
    if (found.records.length < this.#options.nMost) found.records.push(record);
  }
}
