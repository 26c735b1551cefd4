/**
 * Who reads and writes what, in any kind of source.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import type { DatasetRow } from "../rows.ts";
import type { Selector } from "../selector.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** Something that can be visited. */
export interface TraceKey {
  /** What is named. */
  kind: "quantum" | "dataset";
  /** UUID as text, lower case with dashes. */
  id: string;
}

/** A dataset with the quanta that were to read it. */
export interface TracedDataset {
  /** The dataset itself. */
  row: DatasetRow;
  /** Ids of quanta and init quanta. */
  consumers: readonly string[];
}

/** A quantum or init quantum. */
export interface TracedQuantum {
  /** Empty if the source doesn't know it. */
  taskLabel: string;
  /** Whether it is the init quantum of a task. */
  isInit: boolean;
  /** Values of required, then implied dimensions. */
  dataCoordinate: readonly JsonValue[];
  /** Name of the last attempt's status; null of init quanta and plans. */
  status: string | null;
  /** Dataset ids by connection. */
  inputs: ReadonlyMap<string, readonly string[]>;
  /** IDs of datasets, by connection. */
  outputs: ReadonlyMap<string, readonly string[]>;
}

/** A place that knows who reads and writes what. */
export interface TraceSource {
  /** What a selector means; a label is a task's, or else a dataset type's. */
  locate(selector: Selector): Promise<TraceKey>;
  /** Says what is visited next, so that neighbours may be read at once. */
  announce(keys: readonly TraceKey[]): Promise<void>;
  /** @throws {NotFoundError} if there is none. */
  /** A dataset, and who wrote and read it. */
  dataset(id: string): Promise<TracedDataset>;
  /** @throws {NotFoundError} if there is none. */
  /** A quantum, and what it read and wrote. */
  quantum(id: string): Promise<TracedQuantum>;
  /** Dimensions of a task's quanta or of a dataset type. */
  group(kind: TraceKey["kind"], label: string): DimensionGroup | undefined;
}
