/**
 * Formatter classes: the name that records have, and the file extension.
 *
 * Source: `schema/butler-repository.md`, section 4.5.
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

/** What a dataset's formatter means for its record and path. */
export interface FormatterChoice {
  /** Class name as records have it. */
  readonly recordedName: string;
  /** File extension with its dot, or empty. */
  readonly extension: string;
}

/** Formatter of everything that a mock storage class stands for. */
export const MOCK_FORMATTER: FormatterChoice = {
  recordedName: "lsst.daf.butler.formatters.json.JsonFormatter",
  extension: ".json",
};

/** Prefix of names that mock storage classes have. */
export const MOCK_PREFIX = "_mock_";

/** Extension of each class whose extension does not depend on its parameters. */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["lsst.daf.butler.formatters.astropyTable.AstropyTableFormatter", ".ecsv"],
  ["lsst.daf.butler.formatters.json.JsonFormatter", ".json"],
  ["lsst.daf.butler.formatters.logs.ButlerLogRecordsFormatter", ".json"],
  ["lsst.daf.butler.formatters.matplotlib.MatplotlibFormatter", ".png"],
  ["lsst.daf.butler.formatters.parquet.ParquetFormatter", ".parq"],
  ["lsst.daf.butler.formatters.pickle.PickleFormatter", ".pickle"],
  ["lsst.daf.butler.formatters.yaml.YamlFormatter", ".yaml"],
  ["lsst.pipe.base.formatters.pexConfig.PexConfigFormatter", ".py"],
  ["lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter", ".qg"],
  ["lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter", ".fits"],
  ["lsst.obs.base.formatters.fitsExposure.FitsImageFormatter", ".fits"],
  ["lsst.obs.base.formatters.fitsExposure.FitsMaskFormatter", ".fits"],
  ["lsst.obs.base.formatters.fitsExposure.FitsMaskedImageFormatter", ".fits"],
  ["lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter", ".fits"],
  ["lsst.cell_coadds.CellCoaddFitsFormatter", ".fits"],
  ["lsst.pipe.tasks.healSparseMapping.HealSparseMapFormatter", ".hsp"],
  ["lsst.pipe.tasks.objectMasks.RegionFileFormatter", ".reg"],
  ["lsst.pipe.tasks.sspAuxiliaryFile.SSPAuxiliaryFileFormatter", ""],
  ["lsst.meas.extensions.scarlet.io.utils.ScarletModelFormatter", ".scarlet"],
  ["lsst.meas.transiNet.modelPackages.NNModelPackageFormatter", ".zip"],
  ["lsst.atmospec.formatters.SpectractorSpectrumFormatter", ".fits"],
  ["lsst.atmospec.formatters.SpectractorImageFormatter", ".fits"],
  [
    "lsst.ts.observatory.control.utils.extras.vignetting_storage.VignettingCorrectionFormatter",
    ".ecsv",
  ],
]);

/** Classes whose extension is their write parameter `format`, with its default. */
const EXTENSION_BY_FORMAT: ReadonlyMap<string, string> = new Map([
  ["lsst.daf.butler.formatters.packages.PackagesFormatter", "yaml"],
  ["lsst.images.formatters.GenericFormatter", "fits"],
]);

/** Names that configurations use for classes which are defined elsewhere. */
const DEFINING_NAMES: ReadonlyMap<string, string> = new Map([
  [
    "lsst.meas.extensions.scarlet.io.ScarletModelFormatter",
    "lsst.meas.extensions.scarlet.io.utils.ScarletModelFormatter",
  ],
]);

/**
 * Interprets a configuration value: a class name, or a mapping of `formatter` and `parameters`.
 *
 * @param formatters the whole section, whose key `default` has parameters by class
 * @param what the dataset type, for error messages
 * @throws {RepositoryError} if the value is malformed, or the class isn't known: its extension, and so
 *   the paths of its datasets, can't be told without running it.
 */
export function chooseFormatter(
  value: ConfigValue,
  formatters: ConfigMapping,
  what: string,
): FormatterChoice {
  const configured = isMapping(value) ? getValue(value, "formatter") : value;
  if (typeof configured !== "string") {
    throw new RepositoryError(`Cannot find formatter of ${what}: the configured one is malformed`);
  }
  const recordedName = DEFINING_NAMES.get(configured) ?? configured;
  const extension = EXTENSIONS.get(recordedName);
  if (extension !== undefined) return { recordedName, extension };
  const defaultFormat = EXTENSION_BY_FORMAT.get(recordedName);
  if (defaultFormat === undefined) {
    throw new RepositoryError(
      `Cannot predict paths of ${what}: file extension of its formatter "${configured}" is not known`,
    );
  }
  const format = parameter(value, configured, formatters, "format") ?? defaultFormat;
  if (typeof format !== "string" || !/^\w+$/.test(format)) {
    throw new RepositoryError(
      `Cannot predict paths of ${what}: parameter "format" of its formatter is malformed`,
    );
  }
  return { recordedName, extension: `.${format}` };
}

/** A write parameter: the entry's own, else the class's default. */
function parameter(
  value: ConfigValue,
  formatter: string,
  formatters: ConfigMapping,
  name: string,
): ConfigValue | undefined {
  const own = isMapping(value) ? getValue(value, "parameters") : undefined;
  const found = isMapping(own) ? getValue(own, name) : undefined;
  if (found !== undefined) return found;
  const defaults = getValue(formatters, "default");
  const ofClass = isMapping(defaults) ? getValue(defaults, formatter) : undefined;
  return isMapping(ofClass) ? getValue(ofClass, name) : undefined;
}
