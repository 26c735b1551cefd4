/**
 * A quantum for people, with the names of what it was to read and write: IDs alone tell nobody anything.
 *
 * @module
 */

import { EnvironmentError, ProvgraphError } from "../../base/errors.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import type { QuantumDocument } from "../../provenance/documents/quantum.ts";
import { type QuantumNames, quantumText } from "../../sources/quantum_text.ts";
import { dataIdObject } from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { TracedDataset, TraceSource } from "../../sources/trace/trace_source.ts";

/** Datasets that are named: each costs a look-up. */
const MAX_NAMED = 500;
/** Datasets that are announced together. */
const N_ANNOUNCED = 64;

/** A quantum as text. A plan's says what its datasets are only by their connections. */
export async function namedQuantumText(
  source: DocumentSource,
  quantum: QuantumDocument,
): Promise<string> {
  if (source.isPlan) return quantumText(quantum, null);
  try {
    return quantumText(quantum, await namesOf(source, quantum));
  } catch (error) {
    // The quantum itself is sound and was asked for: a damage elsewhere is no reason to keep it back.
    if (!(error instanceof ProvgraphError) || error instanceof EnvironmentError) throw error;
    return quantumText(quantum, null);
  }
}

async function namesOf(source: DocumentSource, quantum: QuantumDocument): Promise<QuantumNames> {
  const graph = await source.traceSource();
  const group = graph.group("quantum", quantum.taskLabel);
  const inputs = [...new Set([...quantum.inputs.values()].flat())];
  const outputs = [...new Set([...quantum.outputs.values()].flat())];
  const names: QuantumNames = {
    dataId: dataIdText(dataIdObject(group, quantum.dataCoordinate)),
    datasets: new Map(),
  };
  // Outputs are few: they come first where not all can be named.
  const named = [...outputs, ...inputs].slice(0, MAX_NAMED);
  const tasks = new Map<string, string>();
  for (let at = 0; at < named.length; at += N_ANNOUNCED) {
    const some = named.slice(at, at + N_ANNOUNCED);
    await graph.announce(some.map((id) => ({ kind: "dataset", id })));
    for (const id of some) {
      const { row } = await graph.dataset(id);
      const isOutput = row.producer === quantum.quantumId;
      const producer = isOutput ? null : await producerOf(graph, row, tasks);
      names.datasets.set(id, datasetText(graph, row, producer));
    }
  }
  return names;
}

/** `raw instrument=Cam exposure=7 (not produced)`. */
function datasetText(
  graph: TraceSource,
  { typeName, dataCoordinate, produced }: TracedDataset["row"],
  producer: string | null,
): string {
  const group = graph.group("dataset", typeName);
  return [
    typeName,
    dataIdText(dataIdObject(group, dataCoordinate), group?.required),
    producer === null ? "" : `from ${producer}`,
    produced === false ? "(not produced)" : "",
  ].filter((word) => word !== "").join(" ");
}

/** Label of the task that makes a dataset; null of an overall input. */
async function producerOf(
  graph: TraceSource,
  { producer }: TracedDataset["row"],
  tasks: Map<string, string>,
): Promise<string | null> {
  if (producer === null) return null;
  let label = tasks.get(producer);
  if (label === undefined) {
    label = (await graph.quantum(producer)).taskLabel;
    tasks.set(producer, label);
  }
  return label === "" ? null : label;
}
