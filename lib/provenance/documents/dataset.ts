/**
 * ProvenanceDataset documents, and predicted datasets as far as these have the same fields.
 * Source: `schema/quantum-graph.md`, sections 7.1 and 8.3.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import { parseNatively } from "./native_json.ts";
import { arrayOf, objectOf, textOf } from "./fields.ts";

/** A dataset, and where it is from. */
export interface DatasetDocument {
  /** Ids are text as it stands there. */
  datasetId: string;
  typeName: string;
  /** Values of required, then implied dimensions. */
  dataCoordinate: JsonValue[];
  run: string;
  /** Whether it was written; null of a predicted one. */
  produced: boolean | null;
  /** Quantum or init quantum that was to write it, or null for an overall input. */
  producer: string | null;
  /** Quanta and init quanta that were to read it. */
  consumers: string[];
}

/** Reads a dataset's document. Of a repeated key the last counts. @throws {SyntaxError} if it isn't one. */
export function readDataset(text: Uint8Array): DatasetDocument {
  const object = objectOf(parseNatively(text), "the dataset");
  const { produced = null, producer = null } = object;
  if (produced !== null && typeof produced !== "boolean") {
    throw new SyntaxError("produced is neither true nor false");
  }
  const consumers = arrayOf(object.consumers, "consumers");
  if (!consumers.every((consumer) => typeof consumer === "string")) {
    throw new SyntaxError("a consumer is no string");
  }
  return {
    datasetId: textOf(object.dataset_id, "dataset_id"),
    typeName: textOf(object.dataset_type_name, "dataset_type_name"),
    dataCoordinate: arrayOf(object.data_coordinate, "data_coordinate"),
    run: textOf(object.run, "run"),
    produced,
    producer: producer === null ? null : textOf(producer, "producer"),
    consumers,
  };
}

/** Whether a dataset was written, by its document. @throws {SyntaxError} if that doesn't say. */
export function readProduced(text: Uint8Array): boolean {
  const { produced } = readDataset(text);
  if (produced === null) throw new SyntaxError("dataset without produced");
  return produced;
}
