/**
 * Opens what a page is given: a graph or a chunk log, by its URL or as a dropped file.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { CHUNK_LOG_MAGIC } from "../chunks/chunk_format.ts";
import type { GraphCodecs } from "../codec/codecs.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { GraphDocuments } from "../sources/graph_source.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { type Fetch, HttpSource } from "../storage/http_source.ts";
import { BlobSource } from "./blob_source.ts";
import { PARTS_AT_HAND } from "./graph_parts.ts";
import { growingBlob, growingUrl } from "./growing_bytes.ts";
import { GrowingLogDocuments } from "./growing_log_source.ts";
import { pageFetch } from "./page_fetch.ts";

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
export async function openGraphDocuments(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): Promise<GraphDocuments> {
  return graphDocuments(await openBytes(place, options), codecs);
}

/**
 * Opens a provenance graph or a chunk log, whichever is there.
 *
 * @throws {ProvgraphError} as {@linkcode openGraphDocuments}.
 */
export async function openRunDocuments(
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
    return followDocuments(place, codecs, options);
  }
  try {
    return await graphDocuments(source, codecs);
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
export function followDocuments(
  place: string | Blob,
  codecs: GraphCodecs,
  options: PageOptions = {},
): GrowingLogDocuments {
  const bytes = typeof place === "string"
    ? growingUrl(place, pageFetch(options.fetch ?? fetch))
    : growingBlob(place, "name" in place ? String(place.name) : "dropped file");
  return new GrowingLogDocuments(bytes, codecs);
}

async function graphDocuments(source: ByteSource, codecs: GraphCodecs): Promise<GraphDocuments> {
  const graph = await ProvenanceGraph.open(source, codecs);
  return new GraphDocuments(graph, false, PARTS_AT_HAND);
}

async function openBytes(place: string | Blob, options: PageOptions): Promise<ByteSource> {
  if (typeof place !== "string") return new BlobSource(place);
  return await HttpSource.open(place, pageFetch(options.fetch ?? fetch));
}
