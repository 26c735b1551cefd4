/**
 * What an aggregation has counted.
 *
 * @module
 */

import type { ScanProblem } from "./scan/scan_problem.ts";

/** Numbers of a run, also while it is going on. */
export interface AggregateCounts {
  nQuanta: number;
  nScanned: number;
  nByStatus: Record<number, number>;
  nBlocked: number;
  nAbandoned: number;
  nReused: number;
  nBlockedWithFiles: number;
  /** Quanta whose metadata file can't be read: they count as failed, and block nothing. */
  nUnreadable: number;
  /** Quanta behind those that left files of their own, and count by these. */
  nBehindUnreadable: number;
  nIngested: number;
  nKnown: number;
  nFilesRead: number;
  nBytesRead: number;
  nProblems: number;
  nBrokenFiles: number;
  problems: ScanProblem[];
  nGraphBytes: number;
  /** Seconds of work, summed over the workers that did it. Compression is part of scanning. */
  workSeconds: { scan: number; compress: number; ingest: number };
}
