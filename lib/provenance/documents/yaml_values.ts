/**
 * YAML documents as Python's `yaml.safe_load()` understands them, written as JSON text. The schemas of
 * package "yaml" resolve plain scalars otherwise: to PyYAML `1e5` is text, `1:30` a number, and what it
 * writes without quotes relies on that. So scalars come from the package as text and are resolved here.
 *
 * Source: PyYAML 6.0, `resolver.py` and `constructor.py`.
 *
 * @module
 */

import type { Alias, Node, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { floatText } from "../../base/iso_time.ts";
import { parseDocument } from "../../base/text/yaml.ts";

/**
 * Values that a document of so many bytes may have, aliases counted as often as they are used: without
 * them it has fewer than bytes.
 */
const maxValues = (nBytes: number) => 2 * nBytes + 1000;
/** Levels of a document. */
const MAX_DEPTH = 197;
/** So many of these without a closing one or in a row: the parser would take minutes to find it too deep. */
const MAX_OPENINGS = 2000;
const LEADERS = /(?:[-?][ \t]+){1000}/;
/** Bytes of a document: parsing takes a hundred times as much memory. */
const MAX_BYTES = 2 ** 25;

const CORE_TAG = "tag:yaml.org,2002:";
const BOOLEAN = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const TRUE = /^(?:yes|true|on)$/i;
const NULL = /^(?:~|null|Null|NULL|)$/;
const INTEGER =
  /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const TIMESTAMP =
  /^\d{4}-(?:\d\d-\d\d|\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/;

/** A value that has no parts, with the kind that Python gives it; `json` is its token. */
export interface YamlScalar {
  kind: "string" | "int" | "float" | "bool" | "null";
  json: string;
}

/** A parsed document: a sequence, a mapping, or a scalar. */
export type YamlValue =
  | { kind: "sequence"; tag: string | null; items: readonly (() => YamlValue)[] }
  | { kind: "mapping"; tag: string | null; entries: readonly [key: YamlScalar, () => YamlValue][] }
  | YamlScalar;

/**
 * Parses one document. Parts of sequences and mappings are resolved when they are called, in their order
 * and at most once: anchors mean what stood before.
 *
 * @throws {SyntaxError} if it isn't YAML, is too large or deep, or has what `safe_load()` refuses.
 */
export function parseYaml(bytes: Uint8Array): YamlValue {
  if (bytes.length > MAX_BYTES) {
    throw new SyntaxError(`Cannot parse YAML: ${bytes.length} bytes are more than ${MAX_BYTES}`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new SyntaxError("Cannot parse YAML: it is not UTF-8");
  }
  if (LEADERS.test(text) || nOpenings(text) > MAX_OPENINGS) fail("it is nested too deeply");
  try {
    const document = parseDocument(text, {
      schema: "failsafe",
      version: "1.1",
      merge: false,
      uniqueKeys: false,
      logLevel: "silent",
      prettyErrors: false,
      customTags: [...LSST_TAGS, ...CORE_SCALARS],
    });
    if (document.errors.length > 0) fail(document.errors[0].message);
    return new Resolver(maxValues(bytes.length)).value(document.contents as Node | null, 0);
  } catch (error) {
    // Its parser calls itself for each level.
    if (error instanceof RangeError) fail("it is nested too deeply");
    throw error;
  }
}

/** Most brackets and braces that are open at a time, those in texts included. */
function nOpenings(text: string): number {
  let most = 0;
  let now = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    now = bracket === "[" || bracket === "{" ? now + 1 : Math.max(0, now - 1);
    if (now > most) most = now;
  }
  return most;
}

/** Names of the classes that write their state as a tagged sequence; known, they cost no warning. */
const LSST_TAGS = ["lsst.daf.base.PropertySet", "lsst.daf.base.PropertyList"]
  .map((tag) => ({ tag, collection: "seq" as const }));
const CORE_SCALARS = ["int", "float", "bool", "null"]
  .map((name) => ({ tag: CORE_TAG + name, resolve: (text: string) => text }));

/** Goes through one document. */
class Resolver {
  readonly #anchors = new Map<string, Node>();
  readonly #maxValues: number;
  #nValues = 0;

  constructor(maxValues: number) {
    this.#maxValues = maxValues;
  }

  value(node: Node | null, depth: number): YamlValue {
    if (++this.#nValues > this.#maxValues) fail("its aliases stand for more than it holds");
    if (depth > MAX_DEPTH) fail("it is nested too deeply");
    if (node === null) return { kind: "null", json: "null" };
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) fail(`alias "${node.source}" has no anchor before it`);
      return this.value(target as Node, depth + 1);
    }
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    if ("items" in node) return this.#collection(node as YAMLMap | YAMLSeq, depth + 1);
    return scalar(node as Scalar);
  }

  #collection(node: YAMLMap | YAMLSeq, depth: number): YamlValue {
    const pairs = node.items as readonly unknown[];
    const isMapping = node.constructor.name === "YAMLMap";
    const tag = collectionTag(node, isMapping ? "map" : "seq");
    if (!isMapping) {
      const items = pairs.map((item) => () => this.value(item as Node | null, depth));
      return { kind: "sequence", tag, items };
    }
    const entries = (pairs as { key: Node; value: Node | null }[]).map(({ key, value }) => {
      const name = this.value(key, depth);
      if (name.kind === "sequence" || name.kind === "mapping") fail("a key is no scalar");
      return [name as YamlScalar, () => this.value(value, depth)] as [YamlScalar, () => YamlValue];
    });
    return { kind: "mapping", tag, entries };
  }
}

function isAlias(node: Node): node is Alias {
  return "source" in node && !("value" in node) && !("items" in node);
}

/** Null for the tag that a collection has without one. */
function collectionTag(node: { tag?: string }, kind: "map" | "seq"): string | null {
  const { tag } = node;
  if (tag === undefined || tag === "!" || tag === CORE_TAG + kind) return null;
  return tag;
}

function scalar(node: Scalar): YamlScalar {
  const text = String(node.value ?? "");
  const tag = node.tag === undefined || node.tag === CORE_TAG + "str"
    ? node.tag
    : node.tag.startsWith(CORE_TAG)
    ? node.tag.slice(CORE_TAG.length)
    : fail(`tag "${node.tag}" is not known`);
  if (tag === CORE_TAG + "str") return stringScalar(text);
  if (tag === undefined) return node.type === "PLAIN" ? plainScalar(text) : stringScalar(text);
  if (tag === "null") return { kind: "null", json: "null" };
  if (tag === "bool" && BOOLEAN.test(text)) return boolScalar(text);
  if (tag === "int" && INTEGER.test(text)) return intScalar(text);
  if (tag === "float" && (FLOAT.test(text) || INTEGER.test(text))) return floatScalar(text);
  return fail(`tag "${tag}" on ${JSON.stringify(text.slice(0, 40))} is not supported`);
}

function plainScalar(text: string): YamlScalar {
  if (NULL.test(text)) return { kind: "null", json: "null" };
  if (BOOLEAN.test(text)) return boolScalar(text);
  if (INTEGER.test(text)) return intScalar(text);
  if (FLOAT.test(text)) return floatScalar(text);
  if (TIMESTAMP.test(text)) fail(`${text.slice(0, 40)} is a time, which no document here may hold`);
  if (text === "<<" || text === "=") fail(`the special scalar "${text}" is not supported`);
  return stringScalar(text);
}

function stringScalar(text: string): YamlScalar {
  if (!text.isWellFormed()) fail("a text holds half a surrogate pair");
  return { kind: "string", json: JSON.stringify(text) };
}

function boolScalar(text: string): YamlScalar {
  return { kind: "bool", json: String(TRUE.test(text)) };
}

function intScalar(text: string): YamlScalar {
  const sign = text.startsWith("-") ? "-" : "";
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "");
  let value: bigint;
  if (digits.includes(":")) {
    value = digits.split(":").reduce((n, part) => n * 60n + BigInt(part), 0n);
  } else if (/^0[0-7]+$/.test(digits)) value = BigInt(`0o${digits.slice(1)}`);
  else if (/^0[bx]$/.test(digits)) return fail(`"${text}" is no number`);
  else value = BigInt(digits);
  return { kind: "int", json: value === 0n ? "0" : sign + value };
}

function floatScalar(text: string): YamlScalar {
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "").toLowerCase();
  if (digits === ".nan") return { kind: "float", json: "NaN" };
  if (digits === ".inf") return { kind: "float", json: sign < 0 ? "-Infinity" : "Infinity" };
  const value = digits.includes(":")
    ? digits.split(":").reduce((n, part) => n * 60 + Number(part), 0)
    : Number(digits);
  return { kind: "float", json: doubleText(sign * value) };
}

/** JSON token of a double. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? "-0.0" : floatText(value);
}

function fail(state: string): never {
  throw new SyntaxError(`Cannot parse YAML: ${state}`);
}
