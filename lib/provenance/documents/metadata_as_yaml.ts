/**
 * Task metadata written as YAML again, the way back from `yaml_metadata.ts`: what the reference reads of the
 * text is what it reads of the JSON text of a graph. How the lines of a file were laid out no graph knows, so
 * all is on one line or, of a set, a property a line.
 *
 * Source: PyYAML 6.0, `reader.py` (characters), `scanner.py` (escapes, simple keys), `resolver.py` (numbers);
 * `yaml.py` of daf_base.
 *
 * @module
 */

import { encodeUtf8, JsonCursor } from "../../base/json_text.ts";

/** A key of more characters must be marked as one; PyYAML takes up to 1024, escapes included. */
const MAX_PLAIN_KEY = 150;

/** Characters that PyYAML doesn't take as they are, or breaks lines at. */
// deno-lint-ignore no-control-regex
const ESCAPED = /[\u0000-\u001f"\\\u007f-\u00a0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/gu;

/** Bounds of the integers of a property's type. */
const MAX_INT = 2n ** 31n - 1n;
const MAX_LONG_LONG = 2n ** 63n - 1n;

/**
 * YAML text of metadata.
 *
 * @param json Of a graph: one document of metadata.
 * @param storageClass `PropertySet` and `PropertyList` are tagged sequences; any other is a mapping.
 * @throws {SyntaxError} if the text isn't JSON of metadata, or can't be a `PropertySet`.
 */
export function metadataAsYaml(
  json: Uint8Array,
  storageClass: string,
): Uint8Array {
  const cursor = new JsonCursor(json);
  if (storageClass !== "PropertySet" && storageClass !== "PropertyList") {
    return encodeUtf8(`${flowText(cursor)}\n`);
  }
  const isList = storageClass === "PropertyList";
  const entries = entriesOf(readSection(cursor), isList, "");
  const lines = entries.map((entry) => `- ${entry}\n`).join("");
  const tag = `!<lsst.daf.base.${storageClass}>`;
  return encodeUtf8(lines === "" ? `${tag} []\n` : `${tag}\n${lines}`);
}

/** A value as a flow collection or scalar. */
function flowText(cursor: JsonCursor): string {
  switch (cursor.kind()) {
    case "object": {
      const members: string[] = [];
      cursor.beginObject();
      while (cursor.nextMember()) {
        const key = quoted(cursor.key);
        const mark = key.length > MAX_PLAIN_KEY ? "? " : "";
        members.push(`${mark}${key}: ${flowText(cursor)}`);
      }
      return `{${members.join(", ")}}`;
    }
    case "array": {
      const items: string[] = [];
      cursor.beginArray();
      while (cursor.nextElement()) items.push(flowText(cursor));
      return `[${items.join(", ")}]`;
    }
    case "string":
      return quoted(cursor.readString());
    case "number":
      return numberText(tokenOf(cursor));
    default:
      return tokenOf(cursor);
  }
}

function tokenOf(cursor: JsonCursor): string {
  return new TextDecoder().decode(cursor.bytes.subarray(...cursor.skipRange()));
}

function quoted(text: string): string {
  const escaped = text.replace(ESCAPED, (character) => {
    const code = character.codePointAt(0)!;
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

/** PyYAML wants a point in a number that isn't an integer, and the sign of its exponent. */
function numberText(token: string): string {
  if (/^-?\d+$/.test(token)) return token;
  if (token === "NaN") return ".nan";
  if (token.endsWith("Infinity")) return token.replace("Infinity", ".inf");
  const [, digits, exponent] = /^([^eE]*)(?:[eE](.*))?$/.exec(token)!;
  const mantissa = digits.includes(".") ? digits : `${digits}.0`;
  if (exponent === undefined) return mantissa;
  return `${mantissa}e${/^[+-]/.test(exponent) ? "" : "+"}${exponent}`;
}

/** A property: its values as YAML, and what they are called. */
interface Property {
  type: string;
  value: string;
}

/** What a level of metadata has. */
interface Section {
  properties: Map<string, Property>;
  sections: Map<string, Section>;
}

function readSection(cursor: JsonCursor): Section {
  const section: Section = { properties: new Map(), sections: new Map() };
  cursor.beginObject();
  while (cursor.nextMember()) {
    const part = cursor.key;
    if (part !== "scalars" && part !== "arrays" && part !== "metadata") {
      cursor.skip();
      continue;
    }
    cursor.beginObject();
    while (cursor.nextMember()) {
      const name = cursor.key;
      if (part === "metadata") section.sections.set(name, readSection(cursor));
      else section.properties.set(name, readProperty(cursor, part === "arrays"));
    }
  }
  return section;
}

function readProperty(cursor: JsonCursor, isArray: boolean): Property {
  const types = new Set<string>();
  const one = () => {
    const kind = cursor.kind();
    if (kind === "string") {
      types.add("String");
      return quoted(cursor.readString());
    }
    const token = tokenOf(cursor);
    if (kind === "number") {
      types.add(/^-?\d+$/.test(token) ? integerType(BigInt(token)) : "Double");
      return numberText(token);
    }
    if (kind !== "true" && kind !== "false") {
      throw new SyntaxError(`Cannot write PropertySet: it has a value that is ${kind}`);
    }
    types.add("Bool");
    return token;
  };
  if (!isArray) return { value: one(), type: commonType(types) };
  const items: string[] = [];
  cursor.beginArray();
  while (cursor.nextElement()) items.push(one());
  return { value: `[${items.join(", ")}]`, type: commonType(types) };
}

function integerType(value: bigint): string {
  if (value > MAX_LONG_LONG) return "UnsignedLongLong";
  return value > MAX_INT || value < -MAX_INT - 1n ? "LongLong" : "Int";
}

/** Types of numbers, each of which holds those before it (but for negative ones the last of integers). */
const NUMBERS = ["Int", "LongLong", "UnsignedLongLong", "Double"];

/** The type of several values; nothing at all is of any. */
function commonType(types: ReadonlySet<string>): string {
  const [first = "Int", ...others] = types;
  if (others.length === 0) return first;
  if ([...types].every((type) => NUMBERS.includes(type))) {
    return NUMBERS.findLast((type) => types.has(type))!;
  }
  throw new SyntaxError(`Cannot write PropertySet: an array has ${[...types].join(" and ")}`);
}

/** The properties, one a line; those of a list have the names of their sections in front. */
function entriesOf({ properties, sections }: Section, isList: boolean, prefix: string): string[] {
  const entry = (name: string, type: string, value: string) =>
    `[${quoted(prefix + name)}, ${type}, ${value}${isList ? ', ""' : ""}]`;
  const entries = [...properties].map(([name, { type, value }]) => entry(name, type, value));
  for (const [name, section] of sections) {
    if (isList) entries.push(...entriesOf(section, isList, `${prefix}${name}.`));
    else {
      const below = entriesOf(section, isList, "").join(", ");
      entries.push(entry(name, "PropertySet", `!<lsst.daf.base.PropertySet> [${below}]`));
    }
  }
  return entries;
}
