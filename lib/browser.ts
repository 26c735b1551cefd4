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

import type { FollowedLog } from "./browser/followed_log.ts";
import {
  followDocuments,
  openGraphDocuments,
  openRunDocuments,
  type PageOptions,
} from "./browser/open_documents.ts";
import type { GraphCodecs } from "./codec/codecs.ts";
import type { DocumentSource } from "./sources/source.ts";

export type { FollowedLog } from "./browser/followed_log.ts";
export type { GrownState } from "./browser/growing_log.ts";
export type { PageOptions } from "./browser/open_documents.ts";
export type { GraphCodecs, Inflate, ZstdDecompressor } from "./codec/codecs.ts";
export type {
  ParquetChunk,
  ParquetCodec,
  ParquetFile,
  ParquetMetadata,
  ParquetPageHeader,
  ParquetReader,
  ParquetReadRequest,
} from "./codec/parquet.ts";
export type { Fetch } from "./storage/http_source.ts";
export type { JsonValue } from "./base/json_text.ts";
export type {
  DimensionColumn,
  DimensionElement,
  DimensionUniverse,
  KeyType,
} from "./butler/dimensions/dimensions.ts";
export type { DimensionGroup } from "./butler/dimensions/dimension_group.ts";
export type {
  ChunkLogInfo,
  GraphInfo,
  HeaderInfo,
  IngestStage,
  RepositoryInfo,
  RunInfo,
  SourceInfo,
  TaskInfo,
} from "./sources/info.ts";
export type {
  DatasetRow,
  DatasetWish,
  QuantumWish,
  RowDimensions,
  RowKind,
  RowSource,
  StatusCounts,
  WishValue,
} from "./sources/rows.ts";
export type { Announcement, DataIdTerm, Selector } from "./sources/selector.ts";
export type { AttemptDocuments, DocumentSource } from "./sources/source.ts";
export type {
  TracedDataset,
  TracedQuantum,
  TraceKey,
  TraceSource,
} from "./sources/trace/trace_source.ts";
export { ProvgraphError, type ProvgraphErrorOptions } from "./base/errors.ts";
export { parseSelector } from "./sources/selector.ts";
export { wasmCodecs } from "./codec/wasm_codecs.ts";

/**
 * Opens a provenance graph: two requests, of its tail and of its head.
 *
 * @param place URL, or a dropped file.
 * @throws {ProvgraphError} that says what is wrong, and what to do: with the file (another format, cut,
 *   damaged), or with the server (no ranges, no CORS, link expired).
 */
export function openGraph(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): Promise<DocumentSource> {
  return openGraphDocuments(place, codecs, options);
}

/**
 * Opens a provenance graph or a chunk log, whichever is there; only the latter has `readNew`.
 *
 * ```ts
 * import { openRun, wasmCodecs } from "@provgraph/provgraph/browser";
 * import { inflateSync } from "fflate";
 *
 * const wasm = await Deno.readFile(new URL("./zstd.wasm", import.meta.resolve("@bokuweb/zstd-wasm")));
 * const codecs = wasmCodecs(
 *   await WebAssembly.compile(wasm),
 *   (bytes, maxSize) => new Uint8Array(inflateSync(bytes, { out: new Uint8Array(maxSize) })),
 * );
 * const bytes = await Deno.readFile("testdata/fixtures/medium/provenance.qg");
 * const run = await openRun(new Blob([bytes]), codecs);
 * if ("readNew" in run) {
 *   // Again and again, while the run goes on.
 *   await run.readNew((text) => console.log(JSON.parse(new TextDecoder().decode(text))), () => {});
 * } else {
 *   for await (const text of run.quanta()) JSON.parse(new TextDecoder().decode(text));
 * }
 * ```
 *
 * @throws {ProvgraphError} as {@linkcode openGraph}.
 */
export function openRun(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): Promise<DocumentSource | FollowedLog> {
  return openRunDocuments(place, codecs, options);
}

/** Follows a chunk log. Nothing is read before the first call of its `readNew` or `readHeader`. */
export function followChunkLog(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): FollowedLog {
  return followDocuments(place, codecs, options);
}
