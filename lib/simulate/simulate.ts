/**
 * Makes a repository, a predicted graph and the files of an executed run, for tests, benchmarks and
 * people who want to try the tool.
 *
 * Order of effects: repository, input files and their rows, files of the run, graph. A directory with
 * a graph in it is complete.
 *
 * @module
 */

import {
  EnvironmentError,
  InterruptedError,
  ProvgraphError,
  RefusedError,
  stopReason,
} from "../base/errors.ts";
import type { JsonValue } from "../base/json_text.ts";
import type { Log } from "../base/log.ts";
import { join } from "../base/paths.ts";
import type { Progress } from "../base/progress.ts";
import { loadRepositoryConfig } from "../butler/config/repo_config.ts";
import { type DatasetPlan, FileDatastore } from "../butler/datastore/datastore.ts";
import { graphDimensionRecords } from "../butler/dimensions/dimension_records.ts";
import { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import { openRegistry } from "../butler/registry/open.ts";
import { Zstd } from "../codec/zstd.ts";
import { Execution } from "./execution.ts";
import { FileWriter, REMOVE_HINT } from "./files.ts";
import { writePredictedGraph } from "./graph.ts";
import { InputRecords } from "./inputs.ts";
import { decideOutcomes, Outcome } from "./outcome.ts";
import { INPUT_TYPES } from "./pipeline.ts";
import { makeRepository, universeText } from "./repository.ts";
import { CALIBRATION_RUN, INPUT_CHAIN, RAW_RUN, SimulatedRun } from "./run.ts";
import { dimensionRows, FIRST_NIGHT_MS, Survey } from "./survey.ts";
import type { Environment } from "../base/environment.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import { systemErrorText } from "../storage/file_errors.ts";
import type { DatasetType } from "../butler/dimensions/dataset_type.ts";

/** What to simulate. */
export interface SimulateOptions {
  /** Absolute path of the directory to fill. */
  directory: string;
  nVisits: number;
  nDetectors: number;
  /** Share, 0 to 1, of the executed quanta that meet a mishap. */
  failFraction: number;
  /** Median size of logs, bytes. */
  logSize: number;
  seed: number;
  /** Leave out the files of the run. */
  isGraphOnly: boolean;
}

/** What the simulation needs of its surroundings. */
interface SimulateContext {
  log: Log;
  progress: Progress;
  env: Environment;
  signal: AbortSignal;
}

/** What was made. */
export interface SimulateSummary {
  repository: string;
  graphPath: string;
  nQuanta: number;
  nDatasets: number;
  /** Quanta by name of their outcome; all zero without files of the run. */
  nByOutcome: Record<keyof typeof Outcome, number>;
  nFiles: number;
  /** Bytes of those files. */
  nFileBytes: number;
  graphBytes: number;
  seconds: number;
}

/** Names in the directory. */
const REPOSITORY = "repo";
const GRAPH = "predicted.qg";
/** Quanta between two looks at the signal. */
const SIGNAL_STEP = 64;

/**
 * Simulates. What is made depends on the options but the directory, times of files aside.
 *
 * Memory: 16 bytes a dataset and quantum, and while the graph is finished some 400 bytes a quantum for
 * its documents.
 *
 * @throws {RefusedError} if the directory holds a repository or graph already; nothing was changed.
 * @throws {EnvironmentError} if something can't be written; what was made so far stays.
 * @throws {InterruptedError} if a signal asked to stop.
 */
export async function simulate(
  options: SimulateOptions,
  context: SimulateContext,
): Promise<SimulateSummary> {
  const start = performance.now();
  const { directory } = options;
  const root = join(directory, REPOSITORY);
  const graphPath = join(directory, GRAPH);
  for (const path of [root, graphPath]) refuseIfThere(path);
  const survey = new Survey(options.nVisits, options.nDetectors);
  const universe = DimensionUniverse.parse(universeText());
  const run = new SimulatedRun(survey, universe, options.seed);
  const say = (text: string) => context.log.log("VERBOSE", text);
  const stopIfAsked = () => {
    if (!context.signal.aborted) return;
    throw new InterruptedError(
      `Cannot go on simulating in "${directory}": ended by ${stopReason(context.signal).signal}`,
      stopReason(context.signal),
      { hint: REMOVE_HINT },
    );
  };

  say(`Making a repository for ${run.nQuanta} quanta.`);
  makeRepositoryAt(root, survey);
  stopIfAsked();
  const config = loadRepositoryConfig(root, context.env);
  const datastore = new FileDatastore(config, universe, { mockStorageClasses: false });
  const source = graphDimensionRecords(universe, templateRecords(survey));
  const types = planTypes(run, datastore);
  const inputPlans = new Map(INPUT_TYPES.map(({ name }) => [name, types.get(name)!]));
  const inputs = new InputRecords(run, datastore.name, inputPlans, source);
  const files = new FileWriter(root);
  await registerInputs(config, [...inputPlans.values()].map((plan) => plan.type), inputs, files);
  stopIfAsked();

  const outcomes = options.isGraphOnly
    ? new Uint8Array(0)
    : decideOutcomes(run, options.failFraction);
  if (!options.isGraphOnly) {
    say("Writing the files of the run.");
    let nDone = 0;
    using watch = context.progress.watch(() => [{
      name: "run",
      unit: "quanta",
      nDone,
      nTotal: run.nQuanta,
      state: nDone < run.nQuanta ? "running" : "done",
    }]);
    new Execution(run, types, source, files, {
      outcomes,
      logSize: options.logSize,
      onQuantum: () => {
        if (nDone++ % SIGNAL_STEP !== 0) return;
        stopIfAsked();
        watch.update();
      },
    }).writeAll();
  }
  stopIfAsked();

  say("Writing the predicted graph.");
  const graphBytes = writePredictedGraph(graphPath, run, inputs, await Zstd.load(), {
    command: commandText(options),
  });
  const count = (outcome: number) => outcomes.reduce((n, o) => n + (o === outcome ? 1 : 0), 0);
  return {
    repository: root,
    graphPath,
    nQuanta: run.nQuanta,
    nDatasets: run.nDatasets,
    nByOutcome: Object.fromEntries(
      Object.entries(Outcome).map(([name, outcome]) => [name, count(outcome)]),
    ) as Record<keyof typeof Outcome, number>,
    nFiles: files.nFiles,
    nFileBytes: files.nBytes,
    graphBytes,
    seconds: (performance.now() - start) / 1000,
  };
}

/** Where the datasets of each type go. */
function planTypes(run: SimulatedRun, datastore: FileDatastore): Map<string, DatasetPlan> {
  return new Map([...run.types.values()].map(({ type, run: typeRun }) => {
    const definition: DatasetType = {
      name: type.name,
      group: run.group(type.grain),
      storageClass: type.storageClass,
      isCalibration: false,
    };
    return [type.name, datastore.plan(definition, typeRun)];
  }));
}

function makeRepositoryAt(root: string, survey: Survey): void {
  try {
    makeRepository(root, survey);
  } catch (error) {
    if (error instanceof ProvgraphError) throw error;
    const reason = systemErrorText(error);
    throw new EnvironmentError(`Cannot make repository "${root}": ${reason}`, {
      cause: error,
      hint: REMOVE_HINT,
    });
  }
}

/** Registers what the run reads, and writes its files. */
async function registerInputs(
  config: RepositoryConfig,
  types: DatasetType[],
  inputs: InputRecords,
  files: FileWriter,
): Promise<void> {
  const clock = { now: () => FIRST_NIGHT_MS * 1000 };
  await using registry = await openRegistry(config, { writeable: true, clock });
  await registry.registerDatasetTypes(types);
  for (const name of [RAW_RUN, CALIBRATION_RUN]) await registry.registerCollection(name, "RUN");
  await registry.updateOutputChain(INPUT_CHAIN, RAW_RUN, [CALIBRATION_RUN]);
  await inputs.write(registry, files);
}

function refuseIfThere(path: string): void {
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new EnvironmentError(`Cannot look at "${path}": ${systemErrorText(error)}`, {
      cause: error,
    });
  }
  throw new RefusedError(`Cannot simulate a run: "${path}" exists`, {
    hint: "Name a directory that does not exist or is empty",
  });
}

/** Records that path templates look at, without regions and the like. */
function templateRecords(survey: Survey): Map<string, JsonValue[][]> {
  const wanted = new Set(["detector", "exposure"]);
  return new Map(
    dimensionRows(survey).filter(([element]) => wanted.has(element)).map(([element, rows]) => [
      element,
      Array.from(
        rows,
        (row) =>
          row.map((value): JsonValue =>
            typeof value === "string" || typeof value === "number" ? value : null
          ),
      ),
    ]),
  );
}

/** Command that makes the same again, without the directory. */
function commandText(options: SimulateOptions): string {
  const { nVisits, nDetectors, failFraction, logSize, seed } = options;
  return `provgraph simulate --visits ${nVisits} --detectors ${nDetectors} --fail ${failFraction} ` +
    `--log-size ${logSize} --seed ${seed}`;
}
