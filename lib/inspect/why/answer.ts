/**
 * What `why` finds out.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import type { Attempt } from "../../provenance/documents/quantum.ts";
import type { Verdict } from "../../provenance/verdict.ts";
import type { LogEnd } from "../../sources/logs/log_store.ts";

/** A data ID with the dimensions that suffice to name it. */
export interface NamedDataId {
  dataId: { [dimension: string]: JsonValue };
  required: readonly string[];
}

/** A failed quantum that another one waited for in vain. */
export interface Cause extends NamedDataId {
  quantumId: string;
  task: string;
  status: string;
  exception: Attempt["exception"];
  /** Quanta between, this one included. */
  nSteps: number;
}

/** The failed quanta above a blocked one. */
export interface Causes {
  /** The nearest ones first; those that are shown. */
  shown: Cause[];
  n: number;
  /** Whether everything above was looked at. */
  isComplete: boolean;
  /** Quanta above of which nothing is known, as in a chunk log that is not complete. */
  nUnknown: number;
}

/** What a quantum that failed keeps from running. */
export interface Blocks {
  n: number;
  /** Numbers by task, in the order in which they were met. */
  byTask: ReadonlyMap<string, number>;
  isComplete: boolean;
}

/** A quantum with all that explains how it ended. */
export interface QuantumAnswer extends NamedDataId {
  quantumId: string;
  task: string;
  /** Name of the last attempt's status; null of an init quantum, and where it is not known. */
  status: string | null;
  verdict: Verdict;
  attempts: readonly Attempt[];
  /** The end of the last attempt's log; null without one, and where it would tell nothing. */
  log: LogEnd | null;
  /** Datasets that it was to write, and how many of them are there; null where that isn't known. */
  outputs: { n: number; nProduced: number } | null;
  /** Of a blocked quantum. */
  causes: Causes | null;
  /** Of a quantum that failed. */
  blocks: Blocks | null;
}

/** A dataset that was asked for. */
export interface DatasetAnswer extends NamedDataId {
  datasetId: string;
  typeName: string;
  run: string;
  produced: boolean | null;
  /** Null for an overall input. */
  producer: string | null;
}

/** The answer; the quantum is that which was asked for, or which was to write the dataset. */
export interface WhyAnswer {
  dataset: DatasetAnswer | null;
  quantum: QuantumAnswer | null;
}
