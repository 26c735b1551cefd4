/**
 * The predicted graph of a simulated run.
 *
 * Source: `schema/quantum-graph.md`, section 7.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/json_text.ts";
import { UUID_SIZE, uuidToText } from "../base/uuid.ts";
import { PredictedGraphWriter } from "../qg/predicted/predicted_graph_writer.ts";
import type { Zstd } from "../codec/zstd.ts";
import type { InputRecords } from "./inputs.ts";
import { PACKAGES_TYPE, pipelineGraphText } from "./pipeline.ts";
import {
  type ConnectionDatasets,
  INPUT_CHAIN,
  OUTPUT_CHAIN,
  OUTPUT_RUN,
  type Quanta,
  type SimulatedRun,
} from "./run.ts";
import { dimensionRows, Hash, type RecordValue, Region, Timespan } from "./survey.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";

/** Level of compression, as the reference's. */
const LEVEL = 10;
/** Bytes of the compression dictionary, and the part of it that one quantum may have. */
const DICTIONARY_SIZE = 2 ** 15;
const SAMPLE_SIZE = 2 ** 12;

/** Elements whose records data IDs of the run need. */
const GRAPH_ELEMENTS = new Set([
  ...["instrument", "band", "physical_filter", "day_obs", "detector", "group", "exposure", "visit"],
  ...["visit_detector_region", "skymap", "tract", "patch"],
]);

/** What the header says of how the graph was made. */
interface GraphOrigin {
  command: string;
}

/**
 * Writes the predicted graph.
 *
 * @returns bytes of the file.
 * @throws {EnvironmentError} if it can't be written; then there is none.
 */
export function writePredictedGraph(
  path: string,
  run: SimulatedRun,
  records: InputRecords,
  zstd: Zstd,
  origin: GraphOrigin,
): number {
  const texts = new QuantumTexts(run, records);
  const dictionary = makeDictionary(run, texts);
  using writer = new PredictedGraphWriter(path, zstd.compressor(dictionary, LEVEL), dictionary);
  for (const quanta of run.tasks) {
    for (let i = 0; i < quanta.n; i++) {
      writer.addQuantum(quanta.ids, i * UUID_SIZE, encodeUtf8(texts.quantum(quanta, i)));
    }
  }
  return writer.finish({
    version: 1,
    graph_type: "predicted",
    inputs: [INPUT_CHAIN],
    output: OUTPUT_CHAIN,
    output_run: OUTPUT_RUN,
    user: "provgraph",
    timestamp: "2026-07-15T00:00:00.000000",
    command: origin.command,
    metadata: { comment: "simulated: nothing of this was observed or computed", seed: run.seed },
    int_size: 8,
    n_quanta: run.nQuanta,
    n_datasets: run.nDatasets,
    n_task_quanta: Object.fromEntries(run.tasks.map(({ task, n }) => [task.label, n])),
    provenance_dataset_id: uuidToText(run.provenanceId),
  }, {
    pipelineGraph: encodeUtf8(pipelineGraphText(run.universe)),
    thinGraph: thinGraph(run),
    dimensionData: dimensionData(run),
    initQuanta: encodeUtf8(texts.initQuanta()),
  });
}

/** Raw content that blocks have in common: samples of every task. */
function makeDictionary(run: SimulatedRun, texts: QuantumTexts): Uint8Array<ArrayBuffer> {
  const parts: string[] = [];
  const nSamples = Math.ceil(DICTIONARY_SIZE / SAMPLE_SIZE / run.tasks.length);
  for (const quanta of run.tasks) {
    for (let i = 0; i < nSamples; i++) {
      const index = Math.floor(i * quanta.n / nSamples);
      parts.push(texts.quantum(quanta, index).slice(-SAMPLE_SIZE));
    }
  }
  return encodeUtf8(parts.join("").slice(-DICTIONARY_SIZE));
}

/** Text of predicted quanta. */
class QuantumTexts {
  readonly #run: SimulatedRun;
  readonly #records: InputRecords;

  constructor(run: SimulatedRun, records: InputRecords) {
    this.#run = run;
    this.#records = records;
  }

  quantum(quanta: Quanta, index: number): string {
    const { task } = quanta;
    const inputs = this.#run.inputs(quanta, index);
    return this.#text(
      this.#run.quantumId(quanta, index),
      task.label,
      coordinateText(this.#run.dataId(task.grain, index)),
      inputs,
      this.#run.outputs(quanta, index),
      this.#records.text(inputs),
    );
  }

  initQuanta(): string {
    const packages = this.#run.types.get(PACKAGES_TYPE)!;
    const id = (i: number) => uuidToText(this.#run.initIds, i * UUID_SIZE);
    const outputs = [{ connection: "packages", datasets: packages, indices: [0] }];
    const parts = [this.#text(id(0), "", "[]", [], outputs, "{}")];
    this.#run.tasks.forEach(({ task }, i) => {
      const { inputs, outputs } = this.#run.initDatasets(task);
      parts.push(this.#text(id(i + 1), task.label, "[]", inputs, outputs, "{}"));
    });
    return `[${parts.join(",")}]`;
  }

  #text(
    id: string,
    label: string,
    coordinate: string,
    inputs: readonly ConnectionDatasets[],
    outputs: readonly ConnectionDatasets[],
    datastoreRecords: string,
  ): string {
    return `{"quantum_id":"${id}","task_label":"${label}","data_coordinate":${coordinate},` +
      `"inputs":${this.#connections(inputs)},"outputs":${this.#connections(outputs)},` +
      `"datastore_records":${datastoreRecords}}`;
  }

  #connections(connections: readonly ConnectionDatasets[]): string {
    return `{${
      connections.map(({ connection, datasets, indices }) => {
        const { type, run } = datasets;
        const items: string[] = [];
        for (let i = 0; i < indices.length; i++) {
          items.push(
            `{"dataset_id":"${this.#run.datasetId(datasets, indices[i])}",` +
              `"dataset_type_name":"${type.name}",` +
              `"data_coordinate":${coordinateText(this.#run.dataId(type.grain, indices[i]))},` +
              `"run":"${run}"}`,
          );
        }
        return `"${connection}":[${items.join(",")}]`;
      }).join(",")
    }}`;
  }
}

/** JSON of a data ID; its strings need no escapes. */
function coordinateText(values: readonly DataIdValue[]): string {
  return `[${values.map((value) => typeof value === "string" ? `"${value}"` : value).join(",")}]`;
}

function thinGraph(run: SimulatedRun): Uint8Array {
  const out = new ByteBuilder();
  out.text('{"quanta":{');
  run.tasks.forEach((quanta, t) => {
    out.text(`${t > 0 ? "," : ""}"${quanta.task.label}":[`);
    for (let i = 0; i < quanta.n; i++) {
      const coordinate = coordinateText(run.dataId(quanta.task.grain, i));
      const id = run.quantumId(quanta, i);
      out.text(`${i > 0 ? "," : ""}{"quantum_id":"${id}","data_coordinate":${coordinate}}`);
    }
    out.text("]");
  });
  out.text('},"edges":[');
  let separator = "";
  for (const quanta of run.tasks) {
    for (let i = 0; i < quanta.n; i++) {
      const id = run.quantumId(quanta, i);
      for (const [producer, index] of run.predecessors(quanta, i)) {
        out.text(`${separator}["${run.quantumId(producer, index)}","${id}"]`);
        separator = ",";
      }
    }
  }
  out.text("]}");
  return out.view();
}

function dimensionData(run: SimulatedRun): Uint8Array {
  const out = new ByteBuilder();
  let separator = "{";
  for (const [element, rows] of dimensionRows(run.survey)) {
    if (!GRAPH_ELEMENTS.has(element)) continue;
    out.text(`${separator}"${element}":`);
    separator = ",";
    let before = "[";
    for (const row of rows) {
      out.text(`${before}[${row.map(recordValueText).join(",")}]`);
      before = ",";
    }
    out.text("]");
  }
  out.text("}");
  return out.view();
}

function recordValueText(value: RecordValue): string {
  if (value instanceof Region) return `"${value.bytes().toHex()}"`;
  if (value instanceof Hash) return `"${value.bytes.toHex()}"`;
  if (value instanceof Timespan) return `[${value.begin},${value.end}]`;
  return JSON.stringify(value);
}
