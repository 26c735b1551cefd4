/**
 * `cat` of a log or of metadata by ID out of a local provenance graph, which is what scripts and people ask for
 * again and again: with a quarter less to load.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import { visibleBytes, visibleText } from "../../base/text/visible_text.ts";
import { Zstd } from "../../codec/zstd.ts";
import { writeAsText } from "../../inspect/cat/cat_text.ts";
import { type NodeAddresses, ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { parseSelector, type Selector } from "../../sources/selector.ts";
import { FileSource } from "../../storage/file_source.ts";
import { splitAttempts } from "../../qg/attempts.ts";

/** A document that is looked for. */
export interface LookUp {
  /** SOURCE, as the user gave it. */
  source: string;
  what: "log" | "metadata";
  idWords: readonly string[];
  /** RUN that the source has to be of, or null. */
  run: string | null;
}

/** Where the graph is. */
interface GraphPlace {
  /** Tells its path. @throws {ProvgraphError} if SOURCE names none. */
  path: () => string;
  /** How messages name the source; null is as the graph. */
  sourceName: string | null;
}

/**
 * Prints the last attempt's document as text.
 *
 * @returns false, and nothing was printed, where `cat()` has to do it.
 */
export async function quickCat(
  request: LookUp,
  place: GraphPlace,
  output: (text: Uint8Array | string) => void,
): Promise<boolean> {
  const found = await lookUp(request, place);
  if (found === null) return false;
  const { what, idWords } = request;
  const name = `${what} of "${idWords.join(" ")}" in ${found.source}`;
  writeAsText(
    what,
    found.text,
    name,
    (text) => output(typeof text === "string" ? visibleText(text) : visibleBytes(text)),
  );
  return true;
}

/**
 * Text of the last attempt's document, and the name of its source; null wherever anything is out of the
 * ordinary: `openSource()` and `cat()` do all, and say what is wrong.
 */
async function lookUp(
  { what, idWords, run }: LookUp,
  { path, sourceName }: GraphPlace,
): Promise<{ text: Uint8Array; source: string } | null> {
  if (idWords.length !== 1) return null;
  try {
    const selector = parseSelector(idWords)!;
    const file = FileSource.open(path());
    using graph = await ProvenanceGraph.open(file, Zstd.forFewReads());
    if (run !== null && graph.header.output_run !== run) return null;
    const node = await findNode(graph, selector);
    if (node === null || node[what].size === 0) return null;
    const text = what === "log"
      ? await graph.readLog(node.log)
      : await graph.readMetadata(node.metadata);
    const range = splitAttempts(text).at(-1) ?? null;
    const source = sourceName ?? `provenance graph "${graph.name}"`;
    return range && { text: text.subarray(...range), source };
  } catch (error) {
    if (error instanceof ProvgraphError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The node that an ID or a part of one names; null if that isn't clear. */
async function findNode(
  graph: ProvenanceGraph,
  selector: Selector,
): Promise<NodeAddresses | null> {
  if (selector.kind === "id") return await graph.find(selector.id);
  if (selector.kind !== "prefix") return null;
  const found = await graph.findPrefix(selector.hex, 2);
  return found.length === 1 ? found[0] : null;
}
