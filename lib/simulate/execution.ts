/**
 * The files that an executed run leaves: outputs, metadata, logs, configs, packages.
 *
 * @module
 */

import { encodeUtf8 } from "../base/json_text.ts";
import { TOOL_VERSION } from "../base/version.ts";
import type { DatasetPlan } from "../butler/datastore/datastore.ts";
import { formatDataId } from "../butler/dimensions/data_id.ts";
import type { DimensionRecordSource } from "../butler/dimensions/record_source.ts";
import { type Attempt, LogMaker, makeError, metadataText, type Subject } from "./documents.ts";
import type { FileWriter } from "./files.ts";
import { Outcome, quantumRandom } from "./outcome.ts";
import { configText, configType, logType, metadataType, PACKAGES_TYPE } from "./pipeline.ts";
import type { SeededRandom } from "./random.ts";
import type { ConnectionDatasets, Quanta, SimulatedRun } from "./run.ts";
import { FIRST_NIGHT_MS } from "./survey.ts";

/** Spread of the logarithm of log sizes. */
const LOG_SIGMA = 0.5;
/** Share of logs that are far longer, and how much longer: 1 MB where the median is 30 kB. */
const LONG_LOG_SHARE = 1 / 300;
const LONG_LOG_FACTOR = 34;
/** When execution began, and how much later each quantum began than the one before, microseconds. */
const START_US = (FIRST_NIGHT_MS + 14 * 86_400_000) * 1000 + 3_600e6;
const QUANTUM_STEP_US = 41_000;
/** How much later a failed quantum is tried again, microseconds. */
const RETRY_US = 7_200e6;

/** What execution is simulated with. */
interface ExecutionOptions {
  /** By ordinal of the quantum. */
  outcomes: Uint8Array;
  /** Median size of logs, bytes. */
  logSize: number;
  /** Called before each quantum; what it throws ends the execution. */
  onQuantum: () => void;
}

/** Writes the files of a run. */
export class Execution {
  readonly #run: SimulatedRun;
  readonly #plans: ReadonlyMap<string, DatasetPlan>;
  readonly #source: DimensionRecordSource;
  readonly #files: FileWriter;
  readonly #options: ExecutionOptions;
  readonly #logs = new LogMaker();

  /** @param plans of all output dataset types, by name. */
  constructor(
    run: SimulatedRun,
    plans: ReadonlyMap<string, DatasetPlan>,
    source: DimensionRecordSource,
    files: FileWriter,
    options: ExecutionOptions,
  ) {
    this.#run = run;
    this.#plans = plans;
    this.#source = source;
    this.#files = files;
    this.#options = options;
  }

  /**
   * Writes everything. Memory: one quantum's files.
   *
   * @throws {EnvironmentError} if a file can't be written.
   */
  writeAll(): void {
    for (const { task } of this.#run.tasks) {
      this.#write(configType(task.label), 0, configText(task));
      for (const name of Object.values(task.initOutputs)) {
        this.#write(
          name,
          0,
          `dataset_type: ${name}\nfields: [id, ra, dec, flux, flux_err, flags]\n`,
        );
      }
    }
    this.#write(PACKAGES_TYPE, 0, packagesText());
    for (const quanta of this.#run.tasks) {
      for (let i = 0; i < quanta.n; i++) {
        this.#options.onQuantum();
        this.#quantum(quanta, i);
      }
    }
  }

  #quantum(quanta: Quanta, index: number): void {
    const run = this.#run;
    const { task } = quanta;
    const ordinal = quanta.firstOrdinal + index;
    const outcome = this.#options.outcomes[ordinal] as Outcome;
    if (outcome === Outcome.BLOCKED) return;
    const random = quantumRandom(run, ordinal);
    // The first two numbers have decided the outcome.
    random.next();
    random.next();
    const products = run.outputs(quanta, index).filter(({ connection }) => connection[0] !== "_");
    const written = this.#writtenOutputs(products, outcome, random);
    for (const { datasets } of written) {
      this.#writeProduct(quanta, index, datasets.type.name, random);
    }
    if (outcome === Outcome.KILLED) return;

    const group = run.group(task.grain);
    const subject: Subject = {
      task,
      dataId: formatDataId(group, run.dataId(task.grain, index)),
      process: 10_000 + ordinal % 4096 * 7,
    };
    const attempts = this.#attempts(quanta, index, outcome, written, random);
    const metadata = attempts.map((attempt) => metadataText(subject, attempt, random));
    if (attempts.at(-1)!.isSuccess) this.#write(metadataType(task.label), index, metadata.at(-1)!);
    const isLong = random.uniform() < LONG_LOG_SHARE;
    const size = this.#options.logSize * (isLong ? LONG_LOG_FACTOR : 1) *
      Math.exp(random.normal() * (isLong ? LOG_SIGMA / 4 : LOG_SIGMA));
    const log = this.#logs.logText(subject, attempts, metadata, size, random);
    this.#write(logType(task.label), index, log);
  }

  /** Outputs that exist in the end. */
  #writtenOutputs(
    products: ConnectionDatasets[],
    outcome: Outcome,
    random: SeededRandom,
  ): ConnectionDatasets[] {
    switch (outcome) {
      case Outcome.PARTIAL:
        return products.slice(0, 1);
      case Outcome.FAILED:
      case Outcome.FAILED_TWICE:
      case Outcome.KILLED:
        // Some had written one of two outputs before they failed.
        return products.length > 1 && random.integer(2) === 0 ? products.slice(0, 1) : [];
      default:
        return products;
    }
  }

  #attempts(
    quanta: Quanta,
    index: number,
    outcome: Outcome,
    written: readonly ConnectionDatasets[],
    random: SeededRandom,
  ): Attempt[] {
    const { task } = quanta;
    const ids = written.map(({ datasets, indices }) => this.#run.datasetId(datasets, indices[0]));
    const nFailed = outcome === Outcome.RETRIED || outcome === Outcome.FAILED
      ? 1
      : outcome === Outcome.RETRIED_TWICE || outcome === Outcome.FAILED_TWICE
      ? 2
      : 0;
    const isSuccess = outcome !== Outcome.FAILED && outcome !== Outcome.FAILED_TWICE;
    const n = nFailed + (isSuccess ? 1 : 0);
    const startUs = START_US + (quanta.firstOrdinal + index) * QUANTUM_STEP_US;
    return Array.from({ length: n }, (_, i) => ({
      startUs: startUs + i * RETRY_US + random.integer(QUANTUM_STEP_US),
      runSeconds: task.seconds * Math.exp(0.3 * random.normal()),
      outputs: i === n - 1 ? ids : [],
      error: i < nFailed || outcome === Outcome.PARTIAL ? makeError(task, random) : null,
      isSuccess: i === n - 1 && isSuccess,
      // Clustered execution: the same process ran what comes before on the same detector.
      previousQuanta: i === 0 ? this.#sameProcess(quanta, index) : [],
    }));
  }

  #sameProcess(quanta: Quanta, index: number): string[] {
    const before = this.#run.tasks[this.#run.tasks.indexOf(quanta) - 1];
    if (before === undefined || before.n !== quanta.n) return [];
    return [this.#run.quantumId(before, index)];
  }

  #writeProduct(quanta: Quanta, index: number, name: string, random: SeededRandom): void {
    const { grain, label } = quanta.task;
    const group = this.#run.group(grain);
    const values = this.#run.dataId(grain, index);
    const lines = [`task: ${label}`, `dataset_type: ${name}`, "data_id:"];
    [...group.required, ...group.implied].forEach((dimension, i) => {
      const value = values[i];
      lines.push(`  ${dimension}: ${typeof value === "string" ? `"${value}"` : value}`);
    });
    lines.push(`value: ${random.normal().toFixed(12)}`, "");
    this.#write(name, index, lines.join("\n"));
  }

  #write(name: string, index: number, text: string): void {
    const plan = this.#plans.get(name)!;
    const datasets = this.#run.types.get(name)!;
    const path = plan.path(this.#run.dataId(datasets.type.grain, index), this.#source);
    this.#files.write(name, path, encodeUtf8(text));
  }
}

/** The document of package versions: there was no Python, so it names what there was. */
function packagesText(): string {
  return `!<lsst.utils.packages.Packages>\nprovgraph: ${TOOL_VERSION}\nsimulated: '1.0'\n`;
}
