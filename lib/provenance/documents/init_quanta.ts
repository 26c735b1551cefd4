/**
 * Init quanta of a provenance graph.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";

/** An init quantum of a provenance graph: dataset ids, as text, by connection. */
export interface InitQuantumSummary {
  quantumId: string;
  taskLabel: string;
  outputs: Map<string, string>;
}

/**
 * Reads the document of init quanta (`schema/quantum-graph.md`, section 8.2).
 *
 * @throws {SyntaxError} if it isn't one.
 */
export function parseInitQuantumSummaries(text: Uint8Array): InitQuantumSummary[] {
  const result: InitQuantumSummary[] = [];
  const cursor = new JsonCursor(text);
  cursor.beginArray();
  while (cursor.nextElement()) {
    const init: InitQuantumSummary = { quantumId: "", taskLabel: "", outputs: new Map() };
    cursor.beginObject();
    while (cursor.nextMember()) {
      switch (cursor.key) {
        case "quantum_id":
          init.quantumId = cursor.readString();
          break;
        case "task_label":
          init.taskLabel = cursor.readString();
          break;
        case "outputs":
          cursor.beginObject();
          while (cursor.nextMember()) {
            const connection: string = cursor.key;
            init.outputs.set(connection, cursor.readString());
          }
          break;
        default:
          cursor.skip();
      }
    }
    result.push(init);
  }
  cursor.finish();
  return result;
}
