/** A few thousand quanta: many batches, a dictionary, many blocks. */

import { testWholeJob } from "./cases.ts";
import { CASES } from "./harness.ts";

testWholeJob(CASES.medium, [
  { processes: 1, batchSize: 10_000 },
  { processes: 2, batchSize: 1000 },
  { processes: 8, batchSize: 7, readAhead: "always" },
]);
