/**
 * Documents of provenance graphs and chunk logs as a trace needs them.
 *
 * @module
 */

import { uuidFromText, uuidToText } from "../../base/uuid.ts";
import { readDataset } from "../../provenance/documents/dataset.ts";
import { readQuantum } from "../../provenance/documents/quantum.ts";
import { lastStatusName } from "../quantum_text.ts";
import { datasetRow } from "../rows.ts";
import type { TracedDataset, TracedQuantum } from "./trace_source.ts";

/** Reads a ProvenanceDataset. @throws {SyntaxError} if it isn't one. */
export function parseTracedDataset(text: Uint8Array): TracedDataset {
  const document = readDataset(text);
  const row = datasetRow(document);
  return {
    row: { ...row, producer: row.producer && usualForm(row.producer) },
    consumers: document.consumers.map(usualForm),
  };
}

/** Reads a ProvenanceQuantum. @throws {SyntaxError} if it isn't one. */
export function parseTracedQuantum(text: Uint8Array): TracedQuantum {
  const quantum = readQuantum(text);
  return {
    ...quantum,
    inputs: usualForms(quantum.inputs),
    outputs: usualForms(quantum.outputs),
    isInit: false,
    status: lastStatusName(quantum),
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
