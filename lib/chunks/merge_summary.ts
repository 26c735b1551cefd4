/**
 * What merging chunk logs came to.
 *
 * @module
 */

import type { ChunkDamage } from "./framing.ts";

/** What a merge came to. */
export interface MergeSummary {
  /** Logs that were merged: each file once, those that say nothing left out. */
  nLogs: number;
  /** Quanta that have a chunk in the merged log. */
  nQuanta: number;
  /** Chunks left out because another log had a newer one of the same quantum. */
  nReplaced: number;
  /** Chunks compressed anew because their log has another dictionary. */
  nRecompressed: number;
  /** Logs without a sound header, as a killed process leaves them: their quanta are scanned later. */
  emptyPaths: string[];
  /** Damage in any of the logs; the quanta concerned are scanned again later. */
  damages: { path: string; damage: ChunkDamage }[];
}
