/**
 * What the butler calls provenance graphs. Source: format notes, sections 6 and 10.
 *
 * @module
 */

/** Name of the dataset type of provenance graphs. */
export const PROVENANCE_DATASET_TYPE = "run_provenance";
/** Storage class of provenance graphs. */
export const PROVENANCE_STORAGE_CLASS = "ProvenanceQuantumGraph";
/** Formatter that records of the graph, and of all that it backs, name. */
export const PROVENANCE_FORMATTER = "lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter";
