/**
 * Whether all that a chunk log holds is in a provenance graph too: by content, not by names or times.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { FileSource } from "../../storage/file_source.ts";
import { Zstd } from "../../codec/zstd.ts";
import { ChunkLogReader, LOG, METADATA, QUANTUM } from "../../chunks/reader.ts";
import type { Address } from "../../qg/address_rows.ts";
import { ChunkType } from "../../chunks/chunk_format.ts";

/**
 * Compares quanta, logs and metadata of every chunk that counts with those of the graph. Memory: 29 bytes
 * a chunk. Damage on either side says no.
 *
 * @throws {EnvironmentError} if a file can't be read.
 */
export async function isChunkLogInGraph(chunksPath: string, graphPath: string): Promise<boolean> {
  const zstd = await Zstd.load();
  await zstd.prepare();
  let log: ChunkLogReader | null = null;
  let graph: ProvenanceGraph | null = null;
  try {
    const source = FileSource.open(chunksPath);
    if (source.size === 0) {
      source.close();
      return true;
    }
    log = ChunkLogReader.open(source, zstd);
    graph = await ProvenanceGraph.open(FileSource.open(graphPath), zstd);
    await graph.verifyStructure();
    return await isInGraph(log, graph);
  } catch (error) {
    const isDamage = error instanceof SyntaxError || error instanceof RangeError ||
      (error instanceof ProvgraphError && error.exitCode === 2);
    if (isDamage) return false;
    throw error;
  } finally {
    log?.close();
    graph?.close();
  }
}

async function isInGraph(log: ChunkLogReader, graph: ProvenanceGraph): Promise<boolean> {
  if (log.graphHeader.output_run !== graph.header.output_run) return false;
  for (const { place, head } of log.liveChunks()) {
    if (place.type === ChunkType.INIT) continue;
    const node = await graph.find(head.quantumId);
    if (node === null) return false;
    const chunk = log.read(place);
    const pairs: [which: number, address: Address, read: () => Promise<Uint8Array>][] = [
      [QUANTUM, node.quantum, () => graph.readQuantum(node.quantum)],
      [METADATA, node.metadata, () => graph.readMetadata(node.metadata)],
      [LOG, node.log, () => graph.readLog(node.log)],
    ];
    for (const [which, address, read] of pairs) {
      const text = log.block(chunk, which);
      if (text === null) continue;
      if (address.size === 0 || !isEqual(text, await read())) return false;
    }
  }
  return true;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
