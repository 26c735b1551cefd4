import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT } from "../support/fixtures.ts";
import { compileModule, MODULES } from "../tools/compile_wasm.ts";

Deno.test("WebAssembly in the repository is what its source compiles to", async () => {
  for (const module of MODULES) {
    assert.deepEqual(
      Deno.readFileSync(join(PROJECT, `${module}.wasm`)),
      await compileModule(module),
      "after a change of the source, `deno task wasm` has to be run",
    );
  }
});
