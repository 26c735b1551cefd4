/**
 * The binding of "zstd-codec". A module of its own, loaded only when needed: half of the start-up of a
 * command that reads one document.
 *
 * Of the package only the file with the WebAssembly module and its glue is used, and it is evaluated
 * here: imported, it would bring Node's loader of CommonJS modules with it, which takes three times as
 * long as all else, in every worker again. The names are those of the version that the import map pins;
 * tests of the codec cover them.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import type { Binding } from "./zstd_codec.d.ts";
import { systemErrorText } from "../storage/file_errors.ts";

/** What the glue is given and fills with the binding. */
interface GlueModule extends Partial<Binding> {
  /** Replaces its own way of making the instance. */
  instantiateWasm(
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
  onRuntimeInitialized(): void;
}

/** The WebAssembly module in the text of the glue. */
const EMBEDDED = /"data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)"/;

/** The package's file, compiled. */
interface CompiledGlue {
  /** What the glue exports; its text is without the WebAssembly module. */
  start: (module: GlueModule) => void;
  module: WebAssembly.Module;
}

/** Of this thread: whoever runs several commands compiles, and waits for fast code, once. */
let compiledGlue: CompiledGlue | null = null;

function compileGlue(): CompiledGlue {
  const text = readGlue();
  const embedded = EMBEDDED.exec(text);
  if (embedded === null) throw new Error("no WebAssembly module in its glue");
  const module = new WebAssembly.Module(Uint8Array.fromBase64(embedded[1]));
  return { start: evaluate(text.replace(embedded[0], '""')), module };
}

/**
 * Makes an instance of the codec, with a heap of its own; the first of a thread takes about 15 ms. In an
 * object, because the binding has a `then` method.
 *
 * @throws {EnvironmentError} if the package isn't as it should be.
 */
export function loadBinding(): Promise<{ binding: Binding }> {
  return new Promise((resolve, reject) => {
    try {
      const compiled = compiledGlue ??= compileGlue();
      const module: GlueModule = {
        instantiateWasm: (imports, receive) => {
          const instance = new WebAssembly.Instance(compiled.module, imports);
          receive(instance);
          return instance.exports;
        },
        onRuntimeInitialized: () => resolve({ binding: module as unknown as Binding }),
      };
      compiled.start(module);
    } catch (cause) {
      reject(
        new EnvironmentError(
          `Cannot load the zstd codec, package "zstd-codec": ${systemErrorText(cause)}`,
          { cause },
        ),
      );
    }
  });
}

function readGlue(): string {
  const url = new URL(
    "./zstd-codec-binding-wasm.js",
    import.meta.resolve("zstd-codec/lib/module.js"),
  );
  return Deno.readTextFileSync(url);
}

/** The function that the glue exports. Without Node's globals it takes this for a plain shell. */
function evaluate(text: string): (module: GlueModule) => void {
  const exported = { exports: null as unknown as (module: GlueModule) => void };
  new Function("module", "exports", "process", "require", "__filename", text)(exported, {});
  return exported.exports;
}
