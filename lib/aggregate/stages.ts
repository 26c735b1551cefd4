/**
 * The stages of an aggregation, as progress shows them.
 *
 * @module
 */

import type { Stage } from "../base/progress.ts";

/** Figures of a run that is going on. */
interface AggregateFigures {
  /** Whether the workers have begun. */
  isBegun: boolean;
  nQuanta: number;
  /** Quanta that are settled. */
  nDone: number;
  isScanned: boolean;
  /** By the status of the last attempt; those that can't be finished yet are `ABANDONED`. */
  nByStatus: Readonly<Record<string, number>>;
  /** Null where no chunk log is written. */
  writer: { nBytesDone: number; nBytesWaiting: number; limitBytes: number } | null;
  ingester: {
    nRowsDone: number;
    nRowsSent: number;
    nRowsWaiting: number;
    limitRows: number;
    isFlushed: boolean;
  };
  /** Null where no graph is made. */
  finish: { state: Stage["state"]; nQuantaDone: number } | null;
}

/** Scanning, writing and ingesting side by side, then finishing. */
export function aggregateStages(figures: AggregateFigures): Stage[] {
  const { isBegun, nQuanta, nDone, isScanned, writer, ingester, finish, nByStatus } = figures;
  const state = (isDone: boolean) => !isBegun ? "waiting" : isDone ? "done" : "running";
  const stages: Stage[] = [
    {
      name: "scan",
      unit: "quanta",
      nDone,
      nTotal: nQuanta,
      state: state(isScanned),
      counts: nByStatus,
    },
  ];
  if (writer !== null) {
    const { nBytesDone, nBytesWaiting, limitBytes } = writer;
    const isDone = isScanned && nBytesWaiting === 0;
    stages.push({
      name: "write",
      unit: "bytes",
      nDone: nBytesDone,
      nTotal: isDone ? nBytesDone : null,
      state: state(isDone),
      queue: { size: nBytesWaiting, limit: limitBytes, unit: "bytes" },
    });
  }
  stages.push({
    name: "ingest",
    unit: "datasets",
    nDone: ingester.nRowsDone,
    nTotal: isScanned ? ingester.nRowsSent : null,
    state: state(ingester.isFlushed),
    queue: { size: ingester.nRowsWaiting, limit: ingester.limitRows, unit: "datasets" },
  });
  if (finish !== null) {
    stages.push({
      name: "finish",
      unit: "quanta",
      nDone: finish.nQuantaDone,
      nTotal: nQuanta,
      state: finish.state,
    });
  }
  return stages;
}
