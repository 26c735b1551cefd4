/**
 * Task metadata in YAML: as a `TaskMetadata` that a site's configuration has written by the YAML formatter,
 * or as a `PropertySet`, the storage class that metadata had until 2022 and has still where it was
 * registered before. Either becomes the JSON text that the reference would put into a graph.
 *
 * Source: `YamlFormatter` of daf_butler, `TaskMetadata.from_metadata()` of pipe_base 30.2026.4300, and
 * `yaml.py` and `propertyContainerContinued.py` of daf_base.
 *
 * @module
 */

import { encodeUtf8 } from "../base/json_text.ts";
import { doubleText, parseYaml, type YamlScalar, type YamlValue } from "./yaml_values.ts";

const PROPERTY_TAGS = new Set(["lsst.daf.base.PropertySet", "lsst.daf.base.PropertyList"]);

/** What a property's type lets its values be: kinds of scalars, as the setters of `PropertySet` take them. */
const PROPERTY_KINDS: Readonly<Record<string, readonly YamlScalar["kind"][]>> = {
  Bool: ["bool"],
  Short: ["int"],
  Int: ["int"],
  Long: ["int"],
  LongLong: ["int"],
  UnsignedLongLong: ["int"],
  Float: ["float", "int"],
  Double: ["float", "int"],
  String: ["string"],
};
const REAL_TYPES = new Set(["Float", "Double"]);

/**
 * JSON text of the metadata in a YAML document.
 *
 * @param isPropertySet Whether its storage class is a `PropertySet`, which takes no other form.
 * @throws {SyntaxError} for anything that the reference refuses.
 */
export function metadataFromYaml(
  bytes: Uint8Array,
  isPropertySet: boolean,
): Uint8Array<ArrayBuffer> {
  const value = parseYaml(bytes);
  if (value.kind === "sequence" && value.tag !== null && PROPERTY_TAGS.has(value.tag)) {
    const tree = new MetadataTree();
    const properties = new Map<string, readonly YamlScalar[]>();
    collectProperties(value, "", properties);
    const names = [...properties.keys()].sort(compareCodePoints);
    for (const name of names) tree.set(name.split("."), properties.get(name)!, name);
    return encodeUtf8(tree.json());
  }
  if (isPropertySet) throw new SyntaxError("Cannot parse YAML: it is not tagged as a PropertySet");
  return encodeUtf8(jsonOf(value));
}

/** A document of mappings, sequences and scalars as it is. */
function jsonOf(value: YamlValue): string {
  if (value.kind === "sequence") {
    requireNoTag(value.tag);
    return `[${value.items.map((item) => jsonOf(item())).join(",")}]`;
  }
  if (value.kind === "mapping") {
    requireNoTag(value.tag);
    const members = value.entries.map(([key, member]) => {
      if (key.kind !== "string") throw new SyntaxError("Cannot parse YAML: a key is no text");
      return `${key.json}:${jsonOf(member())}`;
    });
    return `{${members.join(",")}}`;
  }
  // What has no value is not a number to the reference.
  return value.kind === "null" ? "NaN" : value.json;
}

function requireNoTag(tag: string | null): void {
  if (tag !== null) throw new SyntaxError(`Cannot parse YAML: tag "${tag}" is not known here`);
}

/** Puts the values of a set and those below it under their hierarchical names; the last of a name counts. */
function collectProperties(
  set: YamlValue,
  prefix: string,
  into: Map<string, readonly YamlScalar[]>,
): void {
  if (set.kind !== "sequence" || !PROPERTY_TAGS.has(set.tag ?? "")) bad(prefix, "it is no set");
  const isList = (set as { tag: string }).tag.endsWith("List");
  for (const item of (set as { items: readonly (() => YamlValue)[] }).items) {
    const entry = item();
    if (entry.kind !== "sequence" || entry.items.length !== (isList ? 4 : 3)) {
      bad(prefix, `an entry is not name, type, value${isList ? " and comment" : ""}`);
    }
    const [name, type, value] = (entry as { items: readonly (() => YamlValue)[] }).items
      .map((part) => part());
    const path = prefix + textOf(name, prefix);
    if (textOf(type, path) === "PropertySet") collectProperties(value, `${path}.`, into);
    else into.set(path, valuesOf(value, textOf(type, path), path));
  }
}

function textOf(value: YamlValue, path: string): string {
  if (value.kind !== "string") return bad(path, "its name or type is no text");
  return JSON.parse(value.json);
}

function valuesOf(value: YamlValue, type: string, path: string): YamlScalar[] {
  const kinds = PROPERTY_KINDS[type];
  if (kinds === undefined) return bad(path, `task metadata can't hold values of type ${type}`);
  const values = value.kind === "sequence" && value.tag === null
    ? value.items.map((item) => item())
    : [value];
  return values.map((one) => {
    if (!kinds.includes(one.kind as YamlScalar["kind"])) {
      bad(path, `its type is ${type}, but it holds a ${one.kind}`);
    }
    const scalar = one as YamlScalar;
    return REAL_TYPES.has(type) && scalar.kind === "int"
      ? { kind: "float", json: doubleText(Number(scalar.json)) }
      : scalar;
  });
}

function bad(path: string, state: string): never {
  throw new SyntaxError(
    `Cannot read PropertySet${path === "" ? "" : ` at "${path.slice(0, 120)}"`}: ${state}`,
  );
}

/** As Python compares texts. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i].codePointAt(0)! - right[i].codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** A `TaskMetadata` that is being put together: a name is in one of its three parts only. */
class MetadataTree {
  readonly #scalars = new Map<string, string>();
  readonly #arrays = new Map<string, string>();
  readonly #metadata = new Map<string, MetadataTree>();

  /** A single value becomes a scalar. */
  set([name, ...rest]: readonly string[], values: readonly YamlScalar[], path: string): void {
    if (rest.length > 0) {
      let child = this.#metadata.get(name);
      if (child === undefined) this.#metadata.set(name, child = new MetadataTree());
      child.set(rest, values, path);
      this.#scalars.delete(name);
      this.#arrays.delete(name);
      return;
    }
    this.#metadata.delete(name);
    if (values.length === 1) {
      this.#arrays.delete(name);
      this.#scalars.set(name, values[0].json);
    } else {
      this.#scalars.delete(name);
      this.#arrays.set(name, `[${values.map(({ json }) => json).join(",")}]`);
    }
  }

  json(): string {
    const object = (members: Iterable<[string, string]>) =>
      `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
    const metadata = [...this.#metadata].map(([name, child]): [string, string] => [
      name,
      child.json(),
    ]);
    return `{"scalars":${object(this.#scalars)},"arrays":${object(this.#arrays)},"metadata":${
      object(metadata)
    }}`;
  }
}
