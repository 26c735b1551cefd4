/**
 * Data IDs of the quanta of a followed run, and what a label with dimension values means among them.
 *
 * @module
 */

import { decodeUtf8, JsonCursor, type JsonValue, parseJson } from "../base/json_text.ts";
import { uuidFromText } from "../base/uuid.ts";
import { formatDataId } from "../butler/dimensions/data_id.ts";
import type { PipelineGraph } from "../qg/pipeline_graph.ts";
import { groupOf } from "../sources/data_id_candidates.ts";
import {
  type Candidate,
  DataIdMatcher,
  type DataIdTerm,
  MAX_CANDIDATES,
} from "../sources/selector.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";

/** Label and dimension values, as somebody typed them. */
export interface DataIdWish {
  label: string;
  terms: readonly DataIdTerm[];
}

/** Quanta by task. Memory: some 150 bytes each. */
export class DataIds {
  /** By task, then by id in 32 hexadecimal digits: the JSON text of the data ID's values. */
  readonly #byTask = new Map<string, Map<string, string>>();

  /** Takes in the document of a quantum. @throws {SyntaxError} if it isn't one. */
  add(hex: string, text: Uint8Array): void {
    const cursor = new JsonCursor(text);
    let label = "";
    let coordinate = "[]";
    cursor.beginObject();
    for (let nLeft = 2; nLeft > 0 && cursor.nextMember();) {
      if (cursor.key === "task_label") label = cursor.readString();
      else if (cursor.key === "data_coordinate") {
        coordinate = decodeUtf8(text.subarray(...cursor.skipRange()));
      } else {
        cursor.skip();
        continue;
      }
      nLeft--;
    }
    let quanta = this.#byTask.get(label);
    if (quanta === undefined) this.#byTask.set(label, quanta = new Map());
    quanta.set(hex, coordinate);
  }

  /** Forgets everything. */
  clear(): void {
    this.#byTask.clear();
  }

  /**
   * Quanta of a task that fit, one more than are ever shown at most.
   *
   * @throws {UsageError} if the task hasn't one of the dimensions.
   */
  quanta(pipeline: PipelineGraph, { label, terms }: DataIdWish, where: string): Candidate[] {
    const group = groupOf(pipeline, "quantum", label, where);
    const matcher = new DataIdMatcher(group, terms, `quantum of "${label}"`);
    const found: Candidate[] = [];
    for (const [hex, text] of this.#byTask.get(label) ?? []) {
      const values = valuesOf(text);
      if (!matcher.matches(values)) continue;
      found.push({
        id: uuidFromText(hex),
        text: `${label} ${formatDataId(group, values as DataIdValue[])}`,
      });
      if (found.length > MAX_CANDIDATES) break;
    }
    return found;
  }

  /**
   * Quanta that may read or write a dataset which fits: of tasks that have its type, with the same values of
   * dimensions that both have.
   */
  *quantaBeside(
    pipeline: PipelineGraph,
    { label, terms }: DataIdWish,
    where: string,
  ): Generator<string> {
    for (const task of pipeline.tasks.values()) {
      const types = [...task.edges.values()].map((edge) => edge.dataset_type_name);
      if (!types.some((type) => type === label || type.startsWith(`${label}.`))) continue;
      const group = groupOf(pipeline, "quantum", task.label, where);
      const names = new Set([...group.required, ...group.implied]);
      const shared = terms.filter(({ dimension }) => names.has(dimension));
      const matcher = new DataIdMatcher(group, shared, task.label);
      for (const [hex, text] of this.#byTask.get(task.label) ?? []) {
        if (matcher.matches(valuesOf(text))) yield hex;
      }
    }
  }
}

function valuesOf(text: string): JsonValue[] {
  return parseJson(text) as JsonValue[];
}
