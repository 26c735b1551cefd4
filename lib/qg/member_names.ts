/**
 * Names of the members of quantum graph files (`schema/quantum-graph.md`, sections 1 and 2).
 *
 * @module
 */

/** Header block, both graph types. */
export const HEADER_MEMBER = "header.json.zst";
/** Raw bytes of the compression dictionary, both types; may be absent or empty. */
export const DICTIONARY_MEMBER = "compression_dict";
/** Pipeline graph, both types. */
export const PIPELINE_GRAPH_MEMBER = "pipeline_graph.json.zst";
/** Init quanta, both types, with different content. */
export const INIT_QUANTA_MEMBER = "init_quanta.json.zst";

/** Quanta and edges of a predicted graph; not read by this tool. */
export const THIN_GRAPH_MEMBER = "thin_graph.json.zst";
/** Dimension records of a predicted graph. */
export const DIMENSION_DATA_MEMBER = "dimension_data.json.zst";
/** Predicted quanta. */
export const QUANTUM_DATASETS_MEMBER = "quantum_datasets.mb";
/** Addresses of the predicted quanta. */
export const QUANTA_ADDRESS_MEMBER = "quanta.addr";

/** Package versions, provenance only. */
export const PACKAGES_MEMBER = "packages.json.zst";
/** Provenance of quanta. */
export const QUANTA_MEMBER = "quanta.mb";
/** Provenance of datasets. */
export const DATASETS_MEMBER = "datasets.mb";
/** Task metadata. */
export const METADATA_MEMBER = "metadata.mb";
/** Logs. */
export const LOGS_MEMBER = "logs.mb";
/** Addresses of a provenance graph, by quantum and dataset id. */
export const NODES_ADDRESS_MEMBER = "nodes.addr";
/** Optional, ours: ids of evenly spaced rows of `nodes.addr` (`range_plan.ts`). */
export const NODES_FENCES_MEMBER = "nodes.fences";
/**
 * Optional, ours: checksums of the blocks that were checked when they were written (`checked_blocks.ts`).
 */
export const CHECKED_BLOCKS_MEMBER = "blocks.checked";

/** Optional, ours: what tells the files that logs and metadata were taken from (`quanta_files.ts`). */
export const QUANTA_FILES_MEMBER = "quanta.files";

/** Optional, ours: a row of each quantum, as Parquet (`provenance/table`). */
export const QUANTA_TABLE_MEMBER = "quanta.parquet";

/** Columns of `nodes.addr` in order. */
export const NODES_ADDRESS_COLUMNS = [
  DATASETS_MEMBER,
  QUANTA_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
] as const;
