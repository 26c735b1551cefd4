/** Failures, mock storage classes, a run aggregated twice, and a second run. */

import { testIngestOfReference, testModes, testWholeJob } from "./cases.ts";
import { CASES, WORKLOADS } from "./harness.ts";

// Every workload comes with the fixtures that have quanta of all ends (`stages_test.ts`). These here differ in
// what is read and registered, which is the same code for any number of scanners: each has one.
const [ONE_BY_ONE, READ_AHEAD, MANY_SCANNERS] = WORKLOADS;

testWholeJob(CASES["small-failed"], [READ_AHEAD]);
testWholeJob(CASES["small-mock"], [ONE_BY_ONE]);
testWholeJob(CASES["two-phase"], [MANY_SCANNERS]);
testWholeJob(CASES["second-run"], [READ_AHEAD]);
for (const name of ["small-failed", "small-mock"]) {
  testModes(CASES[name]);
  testIngestOfReference(CASES[name]);
}
