/**
 * What stands beside a quantum or dataset: who wrote and who reads what.
 *
 * @module
 */

import type { TraceKey, TraceSource } from "../../../sources/trace/trace_source.ts";
import { dataIdText } from "./quantum_table.ts";

/** Neighbours of one kind that are looked at; more are only counted. */
export const N_NEIGHBOURS = 40;

/** A quantum or dataset as it is drawn. */
export interface Node {
  key: TraceKey;
  /** Task or dataset type; empty if it isn't known. */
  label: string;
  dataId: string;
  /** Status of a quantum; of a dataset whether it was written. */
  state: string;
}

/** Neighbours on one side. */
export interface Side {
  nodes: Node[];
  /** How many there are. */
  n: number;
}

/** Something with what is one step up and one step down. */
export interface Neighbourhood {
  centre: Node;
  up: Side;
  down: Side;
}

/** Reads a neighbourhood; neighbours beyond {@linkcode N_NEIGHBOURS} are counted alone. */
export async function readNeighbourhood(
  source: TraceSource,
  key: TraceKey,
): Promise<Neighbourhood> {
  if (key.kind === "quantum") {
    const quantum = await source.quantum(key.id);
    const ids = (
      edges: ReadonlyMap<string, readonly string[]>,
    ) => [...new Set([...edges.values()].flat())];
    const centre = {
      key,
      label: quantum.taskLabel,
      dataId: dataIdText(source.group("quantum", quantum.taskLabel), quantum.dataCoordinate),
      state: quantum.isInit ? "INIT" : quantum.status ?? "",
    };
    const [up, down] = [ids(quantum.inputs), ids(quantum.outputs)];
    return {
      centre,
      up: await side(source, "dataset", up),
      down: await side(source, "dataset", down),
    };
  }
  const { row, consumers } = await source.dataset(key.id);
  return {
    centre: await readNode(source, key),
    up: await side(source, "quantum", row.producer === null ? [] : [row.producer]),
    down: await side(source, "quantum", consumers),
  };
}

/** Reads nodes, neighbours in the file at once. */
export async function readNodes(
  source: TraceSource,
  kind: TraceKey["kind"],
  ids: readonly string[],
): Promise<Node[]> {
  const keys = ids.map((id) => ({ kind, id }));
  await source.announce(keys);
  const nodes: Node[] = [];
  for (const key of keys) nodes.push(await readNode(source, key));
  return nodes;
}

async function side(
  source: TraceSource,
  kind: TraceKey["kind"],
  ids: readonly string[],
): Promise<Side> {
  return { n: ids.length, nodes: await readNodes(source, kind, ids.slice(0, N_NEIGHBOURS)) };
}

async function readNode(source: TraceSource, key: TraceKey): Promise<Node> {
  if (key.kind === "quantum") {
    const { taskLabel, dataCoordinate, status, isInit } = await source.quantum(key.id);
    const dataId = dataIdText(source.group("quantum", taskLabel), dataCoordinate);
    return { key, label: taskLabel, dataId, state: isInit ? "INIT" : status ?? "" };
  }
  const { row } = await source.dataset(key.id);
  const dataId = dataIdText(source.group("dataset", row.typeName), row.dataCoordinate);
  const state = row.produced === null ? "" : row.produced ? "written" : "not written";
  return { key, label: row.typeName, dataId, state };
}
