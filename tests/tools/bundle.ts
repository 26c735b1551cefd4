/**
 * `deno task bundle`: makes `lib/explore/page.html`, which is kept in the repository, after its sources were
 * changed, and tells how large it and the library for browsers are.
 *
 * @module
 */

import { join } from "node:path";
import { PROJECT } from "../support/fixtures.ts";
import { bundle, compressedSize, makePage } from "./page_bundle.ts";

const page = await makePage();
await Deno.writeTextFile(join(PROJECT, "lib/explore/page.html"), page);
const library = await bundle("lib/browser.ts", "esm");
for (const [what, text] of [["lib/explore/page.html", page], ["lib/browser.ts", library]]) {
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
  console.log(
    `${what}: ${kilobytes(text.length)}, ${kilobytes(await compressedSize(text))} compressed`,
  );
}
