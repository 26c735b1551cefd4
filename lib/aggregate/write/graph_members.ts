/**
 * The documents of a provenance graph: all of its members but blocks and addresses of them. The main
 * thread makes them, which has the predicted graph and the codec at hand.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../../base/errors.ts";
import { encodeUtf8 } from "../../base/json_text.ts";
import type { ZstdCompressor } from "../../codec/codecs.ts";
import {
  DICTIONARY_MEMBER,
  HEADER_MEMBER,
  INIT_QUANTA_MEMBER,
  PACKAGES_MEMBER,
  PIPELINE_GRAPH_MEMBER,
} from "../../qg/member_names.ts";
import type { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import type { PredictedQuantum } from "../../qg/predicted/predicted_quantum.ts";
import { provenanceHeaderText } from "../../qg/provenance_header.ts";
import type { GraphMember } from "../messages.ts";

/**
 * Makes them, in the order in which they are written.
 *
 * @param packagesText JSON object of package versions.
 * @throws {InvalidQuantumGraphFileError} if an init quantum can't be understood.
 */
export function makeDocuments(
  graph: PredictedGraph,
  dictionary: Uint8Array,
  compressor: ZstdCompressor,
  packagesText: Uint8Array,
): GraphMember[] {
  const { headerText, pipelineGraphText, path } = graph;
  const text = (name: string, bytes: Uint8Array) => ({ name, bytes: compressor.compress(bytes) });
  return [
    text(HEADER_MEMBER, provenanceHeaderText(headerText)),
    { name: DICTIONARY_MEMBER, bytes: dictionary },
    text(PIPELINE_GRAPH_MEMBER, pipelineGraphText),
    text(PACKAGES_MEMBER, packagesText),
    text(INIT_QUANTA_MEMBER, initQuantaText(graph.initQuanta(), path)),
  ];
}

/**
 * The document of init quanta: one entry a task, dataset ids only (`schema/quantum-graph.md`,
 * section 8.2).
 */
function initQuantaText(
  quanta: readonly PredictedQuantum[],
  fileName: string,
): Uint8Array<ArrayBuffer> {
  const edges = (map: PredictedQuantum["inputs"], quantum: PredictedQuantum): string => {
    const members: string[] = [];
    for (const [connection, datasets] of map) {
      if (datasets.length !== 1) {
        throw new InvalidQuantumGraphFileError(
          `Cannot use init quantum ${quantum.quantumId} of "${fileName}": ${connection} has ` +
            `${datasets.length} datasets, expected 1`,
        );
      }
      members.push(`${JSON.stringify(connection)}:"${datasets[0].idText}"`);
    }
    return `{${members.join(",")}}`;
  };
  const entries = quanta.filter((quantum) => quantum.taskLabel !== "").map((quantum) =>
    `{"quantum_id":"${quantum.quantumId}","task_label":${
      JSON.stringify(quantum.taskLabel)
    },"inputs":${edges(quantum.inputs, quantum)},"outputs":${edges(quantum.outputs, quantum)}}`
  );
  return encodeUtf8(`[${entries.join(",")}]`);
}
