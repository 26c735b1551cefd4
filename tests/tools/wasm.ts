/**
 * `deno task wasm`: compiles what is written in AssemblyScript, after its source was changed. The result
 * is kept in the repository.
 *
 * @module
 */

import { join } from "node:path";
import { PROJECT } from "../support/fixtures.ts";
import { compileModule, MODULES } from "./compile_wasm.ts";

for (const module of MODULES) {
  await Deno.writeFile(join(PROJECT, `${module}.wasm`), await compileModule(module));
}
