/**
 * Input datasets of a simulated run: their files and datastore records. One file of raw data holds
 * all detectors of an exposure.
 *
 * @module
 */

import { encodeUtf8 } from "../base/json_text.ts";
import { UUID_SIZE, uuidToHex } from "../base/uuid.ts";
import type { DatasetPlan } from "../butler/datastore/datastore.ts";
import type { DimensionRecordSource } from "../butler/dimensions/record_source.ts";
import type { DatasetBatch, Registry } from "../butler/registry/registry.ts";
import type { FileWriter } from "./files.ts";
import { INPUT_TYPES } from "./pipeline.ts";
import type { ConnectionDatasets, Datasets, SimulatedRun } from "./run.ts";
import { INSTRUMENT } from "./survey.ts";

/** Bytes of every input file: a batch of datasets has one size for all its records. */
const FILE_SIZE = 512;
const BATCH_SIZE = 10_000;

/** Where the inputs are and what the datastore says of them. */
export class InputRecords {
  readonly #run: SimulatedRun;
  readonly #datastoreName: string;
  readonly #plans: ReadonlyMap<string, DatasetPlan>;
  readonly #source: DimensionRecordSource;

  /** @param plans of the input dataset types, by name. */
  constructor(
    run: SimulatedRun,
    datastoreName: string,
    plans: ReadonlyMap<string, DatasetPlan>,
    source: DimensionRecordSource,
  ) {
    this.#run = run;
    this.#datastoreName = datastoreName;
    this.#plans = plans;
    this.#source = source;
  }

  /** Path of an input dataset below the datastore's root. */
  path(datasets: Datasets, index: number): string {
    const { type, run } = datasets;
    if (type.name === "raw") {
      const visit = this.#run.visits[this.#run.visitIndex(type.grain, index)];
      return `${run}/${visit.dayObs}/${visit.obsId}.yaml`;
    }
    return this.#plans.get(type.name)!.path(this.#run.dataId(type.grain, index), this.#source);
  }

  /**
   * JSON object of the datastore records of a quantum's overall inputs (`schema/quantum-graph.md`,
   * section 7.1).
   */
  text(inputs: readonly ConnectionDatasets[]): string {
    const ids: string[] = [];
    const records: string[] = [];
    for (const { datasets, indices } of inputs) {
      const plan = this.#plans.get(datasets.type.name);
      if (plan === undefined) continue;
      for (let i = 0; i < indices.length; i++) {
        ids.push(`"${this.#run.datasetId(datasets, indices[i])}"`);
        records.push(
          `"${uuidToHex(datasets.ids, indices[i] * UUID_SIZE)}":{"file_datastore_records":[` +
            `{"formatter":"${plan.formatter}","path":"${this.path(datasets, indices[i])}",` +
            `"storage_class":"${plan.storageClass}","component":"__NULL_STRING__",` +
            `"checksum":null,"file_size":${FILE_SIZE}}]}`,
        );
      }
    }
    if (ids.length === 0) return "{}";
    return `{"${this.#datastoreName}":{"dataset_ids":[${ids.join(",")}],"records":{` +
      `"lsst.daf.butler.datastore.stored_file_info.StoredFileInfo":{${records.join(",")}}}}}`;
  }

  /** Writes the files and registers the datasets. Memory: one batch. */
  async write(registry: Registry, files: FileWriter): Promise<void> {
    for (const { name } of INPUT_TYPES) {
      const datasets = this.#run.types.get(name)!;
      const n = datasets.ids.length / UUID_SIZE;
      let lastPath = "";
      for (let start = 0; start < n; start += BATCH_SIZE) {
        const end = Math.min(start + BATCH_SIZE, n);
        const batch = this.#batch(datasets, start, end);
        for (let i = start; i < end; i++) {
          const path = batch.paths[i - start]!;
          if (path !== lastPath) files.write(name, path, this.#content(datasets, i));
          lastPath = path;
        }
        await registry.importDatasets(batch);
      }
    }
  }

  #batch(datasets: Datasets, start: number, end: number): DatasetBatch {
    const { type, ids, run } = datasets;
    const plan = this.#plans.get(type.name)!;
    const nRequired = plan.type.group.required.length;
    const rows = Array.from({ length: end - start }, (_, i) => start + i);
    return {
      run,
      n: rows.length,
      ids: ids.subarray(start * UUID_SIZE, end * UUID_SIZE),
      typeIndex: new Uint16Array(rows.length),
      types: [plan.type],
      values: rows.flatMap((i) => this.#run.dataId(type.grain, i).slice(0, nRequired)),
      paths: rows.map((i) => this.path(datasets, i)),
      formatters: [plan.formatter],
      storageClasses: [plan.storageClass],
      fileSize: FILE_SIZE,
    };
  }

  #content({ type }: Datasets, index: number): Uint8Array {
    const lines = [`instrument: ${INSTRUMENT}`, "simulated: true"];
    if (type.name === "raw") {
      const visit = this.#run.visits[this.#run.visitIndex(type.grain, index)];
      lines.push(
        `exposure: ${visit.id}`,
        `obs_id: ${visit.obsId}`,
        `filter: ${visit.physicalFilter}`,
      );
      lines.push(`n_detectors: ${this.#run.survey.nDetectors}`);
    } else {
      lines.push(`detector: ${index + 1}`, `gain: ${1.5 + index % 16 / 64}`);
    }
    const text = `${lines.join("\n")}\n`;
    return encodeUtf8(text + "#".repeat(FILE_SIZE - text.length - 1) + "\n");
  }
}
