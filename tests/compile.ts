/**
 * `deno task compile`: makes `dist/provgraph`, one binary with workers, wasm and schema in it.
 *
 * The runtime part, `denort`, is downloaded by Deno unless `DENORT_BIN` names one; then `DENO` must
 * name a Deno of the same version.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("..", import.meta.url));
const denort = Deno.env.get("DENORT_BIN");
const deno = Deno.env.get("DENO") ?? Deno.execPath();
const output = `${project}dist/provgraph`;
const result = new Deno.Command(deno, {
  cwd: project,
  args: [
    "compile",
    "--quiet",
    "--allow-all",
    // Types are checked by `deno task ok`; the compiler may be an older one.
    "--no-check",
    ...(denort === undefined ? [] : ["--no-lock"]),
    "--include",
    "workers",
    "--include",
    "schema",
    "--output",
    output,
    "main.ts",
    ...Deno.args,
  ],
}).outputSync();
if (!result.success) {
  const reason = new TextDecoder().decode(result.stderr).trim();
  console.error(`Cannot compile: ${reason}`);
  if (denort === undefined) {
    console.error(
      "If the runtime (denort) can't be downloaded, set DENORT_BIN to one, and DENO to a Deno of " +
        "the same version.",
    );
  }
  Deno.exit(1);
}
console.log(`${output}: ${(Deno.statSync(output).size / 1e6).toFixed(1)} MB`);
