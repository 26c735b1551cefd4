/**
 * ProvenanceDataset documents.
 *
 * @module
 */

import { JsonCursor, type JsonValue } from "../../base/json_text.ts";

/**
 * Reads the `produced` flag of a ProvenanceDataset document.
 *
 * @throws {SyntaxError} if it has none.
 */
export function readProduced(text: Uint8Array): boolean {
  const cursor = new JsonCursor(text);
  let produced: boolean | null = null;
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "produced") produced = cursor.readBoolean();
    else cursor.skip();
  }
  cursor.finish();
  return produced ?? cursor.fail("dataset without produced");
}

/** What a dataset's document says about where it is from. */
export interface DatasetView {
  datasetId: string;
  typeName: string;
  dataCoordinate: JsonValue[];
  run: string;
  produced: boolean;
  /** Quantum id as text, or null for an overall input. */
  producer: string | null;
  nConsumers: number;
}

/** Reads a dataset's document. @throws {SyntaxError} if it isn't one. */
export function parseDatasetView(text: Uint8Array): DatasetView {
  const view: DatasetView = {
    datasetId: "",
    typeName: "",
    dataCoordinate: [],
    run: "",
    produced: false,
    producer: null,
    nConsumers: 0,
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "dataset_id":
        view.datasetId = cursor.readString();
        break;
      case "dataset_type_name":
        view.typeName = cursor.readString();
        break;
      case "data_coordinate": {
        const value = cursor.readValue();
        if (Array.isArray(value)) view.dataCoordinate = value;
        break;
      }
      case "run":
        view.run = cursor.readString();
        break;
      case "produced":
        view.produced = cursor.readBoolean();
        break;
      case "producer":
        view.producer = cursor.takeNull() ? null : cursor.readString();
        break;
      case "consumers":
        view.nConsumers = 0;
        cursor.beginArray();
        while (cursor.nextElement()) {
          cursor.skip();
          view.nConsumers++;
        }
        break;
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  return view;
}

/** Ids, as text, of the quanta that read a ProvenanceDataset. @throws {SyntaxError} if it isn't one. */
export function readConsumers(text: Uint8Array): string[] {
  const consumers: string[] = [];
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "consumers") {
      cursor.skip();
      continue;
    }
    consumers.length = 0;
    cursor.beginArray();
    while (cursor.nextElement()) consumers.push(cursor.readString());
  }
  cursor.finish();
  return consumers;
}
