/** Thread of the deleter. @module */

import type { WorkerScope } from "../lib/base/worker_loop.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "../lib/storage/failpoints.ts";
import { serveDeleter } from "./loops/deleter.ts";

serveDeleter(
  self as unknown as WorkerScope,
  () => armFailpoints(Deno.env.get(FAILPOINTS_VARIABLE)),
);
