/**
 * In which form a document of a run is stored, as its formatter and storage class say. What a file's name
 * or content suggests is no answer: a site's configuration chooses formatters, and older repositories have
 * metadata registered as `PropertySet`.
 *
 * @module
 */

import { RepositoryError } from "../base/errors.ts";
import { MOCK_PREFIX } from "../butler/formatters.ts";
import type { metadataFromYaml } from "./yaml_metadata.ts";

/** What tells how a dataset's file is to be read: of a plan, or of a record. */
export interface StoredAs {
  /** Name of the dataset type, for messages. */
  readonly typeName: string;
  /** Class name as records have it. */
  readonly formatter: string;
  readonly storageClass: string;
}

/** Forms of metadata that are read. */
export type MetadataForm = "json" | "yaml" | "yaml property set";

const FORMATTERS = "lsst.daf.butler.formatters.";
const JSON_FORMATTER = `${FORMATTERS}json.JsonFormatter`;
const YAML_FORMATTER = `${FORMATTERS}yaml.YamlFormatter`;
const LOG_FORMATTER = `${FORMATTERS}logs.ButlerLogRecordsFormatter`;
const PACKAGES_FORMATTER = `${FORMATTERS}packages.PackagesFormatter`;
const CONFIG_FORMATTER = "lsst.pipe.base.formatters.pexConfig.PexConfigFormatter";

const PROPERTY_SETS = new Set(["PropertySet", "PropertyList"]);
/** Storage classes whose Python type the reference can't convert to `TaskMetadata`. */
const OTHER_CLASSES = new Set(["StructuredDataDict", "StructuredDataList", "ButlerLogRecords"]);

/**
 * How metadata is stored.
 *
 * @throws {RepositoryError} if it can't be read: by formatter, or because the reference doesn't convert
 *   its storage class either.
 */
export function metadataForm(stored: StoredAs): MetadataForm {
  const { formatter, storageClass } = stored;
  const isPropertySet = PROPERTY_SETS.has(storageClass);
  if (formatter === YAML_FORMATTER && !OTHER_CLASSES.has(storageClass)) {
    return isPropertySet ? "yaml property set" : "yaml";
  }
  if (formatter === JSON_FORMATTER && !isPropertySet && !OTHER_CLASSES.has(storageClass)) {
    return "json";
  }
  throw refusal(
    stored,
    "task metadata",
    `${JSON_FORMATTER} with storage class TaskMetadata, or ${YAML_FORMATTER} with TaskMetadata, ` +
      "PropertySet or PropertyList",
  );
}

/**
 * Checks that logs are in a form that is read.
 *
 * @throws {RepositoryError} otherwise.
 */
export function requireLogForm(stored: StoredAs): void {
  const isMock = stored.storageClass.startsWith(MOCK_PREFIX) && stored.formatter === JSON_FORMATTER;
  if (stored.formatter === LOG_FORMATTER || isMock) return;
  throw refusal(stored, "logs", LOG_FORMATTER);
}

/**
 * Checks that a task's config is in a form that is read.
 *
 * @throws {RepositoryError} otherwise.
 */
export function requireConfigForm(stored: StoredAs): void {
  if (stored.formatter === CONFIG_FORMATTER) return;
  throw refusal(stored, "configs", CONFIG_FORMATTER);
}

/**
 * Checks that the packages document is in a form that is read: YAML or JSON, which is YAML as well.
 *
 * @param path Its file, whose extension the formatter of packages chooses the form by.
 * @throws {RepositoryError} otherwise.
 */
export function requirePackagesForm(stored: StoredAs, path: string): void {
  const { formatter } = stored;
  if (formatter === YAML_FORMATTER || formatter === JSON_FORMATTER) return;
  const isPickle = /\.(?:pickle|pkl)$/.test(path);
  if (formatter === PACKAGES_FORMATTER && !isPickle) return;
  throw refusal(
    stored,
    "package versions",
    `${PACKAGES_FORMATTER} with format yaml or json, or ${YAML_FORMATTER}`,
    isPickle ? "pickles" : "files",
  );
}

function refusal(
  stored: StoredAs,
  what: string,
  known: string,
  files = "files",
): RepositoryError {
  return new RepositoryError(
    `Cannot use dataset type "${stored.typeName}": ${files} of its formatter "${stored.formatter}" ` +
      `with storage class "${stored.storageClass}" can't be read`,
    { hint: `${what} are read if their formatter is ${known}` },
  );
}

/** Turns a metadata file into JSON text. */
export type MetadataConverter = (bytes: Uint8Array) => Uint8Array;

/**
 * What turns files of a form into JSON text; null if they are that already. Loads the YAML parser, which
 * an ordinary run never needs.
 */
export async function metadataConverter(form: MetadataForm): Promise<MetadataConverter | null> {
  if (form === "json") return null;
  const module = await import(import.meta.resolve("./yaml_metadata.ts")) as {
    metadataFromYaml: typeof metadataFromYaml;
  };
  return (bytes) => module.metadataFromYaml(bytes, form === "yaml property set");
}
