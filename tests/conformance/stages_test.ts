/** Small fixtures through every stage; the other files here take the rest, to run beside this one. */

import { testIngestOfReference, testMidrun, testModes, testWholeJob } from "./cases.ts";
import { CASES } from "./harness.ts";

for (const name of ["small-ok", "small-mixed"]) {
  testWholeJob(CASES[name]);
  testModes(CASES[name]);
  testMidrun(CASES[name]);
  testIngestOfReference(CASES[name]);
}
