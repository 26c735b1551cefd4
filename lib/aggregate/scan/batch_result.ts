/**
 * What a scanner gathers while it works on one batch.
 *
 * @module
 */

import { ByteBuilder } from "../../base/bytes.ts";
import { RowCollector } from "./ingest_rows.ts";
import type { ScanProblem } from "./scan_problem.ts";

/** Everything that one batch gathers. */
export class BatchState {
  readonly chunks = new ByteBuilder();
  readonly rows = new RowCollector();
  readonly problems: ScanProblem[] = [];
  readonly reused: number[] = [];
  readonly unreadable: number[] = [];
  nKnown = 0;
  nBlockedWithFiles = 0;
  hasFiles = false;
  nFilesRead = 0;
  nBytesRead = 0;
  compressSeconds = 0;

  /** What a quantum changes before it has rows and blocks. */
  mark(): BatchMark {
    const { nKnown, nBlockedWithFiles, hasFiles, nFilesRead, nBytesRead } = this;
    return {
      counts: { nKnown, nBlockedWithFiles, hasFiles, nFilesRead, nBytesRead },
      nProblems: this.problems.length,
      nReused: this.reused.length,
      nUnreadable: this.unreadable.length,
    };
  }

  /** Takes back what was changed since a mark. */
  goBack({ counts, nProblems, nReused, nUnreadable }: BatchMark): void {
    Object.assign(this, counts);
    this.problems.length = nProblems;
    this.reused.length = nReused;
    this.unreadable.length = nUnreadable;
  }
}

/** A state to go back to. */
interface BatchMark {
  counts: {
    nKnown: number;
    nBlockedWithFiles: number;
    hasFiles: boolean;
    nFilesRead: number;
    nBytesRead: number;
  };
  nProblems: number;
  nReused: number;
  nUnreadable: number;
}
