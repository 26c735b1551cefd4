/**
 * provgraph as a library for browsers: opens a provenance graph by its URL, of which it reads the byte ranges
 * that are asked for, or a dropped file, and follows the chunk log of a run that is going on. Nothing in it
 * needs `eval`, Deno, Node or a package: Zstandard, as the compiled `zstd.wasm` of "@bokuweb/zstd-wasm", and
 * a function that inflates are handed in.
 *
 * ```ts
 * import { openGraph, parseSelector, wasmCodecs } from "@provgraph/provgraph/browser";
 * import { inflateSync } from "fflate";
 *
 * const wasm = await Deno.readFile(new URL("./zstd.wasm", import.meta.resolve("@bokuweb/zstd-wasm")));
 * const codecs = wasmCodecs(
 *   await WebAssembly.compile(wasm), // a page compiles what it has fetched
 *   (bytes, maxSize) => new Uint8Array(inflateSync(bytes, { out: new Uint8Array(maxSize) })),
 * );
 * // A page gives a URL, or the File that was dropped on it.
 * const file = new Blob([await Deno.readFile("testdata/fixtures/small-mixed/provenance.qg")]);
 * await using graph = await openGraph(file, codecs);
 * let n = 0;
 * for await (const _quantum of graph.quanta()) n++;
 * const failed = parseSelector(["calibrate", "visit=3", "detector=1"])!;
 * const { attempts } = await graph.attempts("log", failed);
 * if (n === 0 || attempts[0] === null) throw new Error("not as recorded");
 * ```
 *
 * A page's content security policy has to allow `'wasm-unsafe-eval'`, and the host of the graph in
 * `connect-src`; what the server has to allow is told in `schema/explore.md`.
 *
 * @module
 */

import { BlobSource } from "./browser/blob_source.ts";
import { growingBlob, growingUrl } from "./browser/growing_bytes.ts";
import { GrowingLogDocuments } from "./browser/growing_log_source.ts";
import { pageFetch } from "./browser/page_fetch.ts";
import { CHUNK_LOG_MAGIC } from "./chunks/chunk_format.ts";
import type { GraphCodecs } from "./codec/codecs.ts";
import { InvalidQuantumGraphFileError } from "./base/errors.ts";
import { ProvenanceGraph } from "./qg/provenance_graph.ts";
import { GraphDocuments } from "./sources/graph_source.ts";
import type { ByteSource } from "./storage/byte_source.ts";
import { type Fetch, HttpSource } from "./storage/http_source.ts";

export type { ZstdDecompressor } from "./codec/codecs.ts";
export type { GraphCodecs, Inflate } from "./codec/codecs.ts";
export type { Fetch } from "./storage/http_source.ts";
export type { DocumentSource } from "./sources/source.ts";
export { ProvgraphError } from "./base/errors.ts";
export { parseSelector } from "./sources/selector.ts";
export { wasmCodecs } from "./codec/wasm_codecs.ts";
export { GraphDocuments } from "./sources/graph_source.ts";
export { GrowingLogDocuments } from "./browser/growing_log_source.ts";

/** How a page reaches what it opens. */
export interface PageOptions {
  /** Asks servers; the page's own `fetch` if not given. */
  fetch?: Fetch;
}

/**
 * Opens a provenance graph: two requests, of its tail and of its head.
 *
 * @param place URL, or a dropped file.
 * @throws {ProvgraphError} that says what is wrong, and what to do: with the file (another format, cut,
 *   damaged), or with the server (no ranges, no CORS, link expired).
 */
export async function openGraph(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): Promise<GraphDocuments> {
  return new GraphDocuments(await ProvenanceGraph.open(await openBytes(place, options), codecs));
}

/**
 * Opens a provenance graph or a chunk log, whichever is there.
 *
 * @throws {ProvgraphError} as {@linkcode openGraph}.
 */
export async function openRun(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): Promise<GraphDocuments | GrowingLogDocuments> {
  const source = await openBytes(place, options);
  let magic: Uint8Array;
  try {
    magic = await source.read(Math.max(0, source.size - 22), Math.min(22, source.size));
    const isArchive = magic[0] === 0x50 && magic[1] === 0x4b;
    if (!isArchive) magic = await source.read(0, Math.min(CHUNK_LOG_MAGIC.length, source.size));
  } catch (error) {
    source.close();
    throw error;
  }
  if (CHUNK_LOG_MAGIC.every((byte, i) => magic[i] === byte)) {
    source.close();
    return followChunkLog(place, codecs, options);
  }
  try {
    return new GraphDocuments(await ProvenanceGraph.open(source, codecs));
  } catch (error) {
    if (!(error instanceof InvalidQuantumGraphFileError)) throw error;
    throw new InvalidQuantumGraphFileError(error.message, {
      cause: error,
      hint:
        "open a provenance graph, the whole .qg file that aggregate-graph writes, or its chunk log",
    });
  }
}

/** Follows a chunk log. Nothing is read before the first call of its `readNew`. */
export function followChunkLog(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): GrowingLogDocuments {
  const bytes = typeof place === "string"
    ? growingUrl(place, pageFetch(options.fetch ?? fetch))
    : growingBlob(place, "name" in place ? String(place.name) : "dropped file");
  return new GrowingLogDocuments(bytes, codecs);
}

async function openBytes(place: string | Blob, options: PageOptions): Promise<ByteSource> {
  if (typeof place !== "string") return new BlobSource(place);
  return await HttpSource.open(place, pageFetch(options.fetch ?? fetch));
}
