/** Where files of tests are written fast. @module */

import { statfsSync } from "node:fs";

/**
 * A directory in memory, if there is room for some: there nobody waits for a disk, and making a database
 * is seven times as fast.
 */
export function fastDirectory(): string | null {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    if (bavail * bsize > 2 ** 31) return "/dev/shm";
  } catch {
    // Not everywhere.
  }
  return null;
}
