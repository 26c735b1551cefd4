/** Thread of the writer. @module */

import type { WorkerScope } from "../lib/base/worker_loop.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "../lib/storage/failpoints.ts";
import { serveWriter } from "./loops/writer.ts";

armFailpoints(Deno.env.get(FAILPOINTS_VARIABLE));
serveWriter(self as unknown as WorkerScope);
