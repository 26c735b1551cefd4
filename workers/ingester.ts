/** Thread of the ingester. @module */

import type { WorkerScope } from "../lib/base/worker_loop.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "../lib/storage/failpoints.ts";
import { serveIngester } from "./loops/ingester.ts";

armFailpoints(Deno.env.get(FAILPOINTS_VARIABLE));
serveIngester(self as unknown as WorkerScope);
