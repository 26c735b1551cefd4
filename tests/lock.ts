/**
 * `deno task lock`: locks the packages of the program in `deno.lock`, and the same with those that only tests need
 * in `tests/deno.lock`, after `deno.json` or `tests/support/packages.ts` was changed.
 *
 * @module
 */

import { join } from "node:path";
import { PROJECT } from "./support/fixtures.ts";

const lock = join(PROJECT, "tests", "deno.lock");

function deno(...args: string[]): void {
  const { success } = new Deno.Command(Deno.execPath(), { args, cwd: PROJECT }).outputSync();
  if (!success) throw new Error(`"deno ${args.join(" ")}" fails`);
}

deno("install", "--frozen=false");
Deno.copyFileSync(join(PROJECT, "deno.lock"), lock);
const load =
  'import { importAjv, importEsbuild, importPostgres } from "./tests/support/packages.ts";' +
  "await importAjv(); await importEsbuild(); await importPostgres();";
deno("eval", `--lock=${lock}`, "--frozen=false", load);
