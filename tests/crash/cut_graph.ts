/** Predicted graphs of very few quanta, cut from a real one. @module */

import { concatBytes } from "../../lib/base/bytes.ts";
import { encodeUtf8, parseJson, stringifyJson } from "../../lib/base/json_text.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import {
  parsePredictedQuantum,
  type PredictedQuantum,
} from "../../lib/qg/predicted/predicted_quantum.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { addressFile, buildZip, type TestRow, zipMembers } from "../qg/support.ts";

/** Keeps the first `n` blocks of a predicted graph that has no compression dictionary. */
export async function cutGraph(from: string, to: string, n: number): Promise<void> {
  const zstd = await Zstd.load();
  using graph = await PredictedGraph.open(from, zstd);
  const members = zipMembers(Deno.readFileSync(from));
  const blocks = members.find(({ name }) => name === "quantum_datasets.mb")!.data;
  const kept: Uint8Array[] = [];
  const rows: TestRow[] = [];
  const nByTask: Record<string, number> = {};
  let size = 0;
  const datasets = new Set<string>();
  const count = ({ inputs, outputs }: PredictedQuantum) => {
    for (const list of [...inputs.values(), ...outputs.values()]) {
      for (const { idText } of list) datasets.add(idText);
    }
  };
  // "packages" is the output of no task; graphs don't count it.
  graph.initQuanta().filter((quantum) => quantum.taskLabel !== "").forEach(count);
  for (const block of graph.blocks()) {
    if (kept.length === n) break;
    const quantum = parsePredictedQuantum(block.text);
    const { quantumId, taskLabel } = quantum;
    count(quantum);
    kept.push(blocks.slice(block.offset, block.offset + block.size));
    rows.push([quantumId, size, block.size]);
    size += block.size;
    nByTask[taskLabel] = (nByTask[taskLabel] ?? 0) + 1;
  }
  const header = parseJson(graph.headerText) as Record<string, unknown>;
  const headerText = stringifyJson(
    {
      ...header,
      n_quanta: n,
      n_datasets: datasets.size,
      n_task_quanta: nByTask,
    } as never,
  );
  const replaced: Record<string, Uint8Array> = {
    "header.json.zst": zstd.compressor(null, 10).compress(encodeUtf8(headerText)),
    "quantum_datasets.mb": concatBytes(kept),
    "quanta.addr": addressFile(
      rows.sort(([a], [b]) => a < b ? -1 : 1),
      1,
      graph.header.int_size,
    ),
  };
  Deno.writeFileSync(
    to,
    buildZip(members.map(({ name, data }) => ({ name, data: replaced[name] ?? data }))),
  );
}
