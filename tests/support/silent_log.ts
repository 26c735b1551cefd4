import type { Log } from "../../lib/base/log.ts";

/** A log that nobody reads. */
export const SILENT_LOG: Log = { log: () => {} };
