/** Kills aggregations and scans at every failpoint, in every mode that makes a difference there. */

import { isOfIngest, testKills } from "./failpoints.ts";
import { AGGREGATE_JOBS, SHARD_JOBS } from "./jobs.ts";

testKills([...AGGREGATE_JOBS, ...SHARD_JOBS], (name) => !isOfIngest(name));
