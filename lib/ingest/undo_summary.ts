/**
 * What an undone ingest has come to.
 *
 * @module
 */

import type { KeptFile } from "./originals/deleter_messages.ts";

/** What came of it; in a dry run, what would come of it. */
export interface UndoSummary {
  run: string;
  /** Datasets that are backed by their originals now. */
  nRegistered: number;
  /** Originals that were made again. */
  nRestored: number;
  /** How many of them nothing proves to be the same byte for byte. */
  nUnproven: number;
  /** The first of these. */
  unproven: KeptFile[];
  /** Where the graph is now. */
  graphPath: string;
  seconds: number;
}
