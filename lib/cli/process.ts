/**
 * What the entry point gives commands of the process: memory, time, pagers.
 *
 * @module
 */

import process from "node:process";
import type { PagerProcess } from "./pager.ts";

/**
 * The kernel lets a process begin with the peak of the one that started it (getrusage(2)): only what is
 * above this is ours.
 */
const MAX_RSS_AT_START = maxRss();

/** What getrusage(2) tells as the peak, in kibibytes; 0 in older runtimes, which don't ask it. */
function maxRss(): number {
  return (process as Partial<typeof process>).resourceUsage?.().maxRSS ?? 0;
}

/**
 * Most bytes of memory that this process has had resident so far; null if the system doesn't tell. Only
 * Linux is asked: others count in other units.
 */
export function peakRssBytes(): number | null {
  if (Deno.build.os !== "linux") return null;
  try {
    const match = /^VmHWM:\s*(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"));
    if (match !== null) return Number(match[1]) * 1024;
  } catch {
    // The runtime lets only a process with all permissions read it, which the binary hasn't.
  }
  const kibibytes = maxRss();
  return kibibytes > MAX_RSS_AT_START ? kibibytes * 1024 : null;
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
