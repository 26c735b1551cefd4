/**
 * What the entry point gives commands of the process: memory, time, pagers.
 *
 * @module
 */

import type { PagerProcess } from "./pager.ts";

/** Linux keeps the peak; elsewhere the present size is the best there is. */
export function peakRssBytes(): number | null {
  try {
    const match = /^VmHWM:\s*(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"));
    if (match !== null) return Number(match[1]) * 1024;
  } catch {
    // Not Linux, or no permission.
  }
  return Deno.memoryUsage().rss;
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
