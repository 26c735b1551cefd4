/**
 * Whether every document of a provenance graph can be read: that its blocks decompress to what they are to
 * hold. It takes five times as long as all else that is checked, so it is left out for a graph that says
 * that its writer has seen to it, and whose blocks nobody has touched since.
 *
 * @module
 */

import { JsonCursor } from "../base/json_text.ts";
import { splitAttempts } from "../qg/attempts.ts";
import { DATASETS_MEMBER, LOGS_MEMBER, METADATA_MEMBER } from "../qg/member_names.ts";
import { parseBlock } from "../qg/parse_block.ts";
import type { ProvenanceGraph } from "../qg/provenance_graph.ts";

/** Quanta are read by whoever wants to know what the graph holds. */
const MEMBERS = [
  [DATASETS_MEMBER, "dataset", requireJson],
  [METADATA_MEMBER, "metadata", splitAttempts],
  [LOGS_MEMBER, "log", splitAttempts],
] as const;

/**
 * Reads all datasets, metadata and logs of a graph whose checksums have been compared, unless they are as
 * they were when they were checked.
 *
 * @throws {InvalidQuantumGraphFileError} if a block can't be decompressed, or is not the JSON it should be.
 */
export async function verifyDocuments(graph: ProvenanceGraph): Promise<void> {
  if (await graph.areBlocksAsChecked()) return;
  for (const [member, what, read] of MEMBERS) {
    await graph.forEachBlock(member, (text, offset) => {
      parseBlock({ graphName: graph.name, what, member, offset }, () => read(text));
    });
  }
}

function requireJson(text: Uint8Array): void {
  const cursor = new JsonCursor(text);
  cursor.skip();
  cursor.finish();
}
