/**
 * How the dataset that is a provenance graph is registered. Source: `schema/butler-repository.md`.
 * @module
 */

/** Its dataset type. */
export const RUN_PROVENANCE = "run_provenance";
/** Its storage class. */
export const PROVENANCE_STORAGE_CLASS = "ProvenanceQuantumGraph";
/** Formatter of its record, and of those of all datasets that it backs. */
export const PROVENANCE_FORMATTER = "lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter";
