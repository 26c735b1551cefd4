/**
 * The dimension universe of a repository or graph, and groups of dimensions conformed to it.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import type { DimensionGroup } from "./dimension_group.ts";

/** Type of a dimension's primary key; `length` is the declared one of a string. */
export interface KeyType {
  /** What its values are. */
  type: "int" | "string";
  /** Longest text, where there is a limit, characters. */
  length?: number;
}

/** A column of a dimension's records beside dimension values. */
export interface DimensionColumn {
  /** Name of the column. */
  name: string;
  /** `int`, `string`, `float`, `bool`, `hash`, `region`, `timespan`, or something newer. */
  type: string;
}

/** One dimension, or (without key) one element that only relates dimensions. */
export interface DimensionElement {
  /** As the universe names it. */
  readonly name: string;
  /** Name (`id` or `name`) and type of the primary key; null for elements that aren't dimensions. */
  readonly primaryKey: (KeyType & { readonly name: string }) | null;
  /** Required dimensions in universe order, the element itself included if it is a dimension. */
  readonly required: readonly string[];
  /** Directly implied dimensions in universe order. */
  readonly implied: readonly string[];
  /** Other columns of its records in order: alternate keys, metadata, region, timespan. */
  readonly columns: readonly DimensionColumn[];
  /** Whether all of its values are known to the registry: `instrument`, `skymap`. */
  readonly isGovernor: boolean;
  /** Whether its values are pixels of the sky, which have no records. */
  readonly isSkypix: boolean;
  /** Whether the registry has a table for it (not for skypix dimensions and `band`). */
  readonly hasTable: boolean;
  /** Element whose table holds its values (`physical_filter` for `band`), else null. */
  readonly viewOf: string | null;
}

type JsonObject = { [key: string]: JsonValue };

/** The only namespace that is known, and that of a universe which names none. */
const DEFAULT_NAMESPACE = "daf_butler";

/** More levels than any pixelization has; a bound, for the text may come from a graph. */
const MAX_SKYPIX_LEVEL = 64;

/**
 * A parsed universe. Cost: a few hundred small objects, groups are made once and kept.
 *
 * Source: `schema/butler-repository.md`, sections 5.1 and 5.2.
 */
export class DimensionUniverse {
  /** The JSON text that was parsed: a worker is given it to parse again. */
  readonly text: string;
  /** Version of the universe. */
  readonly version: number;
  /** Whose universe it is: `daf_butler`. */
  readonly namespace: string;
  /** Every element, in universe order. */
  readonly elements: ReadonlyMap<string, DimensionElement>;
  /** Position of each element in universe order. */
  readonly #position: ReadonlyMap<string, number>;
  readonly #groups = new Map<string, DimensionGroup>();

  private constructor(
    text: string,
    version: number,
    namespace: string,
    elements: Map<string, DimensionElement>,
  ) {
    this.text = text;
    this.version = version;
    this.namespace = namespace;
    this.elements = elements;
    this.#position = new Map([...elements.keys()].map((name, i) => [name, i]));
  }

  /**
   * Parses the JSON text of `config:dimensions.json` or of a pipeline graph's `dimensions`.
   *
   * @throws {RepositoryError} if it isn't a universe of namespace `daf_butler`.
   */
  static parse(text: string): DimensionUniverse {
    let document: JsonValue;
    try {
      // Not by `parseJson()`, which takes milliseconds at the start of a process: in every command.
      document = JSON.parse(text);
    } catch (cause) {
      throw new RepositoryError("Cannot read dimension universe: it is not JSON", { cause });
    }
    const root = object(document, "the document");
    // The first universe was written before there were namespaces.
    const { version, namespace = DEFAULT_NAMESPACE } = root;
    if (typeof version !== "number") fail(`version is ${describe(version)}`);
    if (namespace !== DEFAULT_NAMESPACE) {
      fail(`namespace is ${describe(namespace)}, expected "${DEFAULT_NAMESPACE}"`);
    }
    return new DimensionUniverse(
      text,
      version as number,
      namespace as string,
      parseElements(object(root.elements, "elements"), root),
    );
  }

  /** Whether there is a dimension (not just an element) of that name. */
  has(name: string): boolean {
    return this.elements.get(name)?.primaryKey != null;
  }

  /**
   * The element of that name.
   *
   * @throws {RepositoryError} if there is none.
   */
  element(name: string): DimensionElement {
    const element = this.elements.get(name);
    if (element === undefined) this.#unknown(name);
    return element as DimensionElement;
  }

  /**
   * Type of a dimension's primary key, which is the type of its values in data IDs.
   *
   * @throws {RepositoryError} if there is no such dimension.
   */
  keyType(dimension: string): KeyType {
    return this.element(dimension).primaryKey ?? this.#unknown(dimension);
  }

  /**
   * Conforms a set of dimension names: adds what they require and imply, and sorts.
   *
   * @throws {RepositoryError} if a name isn't a dimension of this universe.
   */
  group(names: Iterable<string>): DimensionGroup {
    const closure = new Set<string>();
    const pending = [...names];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (closure.has(name)) continue;
      if (!this.has(name)) this.#unknown(name);
      closure.add(name);
      const { required, implied } = this.elements.get(name)!;
      pending.push(...required, ...implied);
    }
    const sorted = [...closure].sort((a, b) => this.#position.get(a)! - this.#position.get(b)!);
    const key = sorted.join(",");
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const impliedByOthers = new Set(sorted.flatMap((name) => this.elements.get(name)!.implied));
    const group: DimensionGroup = {
      names: sorted,
      required: sorted.filter((name) => !impliedByOthers.has(name)),
      implied: sorted.filter((name) => impliedByOthers.has(name)),
      governors: sorted.filter((name) => this.elements.get(name)!.isGovernor),
      key,
    };
    this.#groups.set(key, group);
    return group;
  }

  #unknown(name: string): never {
    throw new RepositoryError(
      `Cannot use dimension "${name}": ${this.namespace} universe ${this.version} does not have it`,
    );
  }
}

/**
 * The group that a set of dimensions has in a repository, if the graph's universe means the same.
 *
 * @param what the dataset type or task, for the error message
 * @throws {RepositoryError} if a dimension is unknown to either, or the universes disagree about the
 *   group's dimensions, which of them are required, or the type of their values.
 *
 * Source: `schema/butler-repository.md`, section 0.
 */
export function commonGroup(
  names: Iterable<string>,
  graph: DimensionUniverse,
  repository: DimensionUniverse,
  what: string,
): DimensionGroup {
  const given = [...names];
  const here = graph.group(given);
  const there = repository.group(given);
  const describeGroup = (universe: DimensionUniverse, { required, implied }: DimensionGroup) => {
    const types = [...required, ...implied].map((name) => `${name} ${universe.keyType(name).type}`);
    return `{${types.slice(0, required.length).join(", ")}; ${
      types.slice(required.length).join(", ")
    }}`;
  };
  const expected = describeGroup(repository, there);
  const found = describeGroup(graph, here);
  if (found === expected) return there;
  throw new RepositoryError(
    `Cannot use ${what}: its dimensions are ${found} in the graph, expected ${expected} as in the ` +
      "repository",
    { hint: "The graph was made with another dimension universe than the repository has" },
  );
}

/** What the JSON says of an element, before dependencies are followed. */
interface RawElement {
  requires: string[];
  implies: string[];
  primaryKey: (KeyType & { name: string }) | null;
  columns: DimensionColumn[];
  isGovernor: boolean;
  viewOf: string | null;
}

function parseElements(elements: JsonObject, root: JsonObject): Map<string, DimensionElement> {
  const raw = new Map<string, RawElement>();
  const spatial = topologyMembers(root, "spatial");
  const temporal = topologyMembers(root, "temporal");
  for (const [name, value] of Object.entries(elements)) {
    const element = object(value, `element "${name}"`);
    const keys = array(element.keys, `keys of "${name}"`);
    raw.set(name, {
      requires: strings(element.requires, `requires of "${name}"`),
      implies: strings(element.implies, `implies of "${name}"`),
      primaryKey: keys.length === 0 ? null : parsePrimaryKey(keys[0], name),
      columns: [
        ...parseColumns(keys.slice(1), `keys of "${name}"`),
        ...parseColumns(element.metadata, `metadata of "${name}"`),
        ...(spatial.has(name) ? [{ name: "region", type: "region" }] : []),
        ...(temporal.has(name) ? [{ name: "timespan", type: "timespan" }] : []),
      ],
      isGovernor: element.governor === true,
      viewOf: findViewOf(element.storage),
    });
  }
  const systems = parseSkypix(root.skypix);
  const result = new Map<string, DimensionElement>();
  for (const name of universeOrder(raw, systems)) {
    const element = raw.get(name);
    if (element === undefined) {
      for (let level = 1; level <= systems.get(name)!; level++) {
        result.set(`${name}${level}`, skypixDimension(`${name}${level}`));
      }
      continue;
    }
    // What it requires was placed before it, so the transitive sets are known.
    const required = new Set(element.requires.flatMap((other) => result.get(other)!.required));
    if (element.primaryKey !== null) required.add(name);
    const order = [...result.keys(), name];
    result.set(name, {
      name,
      primaryKey: element.primaryKey,
      required: order.filter((other) => required.has(other)),
      implied: order.filter((other) => element.implies.includes(other)),
      columns: element.columns,
      isGovernor: element.isGovernor,
      isSkypix: false,
      hasTable: element.viewOf === null,
      viewOf: element.viewOf,
    });
  }
  return result;
}

/** Names of elements and skypix systems: by levels of dependency, each level alphabetically. */
function universeOrder(raw: Map<string, RawElement>, systems: Map<string, number>): string[] {
  const order: string[] = [];
  const pending = new Set([...raw.keys(), ...systems.keys()]);
  for (const [name, { requires, implies }] of raw) {
    for (const other of [...requires, ...implies]) {
      if (!raw.has(other)) fail(`element "${name}" depends on "${other}", which is not there`);
    }
  }
  while (pending.size > 0) {
    const ready = [...pending].filter((name) => {
      const element = raw.get(name);
      return element === undefined ||
        ![...element.requires, ...element.implies].some((other) => pending.has(other));
    }).sort();
    if (ready.length === 0) fail(`elements depend on each other: ${[...pending].join(", ")}`);
    for (const name of ready) {
      pending.delete(name);
      order.push(name);
    }
  }
  return order;
}

function skypixDimension(name: string): DimensionElement {
  return {
    name,
    primaryKey: { name: "id", type: "int" },
    required: [name],
    implied: [],
    columns: [],
    isGovernor: false,
    isSkypix: true,
    hasTable: false,
    viewOf: null,
  };
}

/** Skypix systems with their highest level. */
function parseSkypix(value: JsonValue | undefined): Map<string, number> {
  const systems = new Map<string, number>();
  for (const [name, system] of Object.entries(object(value ?? {}, "skypix"))) {
    if (name === "common") continue;
    const level = object(system, `skypix "${name}"`).max_level;
    if (typeof level !== "number" || !Number.isInteger(level) || level > MAX_SKYPIX_LEVEL) {
      fail(`max_level of skypix "${name}" is ${describe(level)}`);
    }
    systems.set(name, level as number);
  }
  return systems;
}

function topologyMembers(root: JsonObject, kind: string): Set<string> {
  const families = object(root.topology ?? {}, "topology")[kind] ?? {};
  return new Set(
    Object.values(object(families, `topology "${kind}"`))
      .flatMap((members) => strings(members, `topology "${kind}"`)),
  );
}

/** A primary key: alternate keys may have types that never occur in data IDs. */
function parsePrimaryKey(value: JsonValue, element: string): KeyType & { name: string } {
  const { name, type, length } = object(value, `keys of "${element}"`);
  if (type !== "int" && type !== "string") {
    fail(`primary key of "${element}" has type ${describe(type)}`);
  }
  return {
    name: string(name, `keys of "${element}"`),
    type: type as KeyType["type"],
    ...(typeof length === "number" ? { length } : {}),
  };
}

function parseColumns(value: JsonValue | undefined, what: string): DimensionColumn[] {
  return array(value, what).map((column) => {
    const { name, type } = object(column, what);
    return { name: string(name, what), type: string(type, what) };
  });
}

/** Only `view_of` of the storage is meaningful; the class names are history. */
function findViewOf(storage: JsonValue | undefined): string | null {
  if (!isObject(storage)) return null;
  if (typeof storage.view_of === "string") return storage.view_of;
  return findViewOf(storage.nested);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: JsonValue | undefined, what: string): JsonObject {
  return isObject(value) ? value : fail(`${what} is ${describe(value)}, expected an object`);
}

function array(value: JsonValue | undefined, what: string): JsonValue[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : fail(`${what} is ${describe(value)}, expected an array`);
}

function string(value: JsonValue | undefined, what: string): string {
  return typeof value === "string" ? value : fail(`${what} has ${describe(value)} for a name`);
}

function strings(value: JsonValue | undefined, what: string): string[] {
  return array(value, what).map((item) => string(item, what));
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return `"${value.slice(0, 80)}"`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function fail(state: string): never {
  throw new RepositoryError(`Cannot read dimension universe: ${state}`);
}
