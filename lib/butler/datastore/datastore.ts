/**
 * The file datastore: which formatter and path each dataset has. It knows no files.
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
import { DEFAULT_FILE_DATASTORE } from "../config/default_config.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../dimensions/record_source.ts";
import { recordPath } from "./datastore_path.ts";
import { CompiledTemplate, type NamingRule } from "./file_template.ts";
import {
  chooseFormatter,
  type FormatterChoice,
  MOCK_FORMATTER,
  MOCK_PREFIX,
} from "./formatters.ts";
import { Constraints, lookupKeys, LookupTable } from "./lookup.ts";
import type { RepositoryConfig } from "../config/repository_config.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** Paths and formatter of all datasets of one type in one run. */
export interface DatasetPlan {
  readonly type: DatasetType;
  /** Formatter class as records have it. */
  readonly formatter: string;
  /** Storage class as records have it: that of the dataset type. */
  readonly storageClass: string;
  /** Whether paths may need the dataset's ID. */
  readonly usesId: boolean;
  /** Whether the datastore takes the dataset; if not, it has no record and no file. */
  accepts(values: readonly DataIdValue[]): boolean;
  /**
   * Path relative to the datastore's root, with extension; POSIX separators, never quoted.
   *
   * @param values required, then implied values
   * @param idText UUID of the dataset with dashes, only needed if `usesId`
   * @throws {RefusedError} if the path would leave the root, or a dimension record is missing.
   */
  path(values: readonly DataIdValue[], records: DimensionRecordSource, idText?: string): string;
  /**
   * Whether the dataset of the last call of {@linkcode path} may have another path by
   * {@linkcode olderPath}: hardly any has, and this costs nothing.
   */
  readonly isRenamed: boolean;
  /**
   * The path that releases before v30.0.8 gave the dataset, whose files keep their names; null if it is
   * the same. Costs about as much as {@linkcode path}.
   *
   * @throws {RefusedError} as {@linkcode path}.
   */
  olderPath(
    values: readonly DataIdValue[],
    records: DimensionRecordSource,
    idText?: string,
  ): string | null;
}

/** Storage classes that the reference can disassemble: those with components. */
const COMPOSITES = new Set([
  "Exposure",
  "ExposureF",
  "ExposureI",
  "ExposureU",
  "MaskedImage",
  "MaskedImageF",
  "MaskedImageI",
  "MaskedImageU",
]);

const DEFAULT_FORMATTERS = DEFAULT_FILE_DATASTORE.formatters as ConfigMapping;

/**
 * Templates, formatters, composites and constraints of a repository's file datastore.
 *
 * Source: `schema/butler-repository.md`, section 4.
 */
export class FileDatastore {
  /** Name in `dataset_location`. */
  readonly name: string;
  /** Absolute local path. */
  readonly root: string;
  readonly recordsTable: string;
  readonly #universe: DimensionUniverse;
  readonly #mockStorageClasses: boolean;
  readonly #formatterConfig: ConfigMapping;
  readonly #templates: LookupTable;
  readonly #defaultTemplate: ConfigValue | undefined;
  readonly #formatters: LookupTable;
  readonly #disassembled: LookupTable;
  readonly #disassembledByDefault: boolean;
  readonly #constraints: readonly Constraints[];

  /**
   * Reads the datastore's sections of a configuration.
   *
   * @param options.mockStorageClasses whether names beginning with `_mock_` have the mock formatter
   * @throws {RepositoryError} if a section of the configuration is malformed.
   */
  constructor(
    config: Pick<RepositoryConfig, "datastore">,
    universe: DimensionUniverse,
    { mockStorageClasses }: { mockStorageClasses: boolean },
  ) {
    const { name, root, recordsTable, templates, formatters, composites, constraints } =
      config.datastore;
    this.name = name;
    this.root = root;
    this.recordsTable = recordsTable;
    this.#universe = universe;
    this.#mockStorageClasses = mockStorageClasses;
    this.#formatterConfig = formatters;
    this.#templates = new LookupTable(templates, universe, "templates", ["default"]);
    this.#defaultTemplate = getValue(templates, "default");
    this.#formatters = new LookupTable(
      formatters,
      universe,
      "formatters",
      ["default", "write_recipes"],
      true,
    );
    const disassembled = getValue(composites, "disassembled") ?? {};
    if (!isMapping(disassembled)) {
      throw new RepositoryError(
        'Cannot use composites of the datastore: "disassembled" is not a mapping',
      );
    }
    const placeholders = Object.keys(disassembled).filter((key) => key.startsWith("__"));
    this.#disassembled = new LookupTable(disassembled, universe, "composites", placeholders);
    this.#disassembledByDefault = getValue(composites, "default") === true;
    this.#constraints = constraints.map((section) => new Constraints(section, universe))
      .filter(({ isEmpty }) => !isEmpty);
  }

  /** Whether there may be datasets of a type that the datastore takes. */
  mayAccept(type: DatasetType): boolean {
    const keys = lookupKeys(type);
    return this.#constraints.every((each) => each.mayAccept(keys));
  }

  /**
   * Finds everything out about the datasets of one type in one run.
   *
   * @throws {RepositoryError} if the type has no formatter or template, its formatter's extension isn't
   *   known, its template can't tell its datasets apart, or it would be disassembled.
   */
  plan(type: DatasetType, run: string): DatasetPlan {
    const keys = lookupKeys(type);
    const formatter = this.#formatter(type, keys, undefined);
    const hasInstrument = type.group.names.includes("instrument");
    this.#refuseDisassembly(type, keys, undefined);
    if (hasInstrument) {
      for (const instrument of this.#disassembled.instruments) {
        this.#refuseDisassembly(type, keys, instrument);
      }
      for (const instrument of this.#formatters.instruments) {
        const other = this.#formatter(type, keys, instrument);
        if (
          other.recordedName !== formatter.recordedName || other.extension !== formatter.extension
        ) {
          throw new RepositoryError(
            `Cannot use formatters for dataset type "${type.name}": instrument "${instrument}" ` +
              "has another one, which is not supported",
          );
        }
      }
    }
    const templateFor = (instrument?: string, rule?: NamingRule) =>
      this.#template(type, keys, run, instrument, rule);
    // Compiled at once where that is possible: a bad template is told before anything is done.
    const differs = hasInstrument &&
      [...this.#templates.instruments].some((instrument) =>
        this.#templates.find(keys, instrument) !== this.#templates.find(keys, undefined)
      );
    const template = differs ? null : templateFor();
    return new Plan(type, formatter, template, templateFor, this.#constraints);
  }

  #formatter(
    type: DatasetType,
    keys: readonly string[],
    instrument: string | undefined,
  ): FormatterChoice {
    const value = this.#formatters.find(keys, instrument);
    if (value !== undefined) {
      return chooseFormatter(value, this.#formatterConfig, `dataset type "${type.name}"`);
    }
    const isMock = type.name.startsWith(MOCK_PREFIX) || type.storageClass.startsWith(MOCK_PREFIX);
    if (isMock && this.#mockStorageClasses) return MOCK_FORMATTER;
    throw new RepositoryError(
      `Cannot find formatter of dataset type "${type.name}": storage class ` +
        `"${type.storageClass}" has none`,
      isMock ? { hint: "Mock storage classes need the option --mock-storage-classes" } : {},
    );
  }

  #template(
    type: DatasetType,
    keys: readonly string[],
    run: string,
    instrument: string | undefined,
    rule?: NamingRule,
  ): CompiledTemplate {
    const template = this.#templates.find(keys, instrument) ?? this.#defaultTemplate;
    if (typeof template !== "string" || template === "") {
      throw new RepositoryError(
        `Cannot find file template of dataset type "${type.name}": none is configured`,
      );
    }
    return new CompiledTemplate(template, type, run, this.#universe, rule);
  }

  #refuseDisassembly(
    type: DatasetType,
    keys: readonly string[],
    instrument: string | undefined,
  ): void {
    const original = type.storageClass.startsWith(MOCK_PREFIX)
      ? type.storageClass.slice(MOCK_PREFIX.length)
      : type.storageClass;
    const configured = this.#disassembled.find(keys, instrument) ?? this.#disassembledByDefault;
    // Whether an unknown storage class has components can't be told: better refused than wrong.
    const isUnknown = getValue(DEFAULT_FORMATTERS, original) === undefined;
    if (configured === true && (isUnknown || COMPOSITES.has(original))) {
      throw new RepositoryError(
        `Cannot use dataset type "${type.name}": its composites are configured to be ` +
          "disassembled, which is not supported",
      );
    }
  }
}

class Plan implements DatasetPlan {
  readonly type: DatasetType;
  readonly formatter: string;
  readonly storageClass: string;
  readonly #keys: readonly string[];
  readonly #extension: string;
  /** Null if some instrument has a template of its own. */
  readonly #template: CompiledTemplate | null;
  readonly #templateFor: (instrument?: string, rule?: NamingRule) => CompiledTemplate;
  readonly #templateByInstrument = new Map<string | undefined, CompiledTemplate>();
  /** Made when the first path differs; by instrument where templates are. */
  readonly #olderByInstrument = new Map<string | undefined, CompiledTemplate>();
  readonly #constraints: readonly Constraints[];
  readonly #instrumentIndex: number;
  #isRenamed = false;

  constructor(
    type: DatasetType,
    formatter: FormatterChoice,
    template: CompiledTemplate | null,
    templateFor: (instrument?: string, rule?: NamingRule) => CompiledTemplate,
    constraints: readonly Constraints[],
  ) {
    this.type = type;
    this.formatter = formatter.recordedName;
    this.storageClass = type.storageClass;
    this.#keys = lookupKeys(type);
    this.#extension = formatter.extension;
    this.#template = template;
    this.#templateFor = templateFor;
    this.#constraints = constraints;
    this.#instrumentIndex = type.group.required.indexOf("instrument");
  }

  #instrument(values: readonly DataIdValue[]): string | undefined {
    return this.#instrumentIndex < 0 ? undefined : String(values[this.#instrumentIndex]);
  }

  #restrictedTemplate(instrument: string | undefined): CompiledTemplate {
    let template = this.#templateByInstrument.get(instrument);
    if (template === undefined) {
      template = this.#templateFor(instrument);
      this.#templateByInstrument.set(instrument, template);
    }
    return template;
  }

  get usesId(): boolean {
    return this.#template?.usesId ?? true;
  }

  accepts(values: readonly DataIdValue[]): boolean {
    if (this.#constraints.length === 0) return true;
    const instrument = this.#instrument(values);
    return this.#constraints.every((each) => each.accepts(this.#keys, instrument));
  }

  path(values: readonly DataIdValue[], records: DimensionRecordSource, idText?: string): string {
    const template = this.#template ?? this.#restrictedTemplate(this.#instrument(values));
    const path = template.expand(values, records, idText);
    this.#isRenamed = template.isRenamed;
    return recordPath(path + this.#extension);
  }

  get isRenamed(): boolean {
    return this.#isRenamed;
  }

  olderPath(
    values: readonly DataIdValue[],
    records: DimensionRecordSource,
    idText?: string,
  ): string | null {
    const instrument = this.#template === null ? this.#instrument(values) : undefined;
    const template = this.#template ?? this.#restrictedTemplate(instrument);
    const today = template.expand(values, records, idText);
    if (!template.isRenamed) return null;
    let older = this.#olderByInstrument.get(instrument);
    if (older === undefined) {
      older = this.#templateFor(instrument, "spaces only");
      this.#olderByInstrument.set(instrument, older);
    }
    const path = older.expand(values, records, idText);
    return path === today ? null : recordPath(path + this.#extension);
  }
}
