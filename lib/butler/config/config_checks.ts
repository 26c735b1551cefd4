/**
 * Looks at values of a configuration that must be something, and words for those that aren't.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import { type ConfigMapping, type ConfigValue, getValue, isMapping } from "./config_value.ts";

/**
 * The content of a component's file or key, which may be nested under the component's name once or twice.
 *
 * Source: `ConfigSubset` of the reference.
 */
export function unwrap(file: ConfigMapping, component: string): ConfigMapping {
  const once = getValue(file, component);
  if (!isMapping(once)) return file;
  const twice = getValue(once, component);
  return isMapping(twice) ? twice : once;
}

/**
 * A text that must be there.
 *
 * @throws {RepositoryError} if it isn't, or is empty.
 */
export function requiredString(
  config: ConfigMapping,
  key: string,
  component: string,
  configPath: string,
): string {
  const value = getValue(config, key);
  if (typeof value === "string" && value !== "") return value;
  throw new RepositoryError(
    `Cannot use ${component} of "${configPath}": its key ${key} is ${show(value)}`,
  );
}

/** What errors call a value. */
export function show(value: ConfigValue | undefined): string {
  if (value === undefined) return "missing";
  if (isMapping(value)) return "a mapping";
  if (Array.isArray(value)) return "a list";
  return typeof value === "string" ? `"${value}"` : String(value);
}
