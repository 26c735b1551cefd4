/**
 * The page as it was made: `page.html`, which `deno task bundle` makes of the sources in `page/`. It is kept in
 * the repository, so that the tool needs no bundler, neither from a clone nor as a package, and so that who
 * reads a change sees that the page changes too; a test compares it with its sources.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { NOTHING_SERVED, SERVED_ID, servedJson, type ServedSource } from "./served.ts";

/** Text of the page. @throws {EnvironmentError} if the installation lacks it. */
export async function readPage(): Promise<string> {
  const url = new URL("./page.html", import.meta.url);
  try {
    return await Deno.readTextFile(url);
  } catch (cause) {
    throw new EnvironmentError(
      "Cannot read the explorer's page: the installation lacks page.html",
      {
        cause,
        hint: "install the tool anew, or run deno task bundle in a clone of its repository",
      },
    );
  }
}

/** The page with its list of sources. */
export function pageWith(page: string, sources: readonly ServedSource[]): string {
  const before = `id="${SERVED_ID}">`;
  const at = page.indexOf(before + NOTHING_SERVED) + before.length;
  return page.slice(0, at) + servedJson(sources) + page.slice(at + NOTHING_SERVED.length);
}
