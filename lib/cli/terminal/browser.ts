/**
 * Opening a link in the user's browser.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";

/** Programs that open links, by system. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  linux: ["xdg-open"],
  windows: ["explorer"],
};

/**
 * Opens a link, without waiting for the browser.
 *
 * @returns false where there is no screen, no such program, or no permission to start one.
 */
export function openBrowser(url: string, env: Environment): boolean {
  const { os } = Deno.build;
  const hasScreen = os !== "linux" || Boolean(env.get("DISPLAY") || env.get("WAYLAND_DISPLAY"));
  const chosen = env.get("BROWSER");
  if (!hasScreen) return false;
  for (const program of [...(chosen ? [chosen] : []), ...(OPENERS[os] ?? [])]) {
    try {
      const child = new Deno.Command(program, {
        args: [url],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      child.unref();
      return true;
    } catch {
      // The next one.
    }
  }
  return false;
}
