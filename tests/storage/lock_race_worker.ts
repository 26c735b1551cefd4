/// <reference lib="deno.worker" />
/** Tries to take the lock on each path it is sent, and says "won" or the error's name. */

import { LockFile } from "../../lib/storage/lock_file.ts";

self.onmessage = (event: MessageEvent<string>) => {
  try {
    LockFile.acquire(event.data);
    self.postMessage("won");
  } catch (error) {
    self.postMessage(error instanceof Error ? error.name : String(error));
  }
};
self.postMessage("ready");
