/**
 * Which datasets a registry's obscore table lists: the reference adds a row for each when it is
 * registered. This tool makes no such rows, so it refuses to register what would need one.
 *
 * Source: `lsst.daf.butler.registry.obscore`, `ObsCoreLiveTableManager.add_datasets`.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import { JsonCursor, type JsonValue } from "../../base/json_text.ts";

/** Attribute that holds the configuration of the table. */
export const OBSCORE_ATTRIBUTE = "config:obscore.json";

/** Dataset types whose datasets are listed when they are put into a RUN. */
export type ObscoreTypes = ReadonlySet<string>;

/** Nothing is listed. */
export const NO_OBSCORE: ObscoreTypes = new Set();

/**
 * Reads the configuration of an obscore table. A table that lists what is in a TAGGED collection doesn't
 * change when datasets are registered.
 *
 * @param registry How messages name the registry.
 * @throws {RepositoryError} if it can't be understood.
 */
export function readObscoreTypes(text: string, registry: string): ObscoreTypes {
  let config: JsonValue;
  try {
    const cursor = new JsonCursor(new TextEncoder().encode(text));
    config = cursor.readValue();
    cursor.finish();
  } catch (cause) {
    throw unreadable(registry, cause);
  }
  const types = member(config, "dataset_types");
  const kind = member(config, "collection_type");
  if (typeof types !== "object" || types === null || Array.isArray(types)) {
    throw unreadable(registry);
  }
  if (kind === "TAGGED") return NO_OBSCORE;
  if (kind !== "RUN") throw unreadable(registry);
  return new Set(Object.keys(types));
}

function member(value: JsonValue, key: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function unreadable(registry: string, cause?: unknown): RepositoryError {
  return new RepositoryError(
    `Cannot use registry "${registry}": attribute "${OBSCORE_ATTRIBUTE}", the configuration of its ` +
      "obscore table, is not as expected",
    { cause },
  );
}
