/**
 * What a check came to; those of the datastores of a chain, taken together.
 *
 * @module
 */

import type { Leftover } from "../file/leftovers.ts";
import type { IngestState } from "./backing.ts";

/** What was checked, and what repairing may do. */
export interface CheckedRepository {
  nDatasets: number;
  nFiles: number;
  /** Path of the graph that was used, or null. */
  graphPath: string | null;
  state: IngestState | "no graph";
  /** Locks and temporary files that may be stale. */
  leftovers: Leftover[];
  /** How to call the ingest that finishes or sweeps; null if there is nothing for it to do. */
  ingest: { graphPath: string | null } | null;
}

/** States of an ingest; the first that any datastore is in is that of all. */
const STATES: readonly (IngestState | "no graph")[] = [
  "unfinished",
  "unregistered",
  "not ingested",
  "finished",
  "no graph",
];

/** What came of the checks of all datastores. */
export function combineChecks(checked: readonly CheckedRepository[]): CheckedRepository {
  const ingests = checked.flatMap(({ ingest }) => ingest === null ? [] : [ingest]);
  return {
    nDatasets: Math.max(...checked.map(({ nDatasets }) => nDatasets)),
    nFiles: checked.reduce((sum, { nFiles }) => sum + nFiles, 0),
    graphPath: checked.find(({ graphPath }) => graphPath !== null)?.graphPath ?? null,
    state: STATES.find((state) => checked.some((each) => each.state === state))!,
    leftovers: checked.flatMap(({ leftovers }) => leftovers),
    // What is in the repository goes on; a file that was given is needed only where nothing is.
    ingest: ingests.find(({ graphPath }) => graphPath === null) ?? ingests[0] ?? null,
  };
}
