/** A few thousand quanta: many batches, a dictionary, many blocks. */

import { testWholeJob } from "./cases.ts";
import { CASES } from "./harness.ts";

// The small fixtures have the other workloads, which make no more difference to many quanta than to few.
testWholeJob(CASES.medium, [{ processes: 3, batchSize: 1000, readAhead: "always" }]);
