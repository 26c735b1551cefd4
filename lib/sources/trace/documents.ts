/**
 * Documents of provenance graphs and chunk logs as a trace needs them.
 *
 * @module
 */

import { uuidFromText, uuidToText } from "../../base/uuid.ts";
import { readConsumers } from "../../provenance/documents/dataset.ts";
import { parseQuantumView } from "../../provenance/documents/quantum_view.ts";
import { lastStatusName } from "../quantum_text.ts";
import { parseDatasetRow } from "../rows.ts";
import type { TracedDataset, TracedQuantum } from "./trace_source.ts";

/** Reads a ProvenanceDataset. @throws {SyntaxError} if it isn't one. */
export function parseTracedDataset(text: Uint8Array): TracedDataset {
  const row = parseDatasetRow(text);
  return {
    row: { ...row, producer: row.producer && usualForm(row.producer) },
    consumers: readConsumers(text).map(usualForm),
  };
}

/** Reads a ProvenanceQuantum. @throws {SyntaxError} if it isn't one. */
export function parseTracedQuantum(text: Uint8Array): TracedQuantum {
  const view = parseQuantumView(text);
  return {
    ...view,
    inputs: usualForms(view.inputs),
    outputs: usualForms(view.outputs),
    isInit: false,
    status: lastStatusName(view),
  };
}

/**
 * A UUID in lower case with dashes: documents may have other forms (`schema/quantum-graph.md`,
 * section 3).
 */
export function usualForm(id: string): string {
  return uuidToText(uuidFromText(id));
}

function usualForms(edges: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  return new Map([...edges].map(([connection, ids]) => [connection, ids.map(usualForm)]));
}
