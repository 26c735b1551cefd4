/**
 * Lookup tables of a datastore's configuration: templates, formatters, composites and constraints
 * are all found by dataset type name, dimension group or storage class, possibly for one instrument.
 *
 * Source: `schema/butler-repository.md`, sections 4.4 and 4.7.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import {
  type ConfigMapping,
  type ConfigValue,
  getValue,
  isMapping,
} from "../config/config_value.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** `field<value>`: what is below holds only for data IDs with that value. */
const RESTRICTION = /^([a-z_]+)<(.*)>$/;

/** Keys under which a dataset type is looked for, most specific first. */
export function lookupKeys(type: DatasetType): string[] {
  return [
    `name:${type.name}`,
    ...(type.group.names.length === 0 ? [] : [`group:${type.group.key}`]),
    `name:${type.storageClass}`,
  ];
}

/** A configuration key as {@linkcode lookupKeys} writes it. A `+` makes it a dimension group. */
function lookupKey(key: string, universe: DimensionUniverse): string {
  if (!key.includes("+")) return `name:${key}`;
  const names = key.split("+").filter((name) => name !== "");
  // Unknown names are no error: defaults mention dimensions that older universes don't have.
  return names.every((name) => universe.has(name))
    ? `group:${universe.group(names).key}`
    : `name:${key}`;
}

/** Entries of one configuration section, by key. */
export class LookupTable {
  readonly #general = new Map<string, ConfigValue>();
  readonly #byInstrument = new Map<string, Map<string, ConfigValue>>();

  /**
   * Reads a section.
   *
   * @param ignoredKeys special keys of the section, which aren't lookups
   * @param allowMappings whether values may be mappings
   * @throws {RepositoryError} if a value is a mapping and may not; `what` names the section.
   */
  constructor(
    section: ConfigMapping,
    universe: DimensionUniverse,
    what: string,
    ignoredKeys: readonly string[],
    allowMappings = false,
  ) {
    for (const [key, value] of Object.entries(section)) {
      if (ignoredKeys.includes(key)) continue;
      const restriction = isMapping(value) ? RESTRICTION.exec(key) : null;
      if (restriction !== null) {
        if (restriction[1] !== "instrument") continue;
        const table = this.#instrument(restriction[2]);
        for (const [subKey, subValue] of Object.entries(value as ConfigMapping)) {
          table.set(lookupKey(subKey, universe), subValue);
        }
      } else if (isMapping(value) && !allowMappings) {
        throw new RepositoryError(
          `Cannot use ${what} of the datastore: key "${key}" has a mapping for a value`,
        );
      } else {
        this.#general.set(lookupKey(key, universe), value);
      }
    }
  }

  #instrument(name: string): Map<string, ConfigValue> {
    let table = this.#byInstrument.get(name);
    if (table === undefined) this.#byInstrument.set(name, table = new Map());
    return table;
  }

  /** Instruments that have entries of their own. */
  get instruments(): Iterable<string> {
    return this.#byInstrument.keys();
  }

  /** Value of the first key that has one: for the instrument if any is given, then in general. */
  find(keys: readonly string[], instrument: string | undefined): ConfigValue | undefined {
    const table = instrument === undefined ? undefined : this.#byInstrument.get(instrument);
    const key = keys.find((key) => table?.has(key));
    if (key !== undefined) return table!.get(key);
    const general = keys.find((key) => this.#general.has(key));
    return general === undefined ? undefined : this.#general.get(general);
  }
}

/** The lists `accept` and `reject`: which datasets the datastore takes. */
export class Constraints {
  readonly #accept: Set<string>;
  readonly #reject: Set<string>;

  /**
   * Reads the section `constraints`.
   *
   * @throws {RepositoryError} if it is malformed.
   */
  constructor(section: ConfigMapping, universe: DimensionUniverse) {
    this.#accept = readList(getValue(section, "accept"), universe);
    this.#reject = readList(getValue(section, "reject"), universe);
    if (this.#accept.has("name:all") && this.#reject.has("name:all")) {
      throw new RepositoryError(`Cannot use constraints of the datastore: "all" is in both lists`);
    }
  }

  /** Whether everything is accepted. */
  get isEmpty(): boolean {
    return this.#accept.size === 0 && this.#reject.size === 0;
  }

  /** Whether a dataset with these keys may be accepted, whatever its instrument is. */
  mayAccept(keys: readonly string[]): boolean {
    if (this.isEmpty || this.accepts(keys, undefined)) return true;
    const restricted = [...keys, "name:all"].map((key) => restrictedKey(key, ""));
    return [...this.#accept].some((entry) => restricted.some((key) => entry.startsWith(key)));
  }

  /** Whether a dataset with these keys is accepted. */
  accepts(keys: readonly string[], instrument: string | undefined): boolean {
    const restricted = (key: string) =>
      instrument === undefined ? [key] : [key, restrictedKey(key, instrument)];
    const all = keys.flatMap(restricted);
    if (all.some((key) => this.#accept.has(key))) return true;
    if (all.some((key) => this.#reject.has(key))) return false;
    const wildcards = restricted("name:all");
    if (wildcards.some((key) => this.#reject.has(key))) return false;
    return this.#accept.size === 0 || wildcards.some((key) => this.#accept.has(key));
  }
}

function restrictedKey(key: string, instrument: string): string {
  return `${key}\0${instrument}`;
}

function readList(list: ConfigValue | undefined, universe: DimensionUniverse): Set<string> {
  const result = new Set<string>();
  const malformed = () =>
    new RepositoryError(
      "Cannot use constraints of the datastore: expected lists of keys or of " +
        "instrument<NAME> with a list of keys",
    );
  if (list === undefined || list === null) return result;
  if (!Array.isArray(list)) throw malformed();
  for (const item of list) {
    if (typeof item === "string") {
      result.add(lookupKey(item, universe));
      continue;
    }
    const entries = isMapping(item) ? Object.entries(item) : [];
    if (entries.length !== 1) throw malformed();
    const [field, keys] = entries[0];
    const restriction = RESTRICTION.exec(field);
    if (restriction === null || !Array.isArray(keys)) throw malformed();
    for (const key of keys) {
      if (typeof key !== "string") throw malformed();
      // Other fields than the instrument never match a lookup, but make the list non-empty.
      const value = restriction[1] === "instrument" ? restriction[2] : `\0${field}`;
      result.add(restrictedKey(lookupKey(key, universe), value));
    }
  }
  return result;
}
