/**
 * `info`: what a source is, at a glance.
 *
 * @module
 */

import type { QuantumGraphHeader } from "../qg/header.ts";

/** Kinds of sources. */
export type SourceKind =
  | "provenance graph"
  | "predicted graph"
  | "chunk log"
  | "repository"
  | "run";

/** Quanta of a task. */
export interface TaskInfo {
  /** Label of the task. */
  task: string;
  /** As the header says. */
  nQuanta: number;
  /** Quanta by the status of their last attempt; null unless they were counted. */
  statuses: Record<string, number> | null;
}

/** What a graph's header says. */
export interface HeaderInfo {
  /** Version of the format of the file. */
  formatVersion: number;
  /** RUN that its outputs belong to; empty if it has none. */
  run: string;
  /** Output chain; null for none. */
  output: string | null;
  /** Collections that its inputs were looked for in. */
  inputs: string[];
  /** Who made the predicted graph. */
  user: string;
  /** As in the header: local time of whoever built the predicted graph. */
  timestamp: string;
  /** Command line that made it. */
  command: string;
  /** Quanta, without init quanta. */
  nQuanta: number;
  /** Datasets. */
  nDatasets: number;
  /** UUID of the dataset `run_provenance`. */
  provenanceDatasetId: string;
}

/** A quantum graph file. */
export interface GraphInfo {
  /** What it is. */
  kind: "provenance graph" | "predicted graph";
  /** Path or URL. */
  path: string;
  /** Of the whole file. */
  sizeBytes: number;
  /** What the header says. */
  header: HeaderInfo;
  /** One entry a task, in the order of the pipeline. */
  tasks: TaskInfo[];
  /** Files within the archive, with their compressed sizes. */
  members: { name: string; sizeBytes: number }[];
}

/** A chunk log. */
export interface ChunkLogInfo {
  /** What it is. */
  kind: "chunk log";
  /** Where it is. */
  path: string;
  /** Of the whole file. */
  sizeBytes: number;
  /** Of the predicted graph. */
  header: HeaderInfo;
  /** One entry a task, in the order of the pipeline. */
  tasks: TaskInfo[];
  /** Quanta that have a chunk. */
  nScanned: number;
  /** Those by the status of their last attempt; `BLOCKED` for none. */
  statuses: Record<string, number>;
  /** Bytes of what later chunks have replaced, and of damage. */
  nStaleBytes: number;
}

/** A repository without RUN. */
export interface RepositoryInfo {
  /** What it is. */
  kind: "repository";
  /** Its root or configuration. */
  path: string;
  /** Database of the registry: `sqlite` or `postgresql`. */
  dialect: string;
  /** Where the files of datasets are: one place, or those of a chain in their order. */
  datastoreRoots: string[];
  /** Which dimensions it knows. */
  universe: { namespace: string; version: number };
  /** RUNs that hold a provenance graph. */
  ingestedRuns: string[];
}

/**
 * How far a RUN has come: nothing registered; outputs registered, metadata, logs and configs backed by
 * their own files; outputs registered, but no metadata, logs and configs (promised for the graph, or
 * forgotten for it by an ingest that went no further); provenance graph registered, but not all is
 * backed by it; complete.
 */
export type IngestStage = "none" | "registered" | "promised" | "half ingested" | "ingested";

/** A RUN of a repository. */
export interface RunInfo {
  /** What it is. */
  kind: "run";
  /** Root or configuration of the repository. */
  path: string;
  /** Name of the RUN. */
  run: string;
  /** How far its ingest has come. */
  stage: IngestStage;
  /** Datasets of the registry by type, sorted by name. */
  datasetTypes: {
    name: string;
    nDatasets: number;
    /** With a record of the datastore. */
    nStored: number;
    /** With a record that points at a provenance graph. */
    nBacked: number;
  }[];
  /** Metadata, logs and configs that the graph has and that are not backed by it. */
  nNotBacked: number;
  /** Path of the graph that the RUN holds, and what it is. */
  graph: GraphInfo | null;
}

/** What a source is. */
export type SourceInfo = GraphInfo | ChunkLogInfo | RepositoryInfo | RunInfo;

/** What a header says, for people. */
export function headerInfo(header: QuantumGraphHeader): HeaderInfo {
  return {
    formatVersion: header.version,
    run: header.output_run,
    output: header.output,
    inputs: header.inputs,
    user: header.user,
    timestamp: header.timestamp,
    command: header.command,
    nQuanta: header.n_quanta,
    nDatasets: header.n_datasets,
    provenanceDatasetId: header.provenance_dataset_id,
  };
}
