/**
 * What a scanner gathers while it works on one batch.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";
import { RowCollector } from "./ingest_rows.ts";
import type { ScanProblem } from "./messages.ts";

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
}
