/**
 * Compiles the parts that are written in AssemblyScript. The compiler takes 100 MB, so it is none of the
 * project's imports, which Deno downloads for everybody: it runs by itself, pinned by `compiler.lock`.
 *
 * @module
 */

import { join } from "node:path";
import { PROJECT, temporaryDirectory } from "../support/fixtures.ts";

const COMPILER = "npm:assemblyscript@0.28.20/asc";

/** Parts of the project that are written so: the paths without `.as.ts` and `.wasm`. */
export const MODULES: readonly string[] = ["lib/provenance/documents/usual_documents"];

/** WebAssembly of a module: the same bytes on every machine. */
export async function compileModule(path: string): Promise<Uint8Array> {
  await using work = await temporaryDirectory();
  const compiled = work.join("module.wasm");
  // The first 4096 bytes of memory are the module's own, see the constants of the source.
  const memory = ["--enable", "simd", "--initialMemory", "1", "--memoryBase", "4096"];
  const options = ["--optimizeLevel", "3", "--converge", "--noAssert", "--runtime", "stub"];
  const lock = join(PROJECT, "tests", "wasm", "compiler.lock");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-config", `--lock=${lock}`, "--frozen", COMPILER],
      ...[join(PROJECT, `${path}.as.ts`), ...options, ...memory, "--outFile", compiled],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(`Cannot compile ${path}:\n${new TextDecoder().decode(stderr)}`);
  return await Deno.readFile(compiled);
}
