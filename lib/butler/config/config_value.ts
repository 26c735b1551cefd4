/**
 * Values in configurations, and the way these are merged. Apart from the files, so that who only looks
 * into a configuration doesn't load a YAML parser.
 *
 * @module
 */

/** A value in a configuration. */
export type ConfigValue = null | boolean | number | string | ConfigValue[] | ConfigMapping;

/** A mapping in a configuration. */
export interface ConfigMapping {
  [key: string]: ConfigValue;
}

/** Whether a value is a mapping (neither scalar nor list). */
export function isMapping(value: ConfigValue | undefined): value is ConfigMapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value of a key of a mapping's own, else undefined (names like `constructor` are no keys). */
export function getValue(mapping: ConfigMapping, key: string): ConfigValue | undefined {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

/** Sets a key, also if it is called `__proto__`. */
export function setValue(mapping: ConfigMapping, key: string, value: ConfigValue): void {
  Object.defineProperty(mapping, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/**
 * A new mapping with the content of both: mappings are merged key by key, anything else in `over`
 * (lists too) replaces what `base` has. Keys of `base` come first. Neither argument is changed.
 *
 * Source: `schema/butler-repository.md`, section 1.3.
 */
export function mergeConfig(base: ConfigMapping, over: ConfigMapping): ConfigMapping {
  const result: ConfigMapping = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (!isMapping(value)) {
      setValue(result, key, value);
    } else {
      const old = getValue(result, key);
      setValue(result, key, mergeConfig(isMapping(old) ? old : {}, value));
    }
  }
  return result;
}
