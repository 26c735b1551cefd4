/** What blocks a blocked quantum. Expectations follow from the small graphs by hand. */

import assert from "node:assert/strict";
import { findBlockers, NOT_COUNTED, type QuantumEdges } from "../../lib/provenance/blockers.ts";

/** A graph in which each quantum writes one dataset, of these readers. */
function edges(readers: readonly (readonly number[])[]): QuantumEdges {
  const starts = [0];
  for (const list of readers) starts.push(starts.at(-1)! + list.length);
  return {
    nQuanta: readers.length,
    outputStart: Uint32Array.from({ length: readers.length + 1 }, (_, q) => q),
    outputs: Uint32Array.from(readers, (_, q) => q),
    consumerStart: Uint32Array.from(starts),
    consumers: Uint32Array.from(readers.flat()),
  };
}

const FAILED = -1;
const BLOCKED = 0;
const SUCCESSFUL = 1;

interface Row {
  name: string;
  readers: number[][];
  statuses: number[];
  first: number[];
  nBlockers: number[];
  nBlocked: number[];
  maxVisits?: number;
}

const ROWS: Row[] = [
  {
    name: "a chain is blocked by its failed quantum, however far",
    readers: [[1], [2], [3], []],
    statuses: [SUCCESSFUL, FAILED, BLOCKED, BLOCKED],
    first: [-1, -1, 1, 1],
    nBlockers: [0, 0, 1, 1],
    nBlocked: [0, 2, 0, 0],
  },
  {
    name: "the nearest of two failed quanta comes first, not the lowest number",
    readers: [[1], [3], [3], []],
    statuses: [FAILED, BLOCKED, FAILED, BLOCKED],
    first: [-1, 0, -1, 2],
    nBlockers: [0, 1, 0, 2],
    nBlocked: [2, 0, 1, 0],
  },
  {
    name: "of two equally near ones the lowest number comes first",
    readers: [[2], [2], [3], []],
    statuses: [FAILED, FAILED, BLOCKED, BLOCKED],
    first: [-1, -1, 0, 0],
    nBlockers: [0, 0, 2, 2],
    nBlocked: [2, 2, 0, 0],
  },
  {
    name: "what is reached on two ways counts once",
    readers: [[1, 2], [3], [3], []],
    statuses: [FAILED, BLOCKED, BLOCKED, BLOCKED],
    first: [-1, 0, 0, 0],
    nBlockers: [0, 1, 1, 1],
    nBlocked: [3, 0, 0, 0],
  },
  {
    name: "what lies behind a success only has no failed quantum to name",
    readers: [[1], [2], []],
    statuses: [FAILED, SUCCESSFUL, BLOCKED],
    first: [-1, -1, -1],
    nBlockers: [0, 0, 0],
    nBlocked: [0, 0, 0],
  },
  {
    name: "aborted and unknown ones block, an aborted success does not",
    readers: [[3], [4], [5], [], [], []],
    statuses: [-4, -3, -2, BLOCKED, BLOCKED, BLOCKED],
    first: [-1, -1, -1, 0, 1, -1],
    nBlockers: [0, 0, 0, 1, 1, 0],
    nBlocked: [1, 1, 0, 0, 0, 0],
  },
  {
    name: "numbers beyond the bound are said not to be counted, the nearest is found all the same",
    readers: [[2], [2, 3], [], []],
    statuses: [FAILED, FAILED, BLOCKED, BLOCKED],
    maxVisits: 0,
    first: [-1, -1, 0, 1],
    nBlockers: [0, 0, NOT_COUNTED, NOT_COUNTED],
    nBlocked: [1, NOT_COUNTED, 0, 0],
  },
];

for (const row of ROWS) {
  Deno.test(row.name, () => {
    const found = findBlockers(edges(row.readers), row.statuses, row.maxVisits);
    assert.deepEqual([...found.first], row.first);
    assert.deepEqual([...found.nBlockers], row.nBlockers);
    assert.deepEqual([...found.nBlocked], row.nBlocked);
  });
}

Deno.test("readers behind the last quantum, init quanta, are passed over", () => {
  const graph = { ...edges([[1, 2], []]), nQuanta: 2 };
  assert.deepEqual([...findBlockers(graph, [FAILED, BLOCKED]).first], [-1, 0]);
});

Deno.test("many failed quanta before one chain are counted in a bounded time", () => {
  // A comb: each failed quantum leads to the same chain of 1,000 blocked ones.
  const nFailed = 100_000;
  const nChain = 1000;
  const readers: number[][] = [];
  for (let q = 0; q < nFailed; q++) readers.push([nFailed]);
  for (let k = 1; k <= nChain; k++) readers.push(k < nChain ? [nFailed + k] : []);
  const statuses = readers.map((_, q) => q < nFailed ? FAILED : BLOCKED);
  const found = findBlockers(edges(readers), statuses, 1_000_000);
  assert.equal(found.first.at(-1), 0);
  assert.equal(found.nBlockers.at(-1), NOT_COUNTED);
  assert.equal(found.nBlocked[0], nChain);
  assert.equal(found.nBlocked[nFailed - 1], NOT_COUNTED);
});

Deno.test("of equally near failed quanta the one with the least id counts, if ids are given", () => {
  // Quanta 0 and 1 fail; both write what 2 reads, which writes what 3 reads.
  const graph = edges([[2], [2], [3], []]);
  const statuses = [FAILED, FAILED, BLOCKED, BLOCKED];
  const ids = new Uint8Array(4 * 16);
  ids[0] = 9;
  ids[16] = 8;
  assert.deepEqual([...findBlockers(graph, statuses, 100).first], [-1, -1, 0, 0]);
  assert.deepEqual([...findBlockers(graph, statuses, 100, ids).first], [-1, -1, 1, 1]);
});
