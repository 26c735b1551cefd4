/**
 * What messages of failures have in common: the same text with everything masked that differs from one
 * quantum to the next, so that a thousand failures with one cause are one thing to read.
 *
 * @module
 */

/** Letters of a line that are kept, as in the table of quanta (`schema/quantum-graph.md`, 4.5). */
const MAX_LINE = 500;
/** Letters of a line that are looked at: what tells causes apart comes first. */
export const MAX_LETTERS = 400;

/** A kind of text that differs from one quantum to the next. */
interface Varying {
  mask: string;
  /** Quick look: texts in which this isn't found have none. */
  sign: RegExp;
  pattern: RegExp;
}

/** In the order in which they are masked: paths have numbers in them, not the other way round. */
const VARYING: readonly Varying[] = [
  {
    mask: "<path>",
    sign: /\//,
    pattern: anyOf(
      // Addresses of objects on networks.
      /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s'"<>()[\]{},;]*[^\s'"<>()[\]{},;:]/,
      // Paths in quotes may have blanks.
      /(?<=['"])(?:~|\.{1,2})?\/[^'"]+(?=['"])/,
      /(?<![\w./])(?:~|\.{1,2})?\/[\w.+~@%-][^\s'"<>()[\]{},;:]*/,
      // Names of collections and files; what has one slash only may be a unit.
      /(?<![\w./+~@%-])[\w.+~@%-]+(?:\/[\w.+~@%=-]+){2,}\/?/,
      /(?<![\w./+~@%-])[\w.+~@%-]+\/[\w.+~@%=-]+\.[a-z]\w{1,7}\b/,
    ),
  },
  // Data IDs: not all of their values are numbers.
  { mask: "{...}", sign: /\{/, pattern: anyOf(/\{ ?['"]?\w+['"]? ?[:=] ?[^{}]*\}/) },
  {
    mask: "<time>",
    sign: /\d\d-\d\d|\dT\d/,
    pattern: anyOf(
      /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)/,
      /\b\d{8}T\d{6}Z?(?!\w)/,
    ),
  },
  {
    mask: "<id>",
    sign: /[\da-f]{8}|0x/i,
    pattern: anyOf(
      /\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/,
      /\b0x[\da-f]+\b/,
      // Digests have letters and digits; words have no digits, numbers no letters but an e.
      /\b(?=\d{0,40}[a-f])(?=[a-f]{0,40}\d)(?!\d+e\d+\b)[\da-f]{8,128}\b/,
    ),
  },
  {
    mask: "#",
    sign: /\d/,
    pattern: anyOf(
      /(?:(?<![\w)\]}.])[+-])?\d+(?:[.,_]\d+)*(?:\.(?!\w))?(?:e[+-]?\d+)?/,
      /(?<![\w.])[+-]?\.\d+(?:e[+-]?\d+)?/,
    ),
  },
];

function anyOf(...patterns: RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join("|"), "gi");
}

/** Lists of numbers are of any length. */
const NUMBERS = /#(?:(?:, ?| )#)+/g;

/** First line of a message, at most 500 letters, as the table of quanta has it. */
export function messageLine(message: string): string {
  const end = message.search(/[\r\n]/);
  return (end < 0 ? message : message.slice(0, end)).slice(0, MAX_LINE).toWellFormed();
}

/** First line of a message, without blanks around it; at most 400 letters. */
export function messageHead(message: string): string {
  const line = messageLine(message).trim();
  return line.length <= MAX_LETTERS ? line : line.slice(0, MAX_LETTERS);
}

/**
 * Shape of a message: its first line, in which numbers (`#`), UUIDs, digests and addresses (`<id>`),
 * times (`<time>`), paths, URLs and collections (`<path>`) and data IDs (`{...}`) are masked.
 *
 * The text comes from a file that nobody vouches for: it may be anything, and is still to be made
 * visible where it is shown.
 */
export function messageShape(message: string): string {
  let shape = messageHead(message);
  for (const { mask, sign, pattern } of VARYING) {
    if (sign.test(shape)) shape = shape.replace(pattern, mask);
  }
  return shape.replace(/\s+/g, " ").replace(NUMBERS, "#, ...");
}
