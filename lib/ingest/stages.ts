/**
 * The stages of an ingest, as progress shows them.
 *
 * @module
 */

import type { Stage, StageQueue } from "../base/progress.ts";
import { INGEST_STAGES, type IngestStage } from "./options.ts";

/** Figures of an ingest that is going on. */
interface IngestFigures {
  stage: IngestStage;
  /** Null where nothing is forgotten. */
  forget: { nDone: number; nTotal: number } | null;
  ingest: { nDone: number; nTotal: number };
  delete: { nDone: number; queue: StageQueue };
}

/** How far the reading before an ingest is. */
export interface ReadingFigures {
  verified: { nDone: number; nTotal: number };
  quanta: { nDone: number; nTotal: number };
  isVerified: boolean;
  isRead: boolean;
}

/** Checking every byte of the graph, then reading its quanta. */
export function readingStages({ verified, quanta, isVerified, isRead }: ReadingFigures): Stage[] {
  const readState = !isVerified ? "waiting" : isRead ? "done" : "running";
  return [
    { name: "verify", unit: "bytes", ...verified, state: isVerified ? "done" : "running" },
    { name: "read", unit: "quanta", ...quanta, state: readState },
  ];
}

/** Forgetting, then ingesting and deleting side by side. */
export function ingestStages(figures: IngestFigures): Stage[] {
  const at = INGEST_STAGES.indexOf(figures.stage);
  const state = (first: IngestStage, last: IngestStage): Stage["state"] =>
    at < INGEST_STAGES.indexOf(first)
      ? "waiting"
      : at > INGEST_STAGES.indexOf(last)
      ? "done"
      : "running";
  const stages: Stage[] = [];
  if (figures.forget !== null) {
    const forgetState = state("forget", "forget");
    stages.push({ name: "forget", unit: "datasets", ...figures.forget, state: forgetState });
  }
  stages.push({
    name: "ingest",
    unit: "datasets",
    ...figures.ingest,
    state: state("reingest", "reingest"),
  }, {
    name: "delete",
    unit: "files",
    ...figures.delete,
    nTotal: null,
    state: state("reingest", "delete"),
  });
  return stages;
}
