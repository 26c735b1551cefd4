/**
 * Which datastores a configuration has: one, or the members of a chain. Members that keep nothing are
 * left out.
 *
 * Source: `schema/butler-repository.md`, section 1.6.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import { show, unwrap } from "./config_checks.ts";
import {
  type ConfigMapping,
  type ConfigValue,
  getValue,
  isMapping,
  mergeConfig,
} from "./config_value.ts";
import { type ConfigPlace, fileDatastoreConfig, mappingOf } from "./datastore_config.ts";
import {
  DEFAULT_DATASTORE,
  DEFAULT_FILE_DATASTORE,
  FILE_DATASTORE_CLASS,
} from "./default_config.ts";
import { ignoredDatastores } from "./ignored_datastores.ts";
import type { DatastoreConfig } from "./repository_config.ts";

const CHAIN_CLASS = "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore";

/** Classes whose objects find nothing again, and have neither records nor rows. */
const KEEPING_NOTHING: ReadonlySet<string> = new Set([
  "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore",
  "lsst.analysis.tools.interfaces.datastore.SasquatchDatastore",
]);

/** Chains in chains; nobody has more, and what refers to itself ends. */
const MAX_DEPTH = 8;

/** Where a datastore's configuration comes from. */
interface DatastoreSources {
  /** What the repository's own file says of its datastore. */
  own: ConfigMapping;
  /** What files of that name in directories of overrides say. */
  overrides: (file: string) => ConfigMapping[];
  place: ConfigPlace;
}

/** The datastores of a repository. */
interface DatastoreConfigs {
  /** Those that keep files, in their order; at least one. */
  datastores: DatastoreConfig[];
  /** Name or class of the others. */
  leftOut: string[];
  /** Classes that were left out because the user says so. */
  ignored: string[];
}

/**
 * Reads all datastores.
 *
 * @throws {RepositoryError} if one is of a class that isn't known, none keeps files, or two can't be told
 *   apart in the database.
 */
export function datastoreConfigs(sources: DatastoreSources): DatastoreConfigs {
  const reader = new ChainReader(sources);
  reader.read(sources.own, [], 0);
  const { datastores, leftOut, ignored } = reader;
  const { argument } = sources.place;
  if (datastores.length === 0) {
    throw new RepositoryError(
      `Cannot use repository "${argument}": none of its datastores keeps files` +
        (leftOut.length === 0 ? "" : ` (${leftOut.join(", ")})`),
      { hint: `At least one has to be of class ${FILE_DATASTORE_CLASS}` },
    );
  }
  requireDistinct(datastores, argument);
  return { datastores, leftOut, ignored: [...ignored] };
}

class ChainReader {
  readonly datastores: DatastoreConfig[] = [];
  readonly leftOut: string[] = [];
  readonly ignored = new Set<string>();
  readonly #sources: DatastoreSources;
  readonly #base: ConfigMapping;
  readonly #toIgnore: ReadonlySet<string>;

  constructor(sources: DatastoreSources) {
    this.#sources = sources;
    this.#base = [DEFAULT_DATASTORE, ...sources.overrides("datastore.yaml")].reduce(mergeConfig);
    this.#toIgnore = new Set(ignoredDatastores(sources.place.env));
  }

  /** Reads a datastore, or all in a chain. */
  read(own: ConfigMapping, chainConstraints: readonly ConfigMapping[], depth: number): void {
    const cls = getValue(own, "cls") ?? getValue(this.#base, "cls");
    if (cls === FILE_DATASTORE_CLASS) {
      const config = this.#merged(DEFAULT_FILE_DATASTORE, "datastores/fileDatastore.yaml", own);
      this.datastores.push(fileDatastoreConfig(config, chainConstraints, this.#sources.place));
    } else if (cls === CHAIN_CLASS) {
      this.#readChain(own, chainConstraints, depth);
    } else if (typeof cls === "string" && this.#keepsNothing(cls)) {
      const name = getValue(own, "name");
      this.leftOut.push(typeof name === "string" ? `${name} (${cls})` : cls);
    } else throw this.#unknownClass(cls, depth);
  }

  #merged(defaults: ConfigMapping, file: string, own: ConfigMapping): ConfigMapping {
    return [this.#base, defaults, ...this.#sources.overrides(file), own].reduce(mergeConfig);
  }

  #keepsNothing(cls: string): boolean {
    if (KEEPING_NOTHING.has(cls)) return true;
    if (this.#toIgnore.has(cls)) this.ignored.add(cls);
    return this.#toIgnore.has(cls);
  }

  #readChain(own: ConfigMapping, outer: readonly ConfigMapping[], depth: number): void {
    const { configPath, argument } = this.#sources.place;
    const config = this.#merged({}, "datastores/chainedDatastore.yaml", own);
    const malformed = (what: string) =>
      new RepositoryError(`Cannot use datastore chain of "${configPath}": ${what}`);
    if (depth >= MAX_DEPTH) throw malformed(`it has chains in chains, ${MAX_DEPTH} deep`);
    const members = getValue(config, "datastores");
    if (!Array.isArray(members)) throw malformed(`its key datastores is ${show(members)}`);
    const constraints = mappingOf(config, "constraints", configPath);
    const ofMembers = memberConstraints(getValue(config, "datastore_constraints"), members.length);
    if (typeof ofMembers === "string") throw malformed(ofMembers);
    members.forEach((member, i) => {
      if (!isMapping(member)) {
        throw malformed(`member ${i + 1} is ${show(member)}, expected a mapping`);
      }
      this.read(unwrap(member, "datastore"), [ofMembers[i], constraints, ...outer], depth + 1);
    });
    if (depth === 0 && members.length === 0) {
      throw new RepositoryError(
        `Cannot use repository "${argument}": its chain of datastores has no members`,
      );
    }
  }

  #unknownClass(cls: ConfigValue | undefined, depth: number): RepositoryError {
    const { argument } = this.#sources.place;
    if (depth === 0) {
      return new RepositoryError(
        `Cannot use repository "${argument}": datastore class is ${show(cls)}`,
        { hint: `Only ${FILE_DATASTORE_CLASS}, and chains of such, are supported` },
      );
    }
    return new RepositoryError(
      `Cannot use repository "${argument}": class of a datastore in its chain is ${show(cls)}`,
      typeof cls !== "string" ? {} : {
        hint:
          `If datastores of that class keep neither files nor records, say --ignore-datastore ` +
          cls,
      },
    );
  }
}

/** What `datastore_constraints` says of each member, or what is wrong with it. */
function memberConstraints(
  value: ConfigValue | undefined,
  nMembers: number,
): ConfigMapping[] | string {
  if (value === undefined) return new Array(nMembers).fill({});
  if (!Array.isArray(value)) return `its key datastore_constraints is ${show(value)}`;
  if (value.length !== nMembers) {
    return `it has ${nMembers} members, but datastore_constraints for ${value.length}`;
  }
  const found: ConfigMapping[] = [];
  for (const entry of value) {
    const constraints = isMapping(entry) ? getValue(entry, "constraints") ?? {} : null;
    if (!isMapping(constraints ?? undefined)) {
      return `entry ${found.length + 1} of datastore_constraints is ${show(entry)}, expected ` +
        "a mapping, {} for none";
    }
    found.push(constraints as ConfigMapping);
  }
  return found;
}

/** Two datastores with one name, or one table, can't be told apart by rows. */
function requireDistinct(datastores: readonly DatastoreConfig[], argument: string): void {
  for (const [i, { name, recordsTable, root }] of datastores.entries()) {
    const other = datastores.slice(0, i).find((before) =>
      before.name === name || before.recordsTable === recordsTable || before.root === root
    );
    if (other === undefined) continue;
    const common = other.name === name
      ? `name "${name}"`
      : other.recordsTable === recordsTable
      ? `records table "${recordsTable}"`
      : `root "${root}"`;
    throw new RepositoryError(
      `Cannot use repository "${argument}": two datastores of its chain have the ${common}`,
      { hint: "Give each its own name, records table and root" },
    );
  }
}
