/** What content there is below a directory, in files and in provenance graphs, whatever they are called. */

import { parseJson } from "../../lib/base/json_text.ts";
import type { PipelineGraph } from "../../lib/qg/pipeline_graph.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { sha256 } from "./python_json.ts";
import {
  logFingerprint,
  logTextFingerprint,
  metadataFingerprint,
  metadataTextFingerprint,
} from "./payload_hashes.ts";
import { splitAttempts } from "../../lib/qg/attempts.ts";

/** Files that hold nothing of a dataset. */
const NO_CONTENT = /\.(?:sqlite3.*|lock|chunks)$|\/butler\.yaml$|\.lock\.|\.tmp-/;

/** Something that is held, under each of the fingerprints by which it may be found again. */
export interface Content {
  place: string;
  prints: string[];
}

/** All content. */
export async function contentsOf(directory: string): Promise<Content[]> {
  const found: Content[] = [];
  for (const path of files(directory)) {
    if (NO_CONTENT.test(path)) continue;
    if (path.endsWith(".qg")) {
      for (const print of await graphContents(path)) found.push({ place: path, prints: [print] });
    } else found.push({ place: path, prints: filePrints(path) });
  }
  return found;
}

/** What is in the first and not in the second, wherever it may be there. */
export function lostContents(before: readonly Content[], after: readonly Content[]): Content[] {
  const kept = new Set(after.flatMap(({ prints }) => prints));
  return before.filter(({ prints }) => !prints.some((print) => kept.has(print)));
}

function* files(directory: string): Generator<string> {
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(directory)) {
    // What a link leads to is content of its own place.
    if (isSymlink) continue;
    if (isDirectory) yield* files(`${directory}/${name}`);
    else yield `${directory}/${name}`;
  }
}

function filePrints(path: string): string[] {
  const bytes = Deno.readFileSync(path);
  const prints = [`bytes ${sha256(bytes)}`];
  const forms = [
    () => `log ${logTextFingerprint(bytes).sha256}`,
    () => `metadata ${metadataTextFingerprint(bytes).sha256}`,
  ];
  for (const form of path.endsWith(".json") ? forms : []) {
    try {
      prints.push(form());
    } catch {
      // It isn't one.
    }
  }
  return prints;
}

/** Last attempts of logs and metadata, and configs; nothing of a graph that can't be read. */
async function graphContents(path: string): Promise<string[]> {
  const prints: string[] = [];
  let graph: ProvenanceGraph | null = null;
  try {
    graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
    for (const [member, kind] of [["logs.mb", "log"], ["metadata.mb", "metadata"]] as const) {
      for await (const { text } of graph.blocks(member)) {
        const last = splitAttempts(text).at(-1);
        if (last == null) continue;
        const value = parseJson(text.subarray(...last));
        prints.push(
          kind === "log"
            ? `log ${logFingerprint(value).sha256}`
            : `metadata ${metadataFingerprint(value).sha256}`,
        );
      }
    }
    const pipeline: PipelineGraph = await graph.pipelineGraph();
    for (const task of pipeline.tasks.values()) prints.push(`bytes ${sha256(task.configText())}`);
  } catch {
    // Damaged, or a predicted graph.
  } finally {
    graph?.close();
  }
  return prints;
}
