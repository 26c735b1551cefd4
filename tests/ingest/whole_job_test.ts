/**
 * A whole run, aggregated and ingested: what the reference leaves. More of them, in every mode, are in
 * `tests/conformance`, which has a task of its own.
 */

import { testWholeJob } from "../conformance/cases.ts";
import { CASES } from "../conformance/harness.ts";

testWholeJob(CASES["small-mixed"], [{ processes: 2, batchSize: 7, readAhead: "always" }]);
