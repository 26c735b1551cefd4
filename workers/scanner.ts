/** Thread of a scanner. @module */

import type { WorkerScope } from "../lib/base/worker_loop.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "../lib/storage/failpoints.ts";
import { serveScanner } from "./loops/scanner.ts";

armFailpoints(Deno.env.get(FAILPOINTS_VARIABLE));
serveScanner(self as unknown as WorkerScope);
