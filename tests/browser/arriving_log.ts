/** A chunk log of many quanta, all alike. @module */

import { ByteBuilder, concatBytes } from "../../lib/base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import { uuidToText } from "../../lib/base/uuid.ts";
import { ChunkType } from "../../lib/chunks/chunk_format.ts";
import { ChunkLogReader, QUANTUM } from "../../lib/chunks/reader.ts";
import { appendScanChunk } from "../../lib/chunks/scan_chunk.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { expectProvgraph, unpackFixture } from "../support/fixtures.ts";
import { NO_FILE } from "../../lib/chunks/scan_head.ts";

/** The log when it has just been begun, and with its quanta. */
export async function makeArrivingLog(
  n: number,
): Promise<{ head: Uint8Array; whole: Uint8Array }> {
  await using run = await unpackFixture("small-mixed", "before");
  await expectProvgraph(
    ["-q", "aggregate-graph", "predicted.qg", "repo", "-o", "run.qg", "--keep-chunks"],
    { cwd: run.path },
  );
  const path = run.join("run.qg.chunks");
  const zstd = await Zstd.load();
  const reader = ChunkLogReader.open(FileSource.open(path), zstd);
  const head = Deno.readFileSync(path).slice(0, reader.nHeaderBytes);
  const compressor = zstd.compressor(null, 1);
  const out = new ByteBuilder();
  for (const { place, head } of reader.liveChunks()) {
    if (place.type !== ChunkType.SCAN) continue;
    const text = decodeUtf8(reader.block(reader.read(place), QUANTUM)!);
    for (let i = 0; i < n; i++) {
      const quantumId = head.quantumId.slice();
      new DataView(quantumId.buffer).setUint32(12, i);
      const own = text.replace(uuidToText(head.quantumId), uuidToText(quantumId));
      appendScanChunk(out, ChunkType.SCAN, reader.graphHeader.int_size, {
        quantumId,
        scanStatus: head.scanStatus,
        lastAttemptStatus: head.lastAttemptStatus,
        flags: 0,
        log: NO_FILE,
        metadata: NO_FILE,
        proofs: null,
        quantumFrame: compressor.compress(encodeUtf8(own)),
        metadataFrame: null,
        logFrame: null,
        datasets: [],
      });
    }
    break;
  }
  reader.close();
  return { head, whole: concatBytes([head, out.take()]) };
}
