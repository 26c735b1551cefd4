/** Failures, mock storage classes, a run aggregated twice, and a second run. */

import { testIngestOfReference, testModes, testWholeJob } from "./cases.ts";
import { CASES } from "./harness.ts";

for (const name of ["small-failed", "small-mock"]) {
  testWholeJob(CASES[name]);
  testModes(CASES[name]);
  testIngestOfReference(CASES[name]);
}
for (const name of ["two-phase", "second-run"]) testWholeJob(CASES[name]);
