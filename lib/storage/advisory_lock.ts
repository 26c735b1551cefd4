/**
 * Advisory locks (`flock`): the one thing about a file that ends with the process that holds it, in
 * whichever container it ran and however it ended.
 *
 * @module
 */

import { nodeFs } from "../base/node_modules.ts";

/**
 * Types of file systems that one kernel alone uses, as `statfs(2)` tells them: ext, XFS, Btrfs, ZFS, F2FS,
 * bcachefs, tmpfs, ramfs, overlayfs; HFS+ and APFS of macOS. Source: Linux, `include/uapi/linux/magic.h`
 * and `statfs(2)`; what macOS tells of its disks.
 */
const LOCAL_TYPES: ReadonlySet<number> = new Set([
  0xef53,
  0x58465342,
  0x9123683e,
  0x2fc12fc1,
  0xf2f52010,
  0xca451a4e,
  0x01021994,
  0x858458f6,
  0x794c7630,
  17,
  26,
]);

/**
 * Asks for the advisory lock of an opened file, exclusively, without waiting.
 *
 * @returns false if another process has it; null if that can't be known: the file system has no such
 *   locks, or the runtime (Deno 2.6, which compiled binaries may run on) can only wait for them.
 */
export function tryAdvisoryLock(file: Deno.FsFile): boolean | null {
  try {
    return typeof file.tryLockSync === "function" ? file.tryLockSync(true) : null;
  } catch {
    return null;
  }
}

/**
 * Whether one kernel alone uses the file system of a path, so that an advisory lock there that can be had
 * is held by nobody anywhere. On file systems of networks locks may be known to one host only.
 */
export function isLocalFileSystem(path: string): boolean {
  try {
    return LOCAL_TYPES.has(nodeFs().statfsSync(path).type);
  } catch {
    return false;
  }
}

/**
 * Takes the advisory lock of a file that this process has created.
 *
 * @returns false if another process has it: one that sweeps; null if the file system has no such locks.
 */
export function keepAdvisoryLock(file: Deno.FsFile): boolean | null {
  const isTaken = tryAdvisoryLock(file);
  if (isTaken !== null) return isTaken;
  try {
    // What can only wait for locks waits for a sweeper's, which takes a moment.
    file.lockSync(true);
    return true;
  } catch {
    return null;
  }
}
