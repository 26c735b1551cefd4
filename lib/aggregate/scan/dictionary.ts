/**
 * The compression dictionary of a provenance graph: raw content cut from sample blocks of every task,
 * logs and metadata included, before anything is scanned. So it is there from the first block on.
 *
 * @module
 */

import { concatBytes } from "../../base/bytes.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";

/** Shares of the kinds of blocks; logs and metadata differ most from one task to the next. */
const SHARES = { log: 0.3, metadata: 0.3, datasets: 0.2, quantum: 0.2 };
/** Quanta of one task that are tried until one has both a log and metadata. */
const TRIES = 8;
/** Such quanta wanted of each task. */
const WANTED = 2;
/** A dictionary shorter than this is ignored by compressors. */
const MIN_SIZE = 8;

/**
 * Cuts a dictionary.
 *
 * @param sizeBytes Wanted size; 0 gives an empty dictionary, which means none.
 * @param maxSamples Quanta to sample at most.
 * @param sample Gives the uncompressed blocks of a quantum.
 */
export function cutDictionary(
  index: GraphIndex,
  sizeBytes: number,
  maxSamples: number,
  sample: (q: number) => SampleBlocks,
): Uint8Array<ArrayBuffer> {
  // Where no dictionary is wanted too: a sample shows whether the graph is that of the run.
  const byTask = sampleQuanta(index, maxSamples, sample);
  if (sizeBytes < MIN_SIZE || byTask.length === 0) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  // What lies nearest the end is the cheapest to refer to: the kinds with the most blocks go last.
  for (const kind of ["log", "metadata", "quantum", "datasets"] as const) {
    const share = Math.floor(sizeBytes * SHARES[kind]);
    parts.push(
      ...cutShare(byTask.map((samples) => samples.flatMap((s) => blocksOf(s, kind))), share),
    );
  }
  const dictionary = concatBytes(parts);
  return dictionary.length < MIN_SIZE ? new Uint8Array(0) : dictionary;
}

function blocksOf(sample: SampleBlocks, kind: keyof typeof SHARES): Uint8Array[] {
  if (kind === "datasets") return sample.datasets;
  const block = sample[kind];
  return block === null ? [] : [block];
}

/** Samples of each task: those with log and metadata first. */
function sampleQuanta(
  index: GraphIndex,
  maxSamples: number,
  sample: (q: number) => SampleBlocks,
): SampleBlocks[][] {
  const { taskIndex, taskLabels } = index.arrays;
  const candidates: number[][] = taskLabels.map(() => []);
  const counts = taskLabels.map(() => 0);
  for (let q = 0; q < index.nQuanta; q++) counts[taskIndex[q]]++;
  const met = taskLabels.map(() => 0);
  for (let q = 0; q < index.nQuanta; q++) {
    const task = taskIndex[q];
    const step = Math.max(1, Math.floor(counts[task] / TRIES));
    if (met[task]++ % step === 0 && candidates[task].length < TRIES) candidates[task].push(q);
  }
  let nLeft = maxSamples;
  return candidates.map((quanta, task) => {
    // One is reserved for each task to come, or the last of many would get none.
    const nReserved = candidates.length - task - 1;
    const full: SampleBlocks[] = [];
    const poor: SampleBlocks[] = [];
    for (const q of quanta) {
      const isFirst = full.length + poor.length === 0;
      if (full.length >= WANTED || nLeft <= (isFirst ? 0 : nReserved)) break;
      nLeft--;
      const blocks = sample(q);
      (blocks.log !== null && blocks.metadata !== null ? full : poor).push(blocks);
    }
    return [...full, ...poor].slice(0, WANTED);
  });
}

/** Takes blocks of all tasks in turn until the share is used up; each task gets a fair part of it. */
function cutShare(byTask: readonly Uint8Array[][], share: number): Uint8Array[] {
  const nTasks = byTask.filter((blocks) => blocks.length > 0).length;
  if (nTasks === 0) return [];
  const parts: Uint8Array[] = [];
  const perTask = Math.floor(share / nTasks);
  for (const blocks of byTask) {
    let left = perTask;
    for (const block of blocks) {
      if (left <= 0) break;
      // The tail of a log is as typical as its head, and shorter references reach it.
      const part = block.length <= left ? block : block.subarray(0, left);
      parts.push(part);
      left -= part.length;
    }
  }
  return parts;
}

/** Uncompressed blocks of a quantum, as samples for a dictionary. */
export interface SampleBlocks {
  quantum: Uint8Array;
  metadata: Uint8Array | null;
  log: Uint8Array | null;
  datasets: Uint8Array[];
}
