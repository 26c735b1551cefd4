/**
 * Header chunk of a chunk log: which graph the chunks belong to, and the dictionary they are
 * compressed with. Byte map in `schema/chunk-log.md`.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { InvalidChunkLogError } from "../base/errors.ts";
import { encodeUtf8, JsonCursor } from "../base/json_text.ts";
import { CHUNK_LOG_VERSION, ChunkType, makeChunk, MIN_CHUNK_LOG_VERSION } from "./chunk_format.ts";

/** What the header chunk says. */
export interface ChunkLogHeader {
  version: number;
  /** Hexadecimal SHA-256, see `fingerprint.ts`. */
  fingerprint: string;
  /** Decoded header of the predicted graph, for messages and readers. */
  graphHeaderText: Uint8Array;
  /** Raw-content dictionary, empty for none. */
  dictionary: Uint8Array;
  /** Pipeline graph, one zstd frame without dictionary: dimensions and configs for readers. */
  pipelineGraphFrame: Uint8Array;
}

/** Makes the header chunk. The body is the graph's header text, the dictionary, the pipeline graph. */
export function makeHeaderChunk(
  { fingerprint, graphHeaderText, dictionary, pipelineGraphFrame }: Omit<ChunkLogHeader, "version">,
): Uint8Array<ArrayBuffer> {
  const head = encodeUtf8(JSON.stringify({
    version: CHUNK_LOG_VERSION,
    fingerprint,
    header_size: graphHeaderText.length,
    dictionary_size: dictionary.length,
    pipeline_graph_size: pipelineGraphFrame.length,
  }));
  return makeChunk(
    ChunkType.HEADER,
    head,
    concatBytes([graphHeaderText, dictionary, pipelineGraphFrame]),
  );
}

/**
 * Reads the header chunk.
 *
 * @throws {InvalidChunkLogError} if it is damaged or of another version.
 */
export function parseChunkLogHeader(
  head: Uint8Array,
  body: Uint8Array,
  fileName: string,
): ChunkLogHeader {
  const numbers: Record<string, number> = {};
  let fingerprint = "";
  try {
    const cursor = new JsonCursor(head);
    cursor.beginObject();
    while (cursor.nextMember()) {
      const key: string = cursor.key;
      if (key === "fingerprint") fingerprint = cursor.readString();
      else if (cursor.kind() === "number") numbers[key] = cursor.readNumber();
      else cursor.skip();
    }
    cursor.finish();
  } catch (error) {
    throw new InvalidChunkLogError(
      `Cannot read chunk log "${fileName}": its header is no JSON object: ${decodeSafely(error)}`,
    );
  }
  const { version } = numbers;
  if (
    !Number.isInteger(version) || version < MIN_CHUNK_LOG_VERSION || version > CHUNK_LOG_VERSION
  ) {
    throw new InvalidChunkLogError(
      `Cannot read chunk log "${fileName}": its version is ${version}, ` +
        `expected ${MIN_CHUNK_LOG_VERSION} to ${CHUNK_LOG_VERSION}`,
      { hint: "use the version of this tool that wrote it, or move the file away to scan anew" },
    );
  }
  const sizes = [numbers.header_size, numbers.dictionary_size, numbers.pipeline_graph_size];
  if (!sizes.every((size) => size >= 0) || sizes.reduce((a, b) => a + b) !== body.length) {
    throw new InvalidChunkLogError(
      `Cannot read chunk log "${fileName}": the sizes in its header don't fit`,
    );
  }
  const pipelineStart = sizes[0] + sizes[1];
  return {
    version,
    fingerprint,
    graphHeaderText: body.slice(0, sizes[0]),
    dictionary: body.slice(sizes[0], pipelineStart),
    pipelineGraphFrame: body.slice(pipelineStart),
  };
}

function decodeSafely(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
