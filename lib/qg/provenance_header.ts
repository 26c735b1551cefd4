/**
 * Makes the header of a provenance graph of that of the predicted one.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { encodeUtf8, JsonCursor } from "../base/json_text.ts";
import { nodeCrypto } from "../base/node_modules.ts";
import { UUID_SIZE, uuidToText } from "../base/uuid.ts";

/**
 * Text of the provenance graph's header: the predicted graph's, with the value of `graph_type`
 * replaced, and version 0 made 1 (the provenance layout is that of version 1). A graph of a release that
 * gave it no ID for its provenance gets one, always the same. All other bytes stay as they are: counts,
 * times and free-form metadata keep their text.
 *
 * @throws {SyntaxError} if the text isn't a JSON object.
 *
 * Source: `schema/quantum-graph.md`, section 5.
 */
export function provenanceHeaderText(predictedHeaderText: Uint8Array): Uint8Array<ArrayBuffer> {
  const cursor = new JsonCursor(predictedHeaderText);
  const parts: Uint8Array[] = [];
  let copied = 0;
  let hasType = false;
  let hasId = false;
  cursor.beginObject();
  const bodyStart = cursor.position;
  let nMembers = 0;
  while (cursor.nextMember()) {
    nMembers++;
    const key = cursor.key;
    const [start, end] = cursor.skipRange();
    let replacement: string;
    if (key === "graph_type") {
      hasType = true;
      replacement = '"provenance"';
    } else if (key === "provenance_dataset_id") {
      hasId = end - start > 2;
      if (hasId) continue;
      replacement = `"${derivedId(predictedHeaderText)}"`;
      hasId = true;
    } else if (key === "version" && Number(asciiOf(predictedHeaderText, start, end)) === 0) {
      replacement = "1";
    } else {
      continue;
    }
    parts.push(predictedHeaderText.subarray(copied, start), encodeUtf8(replacement));
    copied = end;
  }
  cursor.finish();
  parts.push(predictedHeaderText.subarray(copied));
  // The type can't be missing behind parseHeader().
  const added = [
    ...(hasType ? [] : ['"graph_type":"provenance"']),
    ...(hasId ? [] : [`"provenance_dataset_id":"${derivedId(predictedHeaderText)}"`]),
  ];
  if (added.length === 0) return concatBytes(parts);
  const text = concatBytes(parts);
  return concatBytes([
    text.subarray(0, bodyStart),
    encodeUtf8(added.join(",") + (nMembers === 0 ? "" : ",")),
    text.subarray(bodyStart),
  ]);
}

/**
 * A UUID of version 8 that depends on the text alone: the same graph aggregated again has the same one.
 */
function derivedId(text: Uint8Array): string {
  const digest = new Uint8Array(nodeCrypto().createHash("sha256").update(text).digest());
  digest[6] = 0x80 | digest[6] & 0x0f;
  digest[8] = 0x80 | digest[8] & 0x3f;
  return uuidToText(digest.subarray(0, UUID_SIZE));
}

function asciiOf(text: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...text.subarray(start, Math.min(end, start + 32)));
}
