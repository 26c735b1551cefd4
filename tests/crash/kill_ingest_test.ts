/** Kills ingests, and what takes them back, at every failpoint, in every mode that makes a difference there. */

import { isOfIngest, testKills } from "./failpoints.ts";
import { INGEST_JOBS, UNDO_JOBS } from "./jobs.ts";

testKills([...INGEST_JOBS, ...UNDO_JOBS], isOfIngest);
