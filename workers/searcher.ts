/** Thread of a searcher. @module */

import type { WorkerScope } from "../lib/base/worker_loop.ts";
import { serveSearcher } from "./loops/searcher.ts";

serveSearcher(self as unknown as WorkerScope);
