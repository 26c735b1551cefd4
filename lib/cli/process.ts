/**
 * What the entry point gives commands of the process: memory, time, pagers.
 *
 * @module
 */

import { nodeProcess } from "../base/node_modules.ts";
import type { PagerProcess } from "./pager.ts";

/**
 * Finds out how to tell the most bytes of memory that this process has had resident so far; to be called
 * before it takes much. What is returned tells it, or null if the system doesn't. Only Linux is asked:
 * others count in other units.
 */
export function measurePeakRss(): () => number | null {
  if (Deno.build.os !== "linux") return () => null;
  if (peakInStatus() !== null) return peakInStatus;
  const process: { resourceUsage?: () => { maxRSS: number } } = nodeProcess();
  // Older runtimes don't have it.
  const maxRss = () => process.resourceUsage?.().maxRSS ?? 0;
  // The kernel lets a process begin with the peak of the one that started it (getrusage(2)): only what is
  // above this is ours.
  const atStart = maxRss();
  return () => {
    const kibibytes = maxRss();
    return kibibytes > atStart ? kibibytes * 1024 : null;
  };
}

/** The peak in /proc/self/status, which the runtime lets only a process with all permissions read. */
function peakInStatus(): number | null {
  try {
    const match = /^VmHWM:\s*(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}

/**
 * Lets a write beyond the limit of file sizes (`ulimit -f`) fail with an error, which is told like that of
 * a full disk. Without this the system ends the process with SIGXFSZ, and nothing is said or tidied up.
 */
export function outliveFileSizeLimit(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}

/** Calls back every so many milliseconds, until the returned function is called. */
export function every(milliseconds: number, callback: () => void): () => void {
  const timer = setInterval(callback, milliseconds);
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}

/** Runs a pager in the shell, with our terminal and variables added to its environment. */
export function openPager(
  command: string,
  variables: Readonly<Record<string, string>>,
): PagerProcess {
  const child = new Deno.Command("sh", {
    args: ["-c", command],
    env: variables,
    stdin: "piped",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const encoder = new TextEncoder();
  return {
    write: (text) => writer.write(encoder.encode(text)),
    end: async () => {
      // The user may have left it before the end of the text.
      await writer.close().catch(() => {});
      await child.status;
    },
  };
}
