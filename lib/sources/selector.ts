/**
 * What a user types to name a quantum or dataset, and how it is matched: a UUID, a prefix of one that
 * is unique, or a label with dimension values.
 *
 * @module
 */

import { AmbiguousNameError, NotFoundError, UsageError } from "../base/errors.ts";
import type { JsonValue } from "../base/json_text.ts";
import { uuidFromText, uuidToText } from "../base/uuid.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** Candidates named by an error about an ambiguous selector. */
export const MAX_CANDIDATES = 10;

/** One `DIMENSION=VALUE`. */
export interface DataIdTerm {
  /** Name of the dimension. */
  dimension: string;
  /** Text of its value. */
  value: string;
}

/** A parsed ID. A short word of hexadecimal digits may be a prefix or a label: `words` keeps it. */
export type Selector =
  & { words: readonly string[] }
  & (
    | { kind: "id"; id: Uint8Array }
    | { kind: "prefix"; hex: string }
    | { kind: "dataId"; label: string; terms: readonly DataIdTerm[] }
  );

/**
 * Parses the words of an ID.
 *
 * @returns null for no words.
 * @throws {UsageError} if they are none of the three forms.
 */
export function parseSelector(words: readonly string[]): Selector | null {
  if (words.length === 0) return null;
  const [first, ...rest] = words;
  const hex = first.replaceAll("-", "").toLowerCase();
  if (rest.length === 0 && /^[0-9a-f]{1,32}$/.test(hex)) {
    return hex.length === 32
      ? { kind: "id", id: uuidFromText(hex), words }
      : { kind: "prefix", hex, words };
  }
  if (first === "" || first.includes("=")) {
    throw new UsageError(`Cannot use "${words.join(" ")}" as ID: it does not begin with a label`, {
      hint: "give a UUID, a prefix of one, or LABEL DIMENSION=VALUE...",
    });
  }
  return { kind: "dataId", label: first, terms: rest.map(parseTerm), words };
}

function parseTerm(word: string): DataIdTerm {
  const at = word.indexOf("=");
  if (at <= 0 || at === word.length - 1) {
    throw new UsageError(`Cannot use "${word}" in a data ID: expected DIMENSION=VALUE`);
  }
  return { dimension: word.slice(0, at), value: word.slice(at + 1) };
}

/** Whether a value of a data ID is what was typed: integers by value, strings exactly. */
export function matchesValue(value: JsonValue, text: string): boolean {
  if (typeof value === "string") return value === text;
  if (typeof value !== "number" && typeof value !== "bigint") return false;
  return /^[+-]?\d{1,30}$/.test(text) && String(BigInt(text)) === String(value);
}

/** Finds data IDs that fit what was typed. */
export class DataIdMatcher {
  /** Whether at most one data ID fits, because every required dimension is given. */
  readonly isUnique: boolean;
  readonly #tests: [position: number, value: string][];

  /**
   * @param what Whose data ID, for messages.
   * @throws {UsageError} if a dimension isn't one of the group.
   */
  constructor(group: DimensionGroup, terms: readonly DataIdTerm[], what: string) {
    const names = [...group.required, ...group.implied];
    this.#tests = terms.map(({ dimension, value }) => {
      const position = names.indexOf(dimension);
      if (position < 0) {
        throw new UsageError(
          `Cannot find ${what} by ${dimension}: its dimensions are ${names.join(", ") || "none"}`,
        );
      }
      return [position, value];
    });
    const given = new Set(terms.map(({ dimension }) => dimension));
    this.isUnique = group.required.every((name) => given.has(name));
  }

  /** Whether a data coordinate (required, then implied values) fits. */
  matches(coordinate: readonly JsonValue[]): boolean {
    return this.#tests.every(([position, value]) =>
      position < coordinate.length && matchesValue(coordinate[position], value)
    );
  }
}

/** Something that a selector may mean. */
export interface Candidate {
  id: Uint8Array;
  /** What it is, in a few words. */
  text: string;
}

/**
 * The only candidate.
 *
 * @throws {NotFoundError} if there is none.
 * @throws {AmbiguousNameError} naming them if there are several.
 */
export function onlyCandidate(
  candidates: readonly Candidate[],
  selector: Selector,
  where: string,
): Candidate {
  if (candidates.length === 1) return candidates[0];
  const words = selector.words.join(" ");
  if (candidates.length === 0) throw new NotFoundError(`Cannot find "${words}" in ${where}`);
  const shown = candidates.slice(0, MAX_CANDIDATES);
  throw new AmbiguousNameError(
    `Cannot tell what "${words}" means in ${where}: ` +
      (candidates.length > MAX_CANDIDATES ? `more than ${MAX_CANDIDATES}` : candidates.length) +
      ` fit\n${shown.map(({ id, text }) => `${uuidToText(id)}  ${text}`).join("\n")}`,
    { hint: "give more of the UUID, or more dimensions" },
  );
}

/** A document that will be asked for by the ID of its quantum or dataset. */
export interface Announcement {
  /** Kind of the document. */
  what: "log" | "metadata" | "quantum" | "dataset";
  /** 16 bytes. */
  id: Uint8Array;
}
