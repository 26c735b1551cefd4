/** Provenance graphs as the reference's reader gives them: what lists are compared with. */

import type { JsonValue } from "../../lib/base/json_text.ts";
import { expectedJson } from "../support/fixtures.ts";

/** An attempt in the oracle's dump. */
export interface TrueAttempt {
  status: number;
  caveats: number | null;
  exception: { type_name: string; message: string } | null;
  resource_usage: { [key: string]: JsonValue } | null;
}

/** A quantum in the oracle's dump. */
export interface TrueQuantum {
  quantum_id: string;
  task_label: string;
  status: string;
  data_id: { [dimension: string]: JsonValue };
  attempts: TrueAttempt[];
  exception: { type_name: string; message: string } | null;
  inputs: { [connection: string]: string[] };
  outputs: { [connection: string]: string[] };
}

/** A dataset in the oracle's dump. */
export interface TrueDataset {
  dataset_id: string;
  dataset_type: string;
  data_id: { [dimension: string]: JsonValue };
  run: string;
  produced: boolean;
  /** None or one. */
  producer: string[];
  consumers: string[];
}

/** An init quantum in the oracle's dump. */
export interface TrueInitQuantum {
  quantum_id: string;
  config_id: string;
  inputs: string[];
  outputs: string[];
}

/** What the oracle's `dump_graph.py` printed of a fixture's graph. */
export interface GraphTruth {
  quanta: TrueQuantum[];
  datasets: TrueDataset[];
  init_quanta: { [label: string]: TrueInitQuantum };
}

/** Truth about a fixture's provenance graph. */
export function graphTruth(name: string, what = "provenance.graph"): GraphTruth {
  return expectedJson(name, what) as unknown as GraphTruth;
}

/** Lines of an answer, parsed. */
export function jsonLines<T>(text: string): T[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
