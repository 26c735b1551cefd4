/**
 * File templates: from a dataset type, run and data ID to a path.
 *
 * A template is parsed and checked once per dataset type, and compiled once per run into pieces that
 * are only put together for each dataset.
 *
 * Source: `schema/butler-repository.md`, section 4.3.
 *
 * @module
 */

import { RefusedError, RepositoryError } from "../../base/errors.ts";
import { formatDataId } from "../dimensions/data_id.ts";
import type { DimensionElement, DimensionUniverse } from "../dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../dimensions/record_source.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";
import type { DimensionGroup } from "../dimensions/dimension_group.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** A literal text and the field after it (null at the end, and where braces were escaped). */
interface TemplatePart {
  literal: string;
  field: TemplateField | null;
}

/** A replacement field of a template. */
interface TemplateField {
  /** Alternatives between `|`, at least one. */
  names: string[];
  /** `?`: may be missing. */
  isOptional: boolean;
  /** `/`: slashes in its value make directories. */
  keepsSlashes: boolean;
  spec: FormatSpec;
}

/** What is supported of Python's format specification: `[0][width][d|s]`. */
interface FormatSpec {
  isZeroPadded: boolean;
  width: number;
  type: "" | "d" | "s";
}

const SPECIAL_FIELDS = new Set(["run", "id", "datasetType", "component"]);
const MAX_WIDTH = 255;

/**
 * Parses a template in the syntax of Python's format strings.
 *
 * @throws {RepositoryError} if it is malformed, or uses conversions or format specifications that
 *   aren't supported.
 */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let literal = "";
  let at = 0;
  while (at < template.length) {
    const c = template[at];
    if (c !== "{" && c !== "}") {
      literal += c;
      at++;
    } else if (template[at + 1] === c) {
      // An escaped brace ends a literal: an optional field drops only what stands behind it.
      parts.push({ literal: literal + c, field: null });
      literal = "";
      at += 2;
    } else {
      const end = c === "{" ? template.indexOf("}", at) : -1;
      if (end < 0) fail(template, "braces do not match");
      parts.push({ literal, field: parseField(template.slice(at + 1, end), template) });
      literal = "";
      at = end + 1;
    }
  }
  if (literal !== "") parts.push({ literal, field: null });
  return parts;
}

function parseField(text: string, template: string): TemplateField {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  let spec = colon < 0 ? "" : text.slice(colon + 1);
  const names = name.split("|");
  for (const alternative of names) {
    if (!/^\w+(\.\w+)?$/.test(alternative)) fail(template, `field "${text}" is not supported`);
  }
  const isOptional = spec.includes("?");
  const keepsSlashes = spec.includes("/");
  spec = spec.replaceAll("?", "").replaceAll("/", "");
  const match = /^(0?)(\d*)([ds]?)$/.exec(spec);
  if (match === null || Number(match[2]) > MAX_WIDTH) {
    fail(template, `format specification "${spec}" is not supported`);
  }
  return {
    names,
    isOptional,
    keepsSlashes,
    spec: {
      isZeroPadded: match![1] === "0",
      width: Number(match![2]),
      type: match![3] as FormatSpec["type"],
    },
  };
}

function fail(template: string, state: string): never {
  throw new RepositoryError(`Cannot use file template "${template}": ${state}`);
}

/** The only skypix dimension of a group, which templates call `skypix`; null if not exactly one. */
function skypixDimension(group: DimensionGroup, universe: DimensionUniverse): string | null {
  const found = group.names.filter((name) => universe.element(name).isSkypix);
  return found.length === 1 ? found[0] : null;
}

/**
 * Checks that a template can tell the datasets of a type apart.
 *
 * @throws {RepositoryError} if the reference would refuse the template for this type.
 */
function validateTemplate(
  template: string,
  parts: readonly TemplatePart[],
  type: DatasetType,
  universe: DimensionUniverse,
): void {
  const refuse = (state: string): never => {
    throw new RepositoryError(
      `Cannot use file template "${template}" for dataset type "${type.name}": ${state}`,
    );
  };
  const special = new Set<string>();
  const mandatory = new Set<string>();
  const all = new Set<string>();
  for (const { field } of parts) {
    if (field === null) continue;
    const known = field.names.find((name) =>
      SPECIAL_FIELDS.has(name) || type.group.names.includes(primaryName(name))
    );
    for (const name of known === undefined ? field.names : [known]) {
      if (SPECIAL_FIELDS.has(name)) {
        special.add(name);
        if (name === "component" && !field.isOptional) refuse("it needs a component");
      } else {
        all.add(primaryName(name));
        if (!field.isOptional) mandatory.add(primaryName(name));
      }
    }
  }
  if (!special.has("run") && !special.has("id")) refuse("it has neither field run nor id");
  if (all.size === 0 && !special.has("id")) refuse("it has no field for a dimension");
  if (template.includes("../")) refuse('it contains "../"');
  const fileName = template.slice(template.lastIndexOf("/") + 1);
  if (special.has("id") && !fileName.includes("{id}")) refuse("field id is not in the file name");

  const skypix = skypixDimension(type.group, universe);
  const alias = (names: Iterable<string>) =>
    new Set([...names].map((name) => name === skypix ? "skypix" : name));
  const available = alias(type.group.names);
  const unknown = [...alias(mandatory)].filter((name) => !available.has(name));
  if (unknown.length > 0) refuse(`its data IDs have no ${unknown.join(", ")}`);
  const used = alias(all);
  const unused = [...alias(type.group.required)].filter((name) => !used.has(name));
  if (unused.length > 0) refuse(`it does not use ${unused.join(", ")}`);
}

function primaryName(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? name : name.slice(0, dot);
}

/** One piece of a compiled template: what stands before a value, and how to get the value. */
interface Segment {
  literal: string;
  /** Index among the values of the data ID (required, then implied); -1 for the others. */
  valueIndex: number;
  /** Dimension and column of a record, if the value comes from there. */
  dimension: string;
  column: string;
  isId: boolean;
  keepsSlashes: boolean;
  spec: FormatSpec;
  /** The previous value and its piece of path: neighbouring datasets share most of theirs. */
  lastValue: DataIdValue | undefined;
  lastPiece: string;
  /** Whether the previous value has a character that the older rule leaves. */
  isRenamed: boolean;
}

/**
 * Which characters of values are written as underscores: since release v30.0.8 all that make trouble in
 * file names, before that (since 2021) spaces alone. Files of a RUN have the names of the release that
 * wrote them.
 *
 * Source: `FileTemplate.format()` in the reference's repository, commits ee9e351 and c5379bd.
 */
export type NamingRule = "today" | "spaces only";

/** Characters that make trouble in file names. */
const TROUBLESOME = /[ <>:"\\|?*]/;
const TROUBLESOME_ALL = /[ <>:"\\|?*]/g;
/** Those that the older rule leaves as they are. */
const LEFT_BY_OLDER_RULE = /[<>:"\\|?*]/;

/** Components that normalising removes; also ".." components, which are refused before. */
const NOT_NORMAL = /(?:^|\/)(?:\/|\.\.?(?:\/|$))|\0/;

/** A template for the datasets of one type in one run. */
export class CompiledTemplate {
  /** Whether paths have the dataset's ID in them. */
  readonly usesId: boolean;
  readonly #type: DatasetType;
  readonly #segments: readonly Segment[];
  readonly #end: string;
  readonly #indexByName: ReadonlyMap<string, number>;
  readonly #rule: NamingRule;
  /**
   * Whether the RUN or another value that is the same for all has a character that the older rule leaves.
   */
  readonly #isAlwaysRenamed: boolean;
  #isRenamed = false;
  /** Values of the call in progress, so that record look-ups need no new closure each time. */
  #values: readonly DataIdValue[] = [];
  readonly #dataId = (dimension: string): DataIdValue | undefined => {
    const index = this.#indexByName.get(dimension);
    return index === undefined ? undefined : this.#values[index];
  };

  /**
   * Checks a template and compiles it.
   *
   * @throws {RepositoryError} if the template can't be used for the dataset type.
   */
  constructor(
    template: string,
    type: DatasetType,
    run: string,
    universe: DimensionUniverse,
    rule: NamingRule = "today",
  ) {
    this.#rule = rule;
    let isAlwaysRenamed = false;
    const parts = parseTemplate(template);
    validateTemplate(template, parts, type, universe);
    this.#type = type;
    const { group } = type;
    const indexByName = new Map([...group.required, ...group.implied].map((name, i) => [name, i]));
    const skypix = skypixDimension(group, universe);
    if (skypix !== null) indexByName.set("skypix", indexByName.get(skypix)!);
    this.#indexByName = indexByName;

    const constants = new Map([["datasetType", type.name], ["run", run]]);
    const segments: Segment[] = [];
    let literal = "";
    for (const part of parts) {
      const { field } = part;
      if (field === null) {
        literal += part.literal;
        continue;
      }
      const name = field.names.find((name) => {
        const primary = primaryName(name);
        return indexByName.has(primary) || constants.has(primary) || primary === "id";
      }) ?? field.names[0];
      const constant = constants.get(name);
      if (constant !== undefined) {
        literal += part.literal + formatValue(constant, field.spec, field.keepsSlashes, rule);
        isAlwaysRenamed ||= LEFT_BY_OLDER_RULE.test(constant);
        continue;
      }
      const source = findSource(name, indexByName, universe, template);
      if (source !== null) {
        segments.push({
          literal: literal + part.literal,
          keepsSlashes: field.keepsSlashes,
          spec: field.spec,
          lastValue: undefined,
          lastPiece: "",
          isRenamed: false,
          ...source,
        });
        literal = "";
      } else if (!field.isOptional) {
        fail(template, `there is no field "${name}" for dataset type "${type.name}"`);
      } else if (part.literal.includes("/")) {
        literal += part.literal;
      }
    }
    // Left-out fields leave slashes side by side: taken out here once instead of from each path.
    const merged = (text: string) => text.replace(/\/{2,}/g, "/");
    for (const segment of segments) segment.literal = merged(segment.literal);
    this.#segments = segments;
    this.#isAlwaysRenamed = isAlwaysRenamed;
    this.usesId = segments.some((segment) => segment.isId);
    this.#end = merged(literal);
  }

  /**
   * The path of one dataset without extension: relative, normalised, POSIX separators. Takes about a
   * microsecond.
   *
   * @param values required, then implied values
   * @param idText UUID of the dataset, only needed by templates with the field `id`
   * @throws {RefusedError} if a value would lead out of the datastore's root, or the record of a
   *   dimension is missing.
   */
  expand(
    values: readonly DataIdValue[],
    records: DimensionRecordSource,
    idText?: string,
  ): string {
    this.#values = values;
    let path = "";
    let isRenamed = this.#isAlwaysRenamed;
    for (const segment of this.#segments) {
      let value: DataIdValue | undefined;
      if (segment.valueIndex >= 0) value = values[segment.valueIndex];
      else if (segment.isId) value = idText;
      else value = records.column(segment.dimension, segment.column, this.#dataId);
      if (value === undefined) this.#missing(segment);
      if (value !== segment.lastValue) {
        segment.lastPiece = segment.literal +
          formatValue(value as DataIdValue, segment.spec, segment.keepsSlashes, this.#rule);
        segment.lastValue = value;
        segment.isRenamed = typeof value === "string" && LEFT_BY_OLDER_RULE.test(value);
      }
      isRenamed ||= segment.isRenamed;
      path += segment.lastPiece;
    }
    path += this.#end;
    this.#isRenamed = isRenamed;
    const nameStart = path.lastIndexOf("/") + 1;
    if (path.indexOf(".", nameStart) >= 0 || path.indexOf("#", nameStart) >= 0) {
      path = path.slice(0, nameStart) +
        path.slice(nameStart).replaceAll(".", "_").replaceAll("#", "HASH");
    }
    if (nameStart === path.length || NOT_NORMAL.test(path)) path = this.#normalise(path);
    return path;
  }

  /** Whether the path that was expanded last is another by the older rule. */
  get isRenamed(): boolean {
    return this.#isRenamed;
  }

  #missing(segment: Segment): never {
    const dataId = formatDataId(this.#type.group, this.#values);
    throw new RefusedError(
      `Cannot predict path of dataset type "${this.#type.name}" for ${dataId}: ` +
        (segment.isId
          ? "its template needs the dataset ID"
          : `there is no ${segment.dimension} record with a value of ${segment.column}`),
    );
  }

  #normalise(path: string): string {
    const components = path.split("/");
    const state = components.includes("..")
      ? 'it has ".." for a directory'
      : path.includes("\0")
      ? "it contains a NUL character"
      : components.at(-1) === ""
      ? "it has no file name"
      : null;
    if (state !== null) {
      throw new RefusedError(
        `Cannot use path ${JSON.stringify(path)} of dataset type "${this.#type.name}": ${state}`,
      );
    }
    return components.filter((component) => component !== "" && component !== ".").join("/");
  }
}

/** Where a field's value comes from; null if the data ID has no such thing. */
function findSource(
  name: string,
  indexByName: ReadonlyMap<string, number>,
  universe: DimensionUniverse,
  template: string,
): Pick<Segment, "valueIndex" | "dimension" | "column" | "isId"> | null {
  const none = { valueIndex: -1, dimension: "", column: "", isId: false };
  if (name === "id") return { ...none, isId: true };
  const [primary, column] = name.split(".");
  const valueIndex = indexByName.get(primary);
  if (valueIndex === undefined) return null;
  if (column === undefined) return { ...none, valueIndex };
  if (primary === "skypix") fail(template, `field "${name}" is not supported`);
  const element: DimensionElement = universe.element(primary);
  if (column === element.primaryKey?.name) return { ...none, valueIndex };
  if (element.required.includes(column) || element.implied.includes(column)) {
    return { ...none, valueIndex: indexByName.get(column)! };
  }
  const type = element.columns.find((candidate) => candidate.name === column)?.type;
  if (type === undefined) return null;
  if (type !== "int" && type !== "string") {
    fail(template, `field "${name}" of type ${type} is not supported`);
  }
  return { ...none, dimension: primary, column };
}

/** A value as it appears in a path. */
function formatValue(
  value: DataIdValue,
  spec: FormatSpec,
  keepsSlashes: boolean,
  rule: NamingRule,
): string {
  if (typeof value !== "string") {
    if (spec.type === "s") mismatch(value, spec);
    const text = String(value);
    if (text.length >= spec.width) return text;
    if (!spec.isZeroPadded) return text.padStart(spec.width);
    return text[0] === "-"
      ? `-${text.slice(1).padStart(spec.width - 1, "0")}`
      : text.padStart(spec.width, "0");
  }
  if (spec.type === "d") mismatch(value, spec);
  let text = value;
  if (TROUBLESOME.test(text)) {
    text = rule === "today" ? text.replace(TROUBLESOME_ALL, "_") : text.replaceAll(" ", "_");
  }
  if (!keepsSlashes && text.includes("/")) text = text.replaceAll("/", "_");
  if (spec.width === 0) return text;
  // Python counts characters, and pads strings on the right.
  return text + (spec.isZeroPadded ? "0" : " ").repeat(Math.max(0, spec.width - [...text].length));
}

function mismatch(value: DataIdValue, spec: FormatSpec): never {
  throw new RepositoryError(
    `Cannot format ${JSON.stringify(String(value))} for a path: format "${spec.type}" is for ` +
      (spec.type === "d" ? "integers" : "strings"),
  );
}
