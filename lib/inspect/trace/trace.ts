/**
 * `trace`: what made a quantum or dataset, or what depends on it. Goes outwards step by step, so that a
 * limit leaves out what is farthest away. Memory: that of the quanta and datasets that are visited.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import type { TraceKey, TraceSource } from "../../sources/trace/trace_source.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** Which way to go: to what was read, or to what reads. */
type TraceDirection = "up" | "down";

/** A quantum or dataset that was visited. */
export interface TraceNode extends TraceKey {
  isInit: boolean;
  /** Task label or dataset type. */
  label: string;
  dataCoordinate: readonly JsonValue[];
  group: DimensionGroup | undefined;
  /** Of a quantum. */
  status: string | null;
  /** Of a dataset. */
  produced: boolean | null;
  run: string | null;
  /** Steps from the start. */
  depth: number;
  /** Ids of those next to it that were visited, in the order of the source. */
  next: string[];
  /** How many were not, because of the depth or of the number of nodes. */
  nNotVisited: number;
}

/** Data that went from a dataset to a quantum, or from a quantum to a dataset. */
export interface TraceEdge {
  from: string;
  to: string;
  connection: string;
}

/** What was found. */
export interface Trace {
  direction: TraceDirection;
  root: string;
  /** In the order in which they were visited, the root first. */
  nodes: ReadonlyMap<string, TraceNode>;
  edges: TraceEdge[];
  /** Neighbours left out because there were too many nodes, each once for each that it is next to. */
  nBeyondLimit: number;
  /** Neighbours left out because they are too far away, likewise. */
  nBeyondDepth: number;
}

/** How far to go. */
interface TraceLimits {
  /** Steps; null for all. A step leads from a dataset to a quantum, or from a quantum to a dataset. */
  maxDepth: number | null;
  maxNodes: number;
}

/** Nodes that are announced together. */
const N_ANNOUNCED = 64;

/** Visits everything in one direction. */
export async function trace(
  source: TraceSource,
  root: TraceKey,
  direction: TraceDirection,
  { maxDepth, maxNodes }: TraceLimits,
): Promise<Trace> {
  const nodes = new Map<string, TraceNode>();
  const steps: [node: TraceNode, next: string][] = [];
  const connections = new Map<string, ReadonlyMap<string, string>>();
  const queued = new Set([root.id]);
  let nBeyondLimit = 0;
  let nBeyondDepth = 0;
  let level: TraceKey[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    const following: TraceKey[] = [];
    for (let at = 0; at < level.length; at += N_ANNOUNCED) {
      const keys = level.slice(at, at + N_ANNOUNCED);
      await source.announce(keys);
      for (const key of keys) {
        const { node, next, connectionOf } = await visit(source, key, direction, depth);
        nodes.set(key.id, node);
        if (connectionOf !== null) connections.set(key.id, connectionOf);
        if (depth === maxDepth) {
          node.nNotVisited = next.length;
          nBeyondDepth += next.length;
          continue;
        }
        for (const neighbour of next) {
          if (!queued.has(neighbour.id)) {
            if (queued.size >= maxNodes) {
              node.nNotVisited++;
              nBeyondLimit++;
              continue;
            }
            queued.add(neighbour.id);
            following.push(neighbour);
          }
          node.next.push(neighbour.id);
          steps.push([node, neighbour.id]);
        }
      }
    }
    level = following;
  }
  const edges = steps.map(([node, next]) => {
    const [from, to] = direction === "up" ? [next, node.id] : [node.id, next];
    const connection = connections.get(from)?.get(to) ?? connections.get(to)?.get(from) ?? "";
    return { from, to, connection };
  });
  return { direction, root: root.id, nodes, edges, nBeyondLimit, nBeyondDepth };
}

interface Visit {
  node: TraceNode;
  next: TraceKey[];
  /** Connection by dataset id, of a quantum. */
  connectionOf: ReadonlyMap<string, string> | null;
}

async function visit(
  source: TraceSource,
  key: TraceKey,
  direction: TraceDirection,
  depth: number,
): Promise<Visit> {
  if (key.kind === "dataset") {
    const { row, consumers } = await source.dataset(key.id);
    const ids = direction === "down" ? consumers : row.producer === null ? [] : [row.producer];
    return {
      node: {
        ...key,
        isInit: false,
        label: row.typeName,
        dataCoordinate: row.dataCoordinate,
        group: source.group("dataset", row.typeName),
        status: null,
        produced: row.produced,
        run: row.run,
        depth,
        next: [],
        nNotVisited: 0,
      },
      next: [...new Set(ids)].map((id) => ({ kind: "quantum", id })),
      connectionOf: null,
    };
  }
  const quantum = await source.quantum(key.id);
  const connectionOf = new Map<string, string>();
  for (const edges of [quantum.inputs, quantum.outputs]) {
    for (const [connection, ids] of edges) {
      for (const id of ids) if (!connectionOf.has(id)) connectionOf.set(id, connection);
    }
  }
  const next = [...(direction === "up" ? quantum.inputs : quantum.outputs).values()].flat();
  return {
    node: {
      ...key,
      isInit: quantum.isInit,
      label: quantum.taskLabel,
      dataCoordinate: quantum.dataCoordinate,
      group: quantum.isInit ? undefined : source.group("quantum", quantum.taskLabel),
      status: quantum.status,
      produced: null,
      run: null,
      depth,
      next: [],
      nNotVisited: 0,
    },
    next: [...new Set(next)].map((id) => ({ kind: "dataset", id })),
    connectionOf,
  };
}
