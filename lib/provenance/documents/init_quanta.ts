/**
 * Init quanta of a provenance graph. Source: `schema/quantum-graph.md`, section 8.2.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import { parseNatively } from "./native_json.ts";
import { objectOf, textOf } from "./fields.ts";

/** An init quantum of a provenance graph. */
interface InitQuantumDocument {
  /** Ids are text as it stands there. */
  quantumId: string;
  taskLabel: string;
  /** Dataset ids by connection. */
  inputs: ReadonlyMap<string, string>;
  outputs: ReadonlyMap<string, string>;
}

/** Reads the document of init quanta. @throws {SyntaxError} if it isn't one. */
export function readInitQuanta(text: Uint8Array): InitQuantumDocument[] {
  const list = parseNatively(text);
  if (!Array.isArray(list)) throw new SyntaxError("the init quanta are no array");
  return list.map((value) => {
    const object = objectOf(value, "an init quantum");
    return {
      quantumId: textOf(object.quantum_id, "quantum_id"),
      taskLabel: textOf(object.task_label, "task_label"),
      inputs: readEdges(object.inputs, "inputs"),
      outputs: readEdges(object.outputs, "outputs"),
    };
  });
}

function readEdges(value: JsonValue | undefined, what: string): Map<string, string> {
  const edges = value === undefined ? {} : objectOf(value, what);
  return new Map(
    Object.entries(edges).map(([connection, id]) => [connection, textOf(id, connection)]),
  );
}
