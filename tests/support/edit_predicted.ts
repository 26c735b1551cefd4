/** Predicted graphs with changed text. @module */

import { concatBytes } from "../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { PredictedGraph } from "../../lib/qg/predicted_graph.ts";
import { parsePredictedQuantum } from "../../lib/qg/predicted_quantum.ts";
import { Zstd } from "../../lib/store/zstd.ts";
import { addressFile, block, buildZip, type TestRow, zipMembers } from "../qg/support.ts";

/** What a text becomes; the same text if it is to stay. */
export type TextChange = (text: string, n: number) => string;

const MEMBERS = {
  header: "header.json.zst",
  pipeline: "pipeline_graph.json.zst",
  initQuanta: "init_quanta.json.zst",
} as const;

/** Changes of documents, and of the blocks of quanta, which are counted from 0. */
export type GraphChanges = Partial<Record<keyof typeof MEMBERS | "quanta", TextChange>>;

/**
 * Writes a changed copy of a predicted graph that has no compression dictionary; addresses and checksums
 * are made to fit. The ids of quanta must stay.
 *
 * @returns how many texts were changed.
 */
export async function editPredicted(
  from: string,
  to: string,
  changes: GraphChanges,
): Promise<number> {
  const zstd = await Zstd.load();
  const compressor = zstd.compressor(null, 3);
  const decompressor = zstd.decompressor(null);
  using graph = await PredictedGraph.open(from, zstd);
  let nChanged = 0;
  const changed = (bytes: Uint8Array, change: TextChange, n: number): Uint8Array => {
    const text = new TextDecoder().decode(bytes);
    const after = change(text, n);
    if (after !== text) nChanged++;
    return compressor.compress(encodeUtf8(after));
  };
  const replaced: Record<string, Uint8Array> = {};
  const members = zipMembers(Deno.readFileSync(from));
  for (const [key, name] of Object.entries(MEMBERS)) {
    const change = changes[key as keyof typeof MEMBERS];
    if (change === undefined) continue;
    const { data } = members.find((member) => member.name === name)!;
    replaced[name] = changed(decompressor.decompress(data, name), change, 0);
  }
  if (changes.quanta !== undefined) {
    const { int_size } = graph.header;
    const blocks: Uint8Array[] = [];
    const rows: TestRow[] = [];
    let at = 0;
    for (const { text } of graph.blocks()) {
      const made = block(changed(text, changes.quanta, blocks.length), int_size);
      rows.push([parsePredictedQuantum(text).quantumId, at, made.length]);
      blocks.push(made);
      at += made.length;
    }
    replaced["quantum_datasets.mb"] = concatBytes(blocks);
    replaced["quanta.addr"] = addressFile(rows.sort(([a], [b]) => a < b ? -1 : 1), 1, int_size);
  }
  Deno.writeFileSync(
    to,
    buildZip(members.map(({ name, data }) => ({ name, data: replaced[name] ?? data }))),
  );
  return nChanged;
}
