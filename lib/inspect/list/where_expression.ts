/**
 * The expressions of `--where`: comparisons of dimensions and fields with literals, joined by `and`,
 * `or` and `not`. Grammar in `schema/commands/ls.md`. Logic has three values, as in SQL: a comparison
 * with something that a row doesn't have is neither true nor false.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";
import { likePattern } from "./like_pattern.ts";

/** What a row can be asked for. */
export type WhereValue = string | number | bigint | boolean | null | undefined;

/** Kinds of values that names stand for. */
export type WhereType = "int" | "number" | "string" | "boolean";

/** The names that an expression may use. */
export interface WhereNames {
  /** Type of a dimension or field, or null if there is no such name. */
  typeOf(name: string): WhereType | null;
  /** All names, for messages. */
  readonly names: readonly string[];
}

/** A row as an expression sees it. */
export interface WhereRow {
  /** Value of a name; null or undefined if the row has none. */
  value(name: string): WhereValue;
}

/** Says whether a row fits; null if that can't be told, which means no. */
export type WhereTest = (row: WhereRow) => boolean | null;

type Literal = string | number | bigint | boolean;

interface Token {
  kind: "name" | "literal" | "symbol" | "end";
  /** As written; keywords in lower case. */
  text: string;
  value: Literal;
  /** Position of the first character. */
  at: number;
}

/** Levels of parentheses and `not` that are taken: far more than anybody types. */
const MAX_DEPTH = 100;
/** Characters before and behind the place of an error that are shown. */
const SHOWN = 200;
const KEYWORDS = new Set(["and", "or", "not", "in", "like", "true", "false"]);
const SYMBOLS = /^(?:<=|>=|!=|\.\.|[=<>(),:])/;
const NUMBER = /^[+-]?\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/**
 * Parses an expression.
 *
 * @throws {UsageError} pointing at the column where it can't be understood.
 */
export function parseWhere(text: string, names: WhereNames): WhereTest {
  return new Parser(text, names).parse();
}

class Parser {
  readonly #text: string;
  readonly #names: WhereNames;
  readonly #tokens: Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string, names: WhereNames) {
    this.#text = text;
    this.#names = names;
    this.#tokens = this.#tokenize();
  }

  parse(): WhereTest {
    const test = this.#or();
    const rest = this.#tokens[this.#next];
    if (rest.kind !== "end") this.#fail(rest.at, "expected and, or, or the end");
    return test;
  }

  #tokenize(): Token[] {
    const tokens: Token[] = [];
    const text = this.#text;
    let at = 0;
    while (at < text.length) {
      const rest = text.slice(at);
      const c = text[at];
      if (/\s/.test(c)) {
        at++;
        continue;
      }
      if (c === "'" || c === '"') {
        const end = text.indexOf(c, at + 1);
        if (end < 0) this.#fail(at, "a string is not closed");
        const value = text.slice(at + 1, end);
        tokens.push({ kind: "literal", text: rest.slice(0, end + 1 - at), value, at });
        at = end + 1;
        continue;
      }
      const number = NUMBER.exec(rest)?.[0];
      const word = NAME.exec(rest)?.[0];
      const symbol = SYMBOLS.exec(rest)?.[0];
      if (number !== undefined) {
        tokens.push({ kind: "literal", text: number, value: numberValue(number), at });
      } else if (word !== undefined) {
        const lower = word.toLowerCase();
        const isKeyword = KEYWORDS.has(lower);
        if (lower === "true" || lower === "false") {
          tokens.push({ kind: "literal", text: word, value: lower === "true", at });
        } else {
          tokens.push({
            kind: isKeyword ? "symbol" : "name",
            text: isKeyword ? lower : word,
            value: word,
            at,
          });
        }
      } else if (symbol !== undefined) {
        tokens.push({ kind: "symbol", text: symbol, value: symbol, at });
      } else {
        this.#fail(at, `"${c}" means nothing here`);
      }
      at += (number ?? word ?? symbol)!.length;
    }
    tokens.push({ kind: "end", text: "", value: "", at: text.length });
    return tokens;
  }

  #or(): WhereTest {
    const tests = [this.#and()];
    while (this.#take("or")) tests.push(this.#and());
    if (tests.length === 1) return tests[0];
    return (row) => {
      let result: boolean | null = false;
      for (const test of tests) {
        const value = test(row);
        if (value === true) return true;
        if (value === null) result = null;
      }
      return result;
    };
  }

  #and(): WhereTest {
    const tests = [this.#not()];
    while (this.#take("and")) tests.push(this.#not());
    if (tests.length === 1) return tests[0];
    return (row) => {
      let result: boolean | null = true;
      for (const test of tests) {
        const value = test(row);
        if (value === false) return false;
        if (value === null) result = null;
      }
      return result;
    };
  }

  #not(): WhereTest {
    const { at } = this.#tokens[this.#next];
    if (++this.#depth > MAX_DEPTH) this.#fail(at, "it is nested too deeply");
    try {
      if (this.#take("not")) {
        const test = this.#not();
        return (row) => {
          const value = test(row);
          return value === null ? null : !value;
        };
      }
      if (this.#take("(")) {
        const test = this.#or();
        this.#expect(")");
        return test;
      }
      return this.#comparison();
    } finally {
      this.#depth--;
    }
  }

  #comparison(): WhereTest {
    const name = this.#tokens[this.#next];
    if (name.kind !== "name") {
      this.#fail(name.at, "expected a dimension, a field, not or (");
    }
    this.#next++;
    const type = this.#names.typeOf(name.text);
    if (type === null) {
      this.#fail(
        name.at,
        `there is no dimension or field "${name.text}"`,
        `names are ${this.#names.names.join(", ")}`,
      );
    }
    const operator = this.#tokens[this.#next++];
    switch (operator.text) {
      case "in":
        return this.#membership(name.text, type);
      case "like":
        return this.#likeness(name.text, type, operator.at);
      case "not": {
        const { at } = this.#tokens[this.#next];
        const isLike = this.#take("like");
        if (!isLike) this.#expect("in");
        const test = isLike
          ? this.#likeness(name.text, type, at)
          : this.#membership(name.text, type);
        return (row) => {
          const value = test(row);
          return value === null ? null : !value;
        };
      }
      case "=":
      case "!=":
      case "<":
      case "<=":
      case ">":
      case ">=": {
        const literal = this.#literal(name.text, type);
        if (type === "boolean" && operator.text !== "=" && operator.text !== "!=") {
          this.#fail(operator.at, `${name.text} is true or false: it has no order`);
        }
        const compare = COMPARE[operator.text];
        return (row) => {
          const value = row.value(name.text);
          return value == null ? null : compare(value, literal);
        };
      }
      default:
        return this.#fail(operator.at, "expected =, !=, <, <=, >, >=, in or like");
    }
  }

  #likeness(name: string, type: WhereType, at: number): WhereTest {
    if (type !== "string") this.#fail(at, `${name} is ${TYPE_WORDS[type]}: only strings are like`);
    const fits = likePattern(String(this.#literal(name, type)));
    return (row) => {
      const value = row.value(name);
      return value == null ? null : fits(String(value));
    };
  }

  #membership(name: string, type: WhereType): WhereTest {
    this.#expect("(");
    const values = new Set<Literal>();
    const ranges: { first: number | bigint; last: number | bigint; step: bigint }[] = [];
    do {
      const { at } = this.#tokens[this.#next];
      const first = this.#literal(name, type);
      if (!this.#take("..")) {
        values.add(plain(first));
        continue;
      }
      const last = this.#literal(name, type);
      if (!isInteger(first) || !isInteger(last)) {
        this.#fail(at, "a range has integers at both ends");
      }
      let step = 1n;
      if (this.#take(":")) {
        const token = this.#tokens[this.#next];
        const given = this.#literal(name, "int");
        if (!isInteger(given) || given <= 0) this.#fail(token.at, "a step is a positive integer");
        step = BigInt(given);
      }
      ranges.push({ first, last, step });
    } while (this.#take(","));
    this.#expect(")");
    return (row) => {
      const value = row.value(name);
      if (value == null) return null;
      if (values.has(plain(value))) return true;
      return ranges.some(({ first, last, step }) =>
        isInteger(value) && value >= first && value <= last &&
        (step === 1n || (BigInt(value) - BigInt(first)) % step === 0n)
      );
    };
  }

  /** The literal that comes next, if it can be compared with a name of that type. */
  #literal(name: string, type: WhereType): Literal {
    const token = this.#tokens[this.#next];
    if (token.kind === "name") {
      this.#fail(token.at, "expected a value", `strings are quoted: '${token.text}'`);
    }
    if (token.kind !== "literal") this.#fail(token.at, "expected a value");
    this.#next++;
    const { value } = token;
    const given = typeof value;
    const fits = type === "string" || type === "boolean"
      ? given === type
      : given === "number" || given === "bigint";
    if (!fits) this.#fail(token.at, `${name} is ${TYPE_WORDS[type]}, ${token.text} is not`);
    return value;
  }

  #take(symbol: string): boolean {
    const token = this.#tokens[this.#next];
    if (token.kind !== "symbol" || token.text !== symbol) return false;
    this.#next++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) this.#fail(this.#tokens[this.#next].at, `expected ${symbol}`);
  }

  /** Error that shows the place: the column is that of the character, counted from 1. */
  #fail(at: number, what: string, hint?: string): never {
    const before = [...this.#text.slice(0, at)];
    const around = before.slice(-SHOWN).join("") + this.#text.slice(at, at + SHOWN);
    throw new UsageError(
      `Cannot use --where: ${what} at column ${before.length + 1}\n` +
        `${around.replaceAll(/\s/g, " ")}\n${" ".repeat(Math.min(before.length, SHOWN))}^`,
      hint === undefined ? {} : { hint },
    );
  }
}

const TYPE_WORDS: Record<WhereType, string> = {
  int: "an integer",
  number: "a number",
  string: "a string",
  boolean: "true or false",
};

const COMPARE: Record<string, (value: Literal, literal: Literal) => boolean> = {
  "=": (a, b) => plain(a) === plain(b),
  "!=": (a, b) => plain(a) !== plain(b),
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function numberValue(text: string): number | bigint {
  const value = Number(text);
  return /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(value)
    ? BigInt(text.replace(/^\+/, ""))
    : value;
}

function isInteger(value: Literal): value is number | bigint {
  return typeof value === "bigint" || Number.isInteger(value);
}

/** One value for each integer, so that values can be compared by identity. */
function plain(value: Literal): Literal {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
