/**
 * The defaults that the reference's software has for a repository. A repository's own file doesn't
 * repeat them, so whoever reads it must know them.
 *
 * Source: `schema/butler-repository.md`, sections 1.4, 1.5, 4.2, 4.5 and 4.6 (release
 * 30.2026.4300).
 *
 * @module
 */

import type { ConfigMapping } from "./config_value.ts";

/** The only datastore class that is supported. */
export const FILE_DATASTORE_CLASS = "lsst.daf.butler.datastores.fileDatastore.FileDatastore";

/** Default of the component `registry`. */
export const DEFAULT_REGISTRY: ConfigMapping = {
  db: "sqlite:///<butlerRoot>/gen3.sqlite3",
  managers: {
    attributes: "lsst.daf.butler.registry.attributes.DefaultButlerAttributeManager",
    opaque: "lsst.daf.butler.registry.opaque.ByNameOpaqueTableStorageManager",
    dimensions: "lsst.daf.butler.registry.dimensions.static.StaticDimensionRecordStorageManager",
    collections: "lsst.daf.butler.registry.collections.synthIntKey.SynthIntKeyCollectionManager",
    datasets:
      "lsst.daf.butler.registry.datasets.byDimensions.ByDimensionsDatasetRecordStorageManagerUUID",
    datastores:
      "lsst.daf.butler.registry.bridge.monolithic.MonolithicDatastoreRegistryBridgeManager",
  },
};

/** Default of the component `datastore`, before its class is known. */
export const DEFAULT_DATASTORE: ConfigMapping = { cls: FILE_DATASTORE_CLASS };

/** Directory part of the default template, for every dataset type but raw-like ones. */
const DEFAULT_DIRECTORY = [
  "{run:/}",
  "{datasetType}.{component:?}",
  "{tract:?}",
  "{patch:?}",
  // Universes before version 6 have day_obs only as a column.
  "{day_obs|visit.day_obs|exposure.day_obs:?}",
  "{band:?}",
  "{subfilter:?}",
  "{physical_filter:?}",
  "{visit:?}",
  "{exposure.obs_id|group:?}",
].join("/");

const DEFAULT_NAME = [
  "{datasetType}",
  "{component:?}",
  "{instrument:?}",
  "{tract:?}",
  "{patch:?}",
  "{band:?}",
  "{physical_filter:?}",
  "{visit:?}",
  "{exposure.obs_id|group:?}",
  "{detector.full_name:?}",
  "{skymap:?}",
  "{skypix:?}",
  "{ssp_hypothesis_table:?}",
  "{ssp_hypothesis_bundle:?}",
  "{ssp_balanced_index:?}",
  "{run}",
].join("_");

/** Template of dataset types with exactly the group of exposure and detector. */
const EXPOSURE_DETECTOR =
  "{run:/}/{datasetType}.{component:?}/{day_obs|exposure.day_obs}/{exposure.obs_id}/" +
  "{datasetType}_{component:?}_{instrument:?}_{physical_filter}_{exposure.obs_id}_" +
  "{detector.full_name}_{run}";

/** Formatter class of storage classes that give it no parameters. */
const STORAGE_CLASSES_BY_FORMATTER: { [formatter: string]: string[] } = {
  "lsst.atmospec.formatters.SpectractorFitParametersFormatter": [
    "SpectractorFitParameters",
  ],
  "lsst.atmospec.formatters.SpectractorImageFormatter": [
    "SpectractorImage",
  ],
  "lsst.atmospec.formatters.SpectractorSpectrumFormatter": [
    "SpectractorSpectrum",
  ],
  "lsst.cell_coadds.CellCoaddFitsFormatter": [
    "MultipleCellCoadd",
  ],
  "lsst.daf.butler.formatters.astropyTable.AstropyTableFormatter": [
    "AstropyQTable",
    "AstropyTable",
  ],
  "lsst.daf.butler.formatters.json.JsonFormatter": [
    "MetricMeasurementBundle",
    "RegionTimeInfo",
    "TaskMetadata",
    "Timespan",
    "VisitBackgroundModel",
    "VisitGeometry",
    "int",
  ],
  "lsst.daf.butler.formatters.logs.ButlerLogRecordsFormatter": [
    "ButlerLogRecords",
  ],
  "lsst.daf.butler.formatters.matplotlib.MatplotlibFormatter": [
    "Plot",
  ],
  "lsst.daf.butler.formatters.parquet.ParquetFormatter": [
    "ArrowAstropy",
    "ArrowNumpy",
    "ArrowNumpyDict",
    "ArrowSchema",
    "ArrowTable",
    "DataFrame",
  ],
  "lsst.daf.butler.formatters.pickle.PickleFormatter": [
    "FocalPlaneBackground",
    "NumpyArray",
    "SkyMap",
  ],
  "lsst.daf.butler.formatters.yaml.YamlFormatter": [
    "ExposureSummaryStats",
    "StructuredDataDict",
  ],
  "lsst.images.formatters.GenericFormatter": [
    "CellCoadd",
    "ColorImage",
    "ConvolutionKernel",
    "DifferenceImage",
    "ExtendedPsfCandidates",
    "ExtendedPsfImage",
    "ImageV2",
    "MaskV2",
    "MaskedImageV2",
    "VisitImage",
  ],
  "lsst.meas.extensions.scarlet.io.ScarletModelFormatter": [
    "LsstScarletModelData",
    "ScarletModelData",
  ],
  "lsst.meas.photoz.base.model_formatter.ModelFormatter": [
    "PZModel",
    "PhotozModel",
  ],
  "lsst.meas.photoz.base.qp_formatter.QPFormatter": [
    "QPEnsemble",
  ],
  "lsst.meas.transiNet.modelPackages.NNModelPackageFormatter": [
    "NNModelPackagePayload",
  ],
  "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter": [
    "DecoratedImageU",
    "Exposure",
    "ExposureF",
    "ExposureI",
  ],
  "lsst.obs.base.formatters.fitsExposure.FitsImageFormatter": [
    "Image",
    "ImageF",
    "ImageU",
  ],
  "lsst.obs.base.formatters.fitsExposure.FitsMaskFormatter": [
    "Mask",
    "MaskX",
  ],
  "lsst.obs.base.formatters.fitsExposure.FitsMaskedImageFormatter": [
    "MaskedImageF",
  ],
  "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter": [
    "ApCorr",
    "Background",
    "BrighterFatterKernel",
    "Camera",
    "Catalog",
    "CoaddInputs",
    "CrosstalkCalib",
    "Defects",
    "Detector",
    "ExposureCatalog",
    "FiberSpectrum",
    "FilterLabel",
    "IsrCalib",
    "Linearizer",
    "MatchingKernel",
    "PeakCatalog",
    "PhotoCalib",
    "PhotonTransferCurveDataset",
    "Polygon",
    "Psf",
    "QECurve",
    "SimpleCatalog",
    "SourceCatalog",
    "Stamps",
    "StampsBase",
    "TablePersistable",
    "TransmissionCurve",
    "VisitInfo",
    "Wcs",
  ],
  "lsst.pipe.base.formatters.pexConfig.PexConfigFormatter": [
    "Config",
  ],
  "lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter": [
    "ProvenanceQuantumGraph",
  ],
  "lsst.pipe.tasks.healSparseMapping.HealSparseMapFormatter": [
    "HealSparseMap",
  ],
  "lsst.pipe.tasks.objectMasks.RegionFileFormatter": [
    "ObjectMaskCatalog",
  ],
  "lsst.pipe.tasks.sspAuxiliaryFile.SSPAuxiliaryFileFormatter": [
    "SSPAuxiliaryFile",
  ],
  "lsst.ts.observatory.control.utils.extras.vignetting_storage.VignettingCorrectionFormatter": [
    "VignettingCorrection",
  ],
};

/** Formatters with parameters. */
const FORMATTERS_WITH_PARAMETERS: ConfigMapping = {
  Packages: {
    formatter: "lsst.daf.butler.formatters.packages.PackagesFormatter",
    parameters: { format: "yaml" },
  },
  PropertyList: {
    formatter: "lsst.daf.butler.formatters.yaml.YamlFormatter",
    parameters: { unsafe_dump: true },
  },
  PropertySet: {
    formatter: "lsst.daf.butler.formatters.yaml.YamlFormatter",
    parameters: { unsafe_dump: true },
  },
  MetricValue: {
    formatter: "lsst.daf.butler.formatters.yaml.YamlFormatter",
    parameters: { unsafe_dump: true },
  },
  Transform: {
    formatter: "lsst.images.formatters.GenericFormatter",
    parameters: { format: "json" },
  },
  SkyProjection: {
    formatter: "lsst.images.formatters.GenericFormatter",
    parameters: { format: "json" },
  },
};

/** Default of the component `datastore` for file datastores. */
export const DEFAULT_FILE_DATASTORE: ConfigMapping = {
  cls: FILE_DATASTORE_CLASS,
  root: "<butlerRoot>/datastore",
  records: { table: "file_datastore_records" },
  create: true,
  templates: {
    default: `${DEFAULT_DIRECTORY}/${DEFAULT_NAME}`,
    "physical_filter+detector+exposure": EXPOSURE_DETECTOR,
  },
  formatters: {
    ...Object.fromEntries(
      Object.entries(STORAGE_CLASSES_BY_FORMATTER).flatMap(([formatter, storageClasses]) =>
        storageClasses.map((storageClass) => [storageClass, formatter])
      ),
    ),
    ...FORMATTERS_WITH_PARAMETERS,
  },
  composites: { default: false, disassembled: {} },
};
