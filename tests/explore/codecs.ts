/** Codecs as a page has them, for tests in Deno. */

import { inflateSync } from "fflate";
import type { GraphCodecs } from "../../lib/codec/codecs.ts";
import { wasmCodecs } from "../../lib/codec/wasm_codecs.ts";

const wasm = new URL("./zstd.wasm", import.meta.resolve("@bokuweb/zstd-wasm"));
const module = new WebAssembly.Module(Deno.readFileSync(wasm));

export const CODECS: GraphCodecs = wasmCodecs(
  module,
  (bytes, maxSize) => new Uint8Array(inflateSync(bytes, { out: new Uint8Array(maxSize) })),
);
