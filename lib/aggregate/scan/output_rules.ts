/**
 * What the outputs of predicted quanta must be like, told while the graph is indexed: a quantum that no
 * scan could use is refused before anything is changed.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { parseNatively } from "../../provenance/documents/native_json.ts";
import { uuidToText } from "../../base/uuid.ts";
import { dataIdFromCoordinate } from "../../butler/dimensions/data_id.ts";
import { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import { OutputTypes } from "../../provenance/output_types.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import type { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import type { OutputRules } from "../../qg/predicted/predicted_ids.ts";

/** Values of a data ID. */
export function parseCoordinate(bytes: Uint8Array): JsonValue[] {
  return parseNatively(bytes) as JsonValue[];
}

/**
 * Position of the type of an output.
 *
 * @param output Type and RUN, and what errors call it.
 * @throws {InvalidQuantumGraphFileError} if no task writes that type, or the RUN is another one.
 */
export function outputTypeIndex(
  types: OutputTypes,
  graph: { path: string; run: string },
  output: { typeName: string; run: string; name: string },
): number {
  const typeIndex = types.indexOf(output.typeName);
  if (typeIndex >= 0 && output.run === graph.run) return typeIndex;
  throw new InvalidQuantumGraphFileError(
    `Cannot use ${output.name} of "${graph.path}": ` +
      (typeIndex < 0
        ? `no task of the pipeline writes dataset type "${output.typeName}"`
        : `its RUN is "${output.run}", expected "${graph.run}"`),
  );
}

/**
 * Refuses a quantum whose files can't be told.
 *
 * @throws {InvalidQuantumGraphFileError} if it has not one metadata dataset, or several logs.
 */
export function requireFiles(
  graphPath: string,
  quantumId: string,
  connection: string,
  nDatasets: number,
): void {
  if (nDatasets === 1 || (nDatasets === 0 && connection !== METADATA_CONNECTION)) return;
  throw new InvalidQuantumGraphFileError(
    `Cannot use quantum ${quantumId} of "${graphPath}": it has ${nDatasets} datasets for ` +
      `${connection}, expected 1`,
  );
}

/** The rules of one graph's pipeline. */
export class PipelineRules implements OutputRules {
  readonly #graph: { path: string; run: string };
  readonly #types: OutputTypes;
  readonly #universe: DimensionUniverse;
  /** By type: the same number for the same dimensions. */
  readonly #groups: readonly number[];
  /** The data ID that was found to be right last, which most outputs of a quantum share. */
  #text: Uint8Array | null = null;
  #range: readonly [number, number] = [0, 0];
  #group = -1;

  private constructor(graph: PredictedGraph, universe: DimensionUniverse) {
    this.#graph = { path: graph.path, run: graph.header.output_run };
    this.#universe = universe;
    this.#types = new OutputTypes(graph.pipelineGraph(), universe);
    const keys = this.#types.types.map(({ group }) => group.names.join());
    this.#groups = keys.map((key) => keys.indexOf(key));
  }

  /** The rules of a graph; null if it doesn't say what its dimensions are. */
  static of(graph: PredictedGraph): PipelineRules | null {
    const text = graph.pipelineGraph().dimensionsText;
    return text === null ? null : new PipelineRules(graph, DimensionUniverse.parse(text));
  }

  checkOutput(
    text: Uint8Array,
    { typeName, run, coordinateRange }: {
      typeName: string;
      run: string;
      coordinateRange: readonly [number, number];
    },
  ): void {
    const known = run === this.#graph.run ? this.#types.indexOf(typeName) : -1;
    const isSame = known >= 0 && this.#group === this.#groups[known] && this.#text === text &&
      areSame(text, this.#range, coordinateRange);
    if (isSame) return;
    const name = `a dataset of type "${typeName}"`;
    const typeIndex = outputTypeIndex(this.#types, this.#graph, { typeName, run, name });
    const [start, end] = coordinateRange;
    const values = start === end ? [] : parseCoordinate(text.subarray(start, end));
    dataIdFromCoordinate(
      this.#types.types[typeIndex].group,
      this.#universe,
      values,
      () => `${name} in "${this.#graph.path}"`,
    );
    this.#text = text;
    this.#range = coordinateRange;
    this.#group = this.#groups[typeIndex];
  }

  checkFiles(quantumId: Uint8Array, nMetadata: number, nLogs: number): void {
    if (nMetadata === 1 && nLogs <= 1) return;
    const id = uuidToText(quantumId);
    requireFiles(this.#graph.path, id, METADATA_CONNECTION, nMetadata);
    requireFiles(this.#graph.path, id, LOG_CONNECTION, nLogs);
  }
}

function areSame(
  text: Uint8Array,
  [start, end]: readonly [number, number],
  [otherStart, otherEnd]: readonly [number, number],
): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let i = 0; i < end - start; i++) {
    if (text[start + i] !== text[otherStart + i]) return false;
  }
  return true;
}
