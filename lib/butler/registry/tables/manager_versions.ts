/**
 * Which registries this tool can work with: class and version of every manager, as the database
 * itself says, checked before anything else is read.
 *
 * @module
 */

import { type CollectionKeys, INTEGER_KEYS, NAME_KEYS } from "./collection_keys.ts";
import { NO_OBSCORE, OBSCORE_ATTRIBUTE, type ObscoreTypes, readObscoreTypes } from "../obscore.ts";
import { RepositoryError } from "../../../base/errors.ts";
import type { JsonValue } from "../../../base/json_text.ts";

/** How `dataset.ingest_date` is stored: nanoseconds TAI (datasets manager 2) or UTC text (1). */
type IngestDateKind = "tai-nanoseconds" | "utc-text";

/** A manager that this tool does the work of. */
interface SupportedManager {
  /** Class name as stored in `butler_attributes`. */
  readonly className: string;
  /** Name of another class that does it as well. */
  readonly otherName?: string;
  /** Major and minor versions; patch versions make no difference. */
  readonly versions: readonly (readonly [major: number, minor: number])[];
}

/** Source: `schema/butler-repository.md`, section 2.3. */
const SUPPORTED: Readonly<Record<string, SupportedManager>> = {
  attributes: {
    className: "lsst.daf.butler.registry.attributes.DefaultButlerAttributeManager",
    versions: [[1, 0]],
  },
  dimensions: {
    className: "lsst.daf.butler.registry.dimensions.static.StaticDimensionRecordStorageManager",
    versions: [[6, 0]],
  },
  collections: {
    className: "lsst.daf.butler.registry.collections.synthIntKey.SynthIntKeyCollectionManager",
    otherName: "lsst.daf.butler.registry.collections.nameKey.NameKeyCollectionManager",
    versions: [[2, 0]],
  },
  datasets: {
    className: "lsst.daf.butler.registry.datasets.byDimensions._manager." +
      "ByDimensionsDatasetRecordStorageManagerUUID",
    versions: [[1, 0], [2, 0]],
  },
  opaque: {
    className: "lsst.daf.butler.registry.opaque.ByNameOpaqueTableStorageManager",
    versions: [[0, 2]],
  },
  datastores: {
    className:
      "lsst.daf.butler.registry.bridge.monolithic.MonolithicDatastoreRegistryBridgeManager",
    versions: [[0, 2]],
  },
};

/** Manager of the obscore table, which only some registries have; see `obscore.ts`. */
const OBSCORE = {
  kind: "obscore",
  className: "lsst.daf.butler.registry.obscore._manager.ObsCoreLiveTableManager",
};

/** Name of the attribute that holds the dimension universe. */
const UNIVERSE_ATTRIBUTE = "config:dimensions.json";

/** Newest universe version whose meaning is known; a newer one may mean something else by a name. */
export const MAX_UNIVERSE_VERSION = 8;

/** Versions of every manager that this tool does the work of, as "major.minor", by kind. */
export function supportedManagers(): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(SUPPORTED).map(([kind, { versions }]) => [
      kind,
      versions.map(([major, minor]) => `${major}.${minor}`),
    ]),
  );
}

/** What {@linkcode checkManagers} found. */
interface RegistryVersions {
  ingestDate: IngestDateKind;
  /** JSON text of the dimension universe. */
  universeText: string;
  keys: CollectionKeys;
  obscoreTypes: ObscoreTypes;
}

/**
 * Checks the rows of `butler_attributes` against the configuration and what this tool supports.
 *
 * @param registry how messages name the registry
 * @param configured class names of `registry.managers`
 * @param attributes name and value of every row
 * @param writeable whether rows are to be written; reading tolerates older minor versions
 * @throws {RepositoryError} naming the manager, its class or version, and what is supported.
 *
 * Source: `schema/butler-repository.md`, sections 0 and 2.3.
 */
export function checkManagers(
  registry: string,
  configured: Readonly<Record<string, string>>,
  attributes: ReadonlyMap<string, string>,
  writeable: boolean,
): RegistryVersions {
  const refuse = (state: string, hint?: string): never => {
    throw new RepositoryError(`Cannot use registry "${registry}": ${state}`, { hint });
  };
  if (attributes.size === 0) refuse('table "butler_attributes" is empty');
  for (const kind of Object.keys(configured)) {
    if (kind !== OBSCORE.kind && !Object.hasOwn(SUPPORTED, kind)) {
      refuse(`manager "${kind}" is not supported`);
    }
  }
  for (const [kind, { className: usualName, otherName, versions }] of Object.entries(SUPPORTED)) {
    const stored = attributes.get(`config:registry.managers.${kind}`);
    if (stored === undefined) refuse(`class of manager "${kind}" is not recorded`);
    if (stored !== usualName && stored !== otherName) {
      refuse(`class of manager "${kind}" is "${stored}", expected "${usualName}"`);
    }
    const className = stored!;
    const wanted = configured[kind];
    if (wanted !== undefined && publicName(wanted) !== publicName(className)) {
      refuse(
        `configuration has class "${wanted}" for manager "${kind}", the database "${stored}"`,
        "Restore registry.managers in the repository's configuration",
      );
    }
    const version = attributes.get(`version:${className}`);
    if (version !== undefined && !isSupported(version, versions, writeable)) {
      const known = versions.map(([major, minor]) => `${major}.${minor}.x`).join(" or ");
      refuse(`version of manager "${kind}" is "${version}", expected ${known}`);
    }
  }
  const datasets = attributes.get(`version:${SUPPORTED.datasets.className}`);
  if (datasets === undefined) refuse('version of manager "datasets" is not recorded');
  const universeText = attributes.get(UNIVERSE_ATTRIBUTE);
  if (universeText === undefined) refuse(`attribute "${UNIVERSE_ATTRIBUTE}" is missing`);
  const version = universeVersion(universeText!);
  if (version === null || version < 0 || version > MAX_UNIVERSE_VERSION) {
    refuse(
      `version of the dimension universe is ${version}, expected 0 to ${MAX_UNIVERSE_VERSION}`,
    );
  }
  const isByName =
    attributes.get("config:registry.managers.collections") === SUPPORTED.collections.otherName;
  return {
    keys: isByName ? NAME_KEYS : INTEGER_KEYS,
    obscoreTypes: obscoreTypes(registry, configured[OBSCORE.kind], attributes),
    ingestDate: datasets!.startsWith("1.") ? "utc-text" : "tai-nanoseconds",
    universeText: universeText!,
  };
}

/** Dataset types that an obscore table lists; none without such a table. */
function obscoreTypes(
  registry: string,
  configured: string | undefined,
  attributes: ReadonlyMap<string, string>,
): ObscoreTypes {
  const { kind, className } = OBSCORE;
  const config = attributes.get(OBSCORE_ATTRIBUTE);
  const stored = attributes.get(`config:registry.managers.${kind}`);
  if (configured === undefined && stored === undefined && config === undefined) return NO_OBSCORE;
  for (const name of [stored ?? className, configured ?? className]) {
    if (publicName(name) === publicName(className)) continue;
    throw new RepositoryError(
      `Cannot use registry "${registry}": class of manager "${kind}" is "${name}", expected ` +
        `"${className}"`,
    );
  }
  if (config !== undefined) return readObscoreTypes(config, registry);
  throw new RepositoryError(
    `Cannot use registry "${registry}": it has manager "${kind}", but no attribute ` +
      `"${OBSCORE_ATTRIBUTE}"`,
  );
}

function universeVersion(text: string): number | null {
  let universe: JsonValue;
  try {
    universe = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof universe !== "object" || universe === null || Array.isArray(universe)) return null;
  return Number.isInteger(universe.version) ? universe.version as number : null;
}

/** Class name without private modules: `butler.yaml` has the alias, the database the real one. */
function publicName(className: string): string {
  return className.split(".").filter((part) => !part.startsWith("_")).join(".");
}

function isSupported(
  version: string,
  supported: SupportedManager["versions"],
  writeable: boolean,
): boolean {
  const match = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})$/.exec(version);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return supported.some(([m, n]) => m === major && (n === minor || (!writeable && n > minor)));
}
