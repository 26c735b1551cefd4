/**
 * The pipeline that is simulated: four tasks, from detectors through visits to patches that join
 * many visits.
 *
 * @module
 */

import type { DimensionUniverse } from "../butler/dimensions/dimensions.ts";

/** What datasets and quanta there are one for each of. */
export type Grain = "none" | "detector" | "exposure-detector" | "visit-detector" | "visit" | "cell";

/** Dimensions of each grain, as a task asks for them. A cell is a patch in a band. */
export const GRAIN_DIMENSIONS: Readonly<Record<Grain, readonly string[]>> = {
  "none": [],
  "detector": ["detector"],
  "exposure-detector": ["exposure", "detector"],
  "visit-detector": ["visit", "detector"],
  "visit": ["visit"],
  "cell": ["patch", "band"],
};

/** A kind of dataset. */
export interface SimulatedType {
  name: string;
  grain: Grain;
  storageClass: string;
}

/** A task with the names of the dataset types behind its connections. */
export interface SimulatedTask {
  label: string;
  grain: Grain;
  /** Connection to dataset type. No two connections of a task have the same name. */
  inputs: Readonly<Record<string, string>>;
  prerequisites: Readonly<Record<string, string>>;
  outputs: Readonly<Record<string, string>>;
  initInputs: Readonly<Record<string, string>>;
  initOutputs: Readonly<Record<string, string>>;
  /** Names of the steps that the task's metadata and log tell of. */
  steps: readonly string[];
  /** Typical run time, seconds. */
  seconds: number;
}

/** Storage class of all that tasks read and write: files anybody can read. */
const PLAIN = "StructuredDataDict";

/** Datasets that the run reads and doesn't make. */
export const INPUT_TYPES: readonly SimulatedType[] = [
  { name: "raw", grain: "exposure-detector", storageClass: PLAIN },
  { name: "detector_model", grain: "detector", storageClass: PLAIN },
];

/** Regular outputs and init outputs of the tasks, but metadata, logs and configs. */
const PRODUCT_TYPES: readonly SimulatedType[] = [
  { name: "post_isr_image", grain: "exposure-detector", storageClass: PLAIN },
  { name: "source_schema", grain: "none", storageClass: PLAIN },
  { name: "source_detector", grain: "visit-detector", storageClass: PLAIN },
  { name: "preliminary_image", grain: "visit-detector", storageClass: PLAIN },
  { name: "source_visit_schema", grain: "none", storageClass: PLAIN },
  { name: "source_visit", grain: "visit", storageClass: PLAIN },
  { name: "visit_summary", grain: "visit", storageClass: PLAIN },
  { name: "deep_coadd", grain: "cell", storageClass: PLAIN },
];

/** The tasks in the order in which they can run. */
export const TASKS: readonly SimulatedTask[] = [
  {
    label: "isr",
    grain: "exposure-detector",
    inputs: { inputImage: "raw" },
    prerequisites: { model: "detector_model" },
    outputs: { outputImage: "post_isr_image" },
    initInputs: {},
    initOutputs: {},
    steps: ["overscan", "crosstalk", "linearity", "defects"],
    seconds: 20,
  },
  {
    label: "calibrateImage",
    grain: "visit-detector",
    inputs: { inputImage: "post_isr_image" },
    prerequisites: {},
    outputs: { catalog: "source_detector", outputImage: "preliminary_image" },
    initInputs: {},
    initOutputs: { schema: "source_schema" },
    steps: ["background", "detection", "psf", "astrometry", "photometry"],
    seconds: 90,
  },
  {
    label: "consolidateVisit",
    grain: "visit",
    inputs: { catalogs: "source_detector" },
    prerequisites: {},
    outputs: { table: "source_visit", summary: "visit_summary" },
    initInputs: { inputSchema: "source_schema" },
    initOutputs: { outputSchema: "source_visit_schema" },
    steps: ["collect", "merge"],
    seconds: 15,
  },
  {
    label: "assembleCoadd",
    grain: "cell",
    inputs: { inputImages: "preliminary_image" },
    prerequisites: {},
    outputs: { coadd: "deep_coadd" },
    initInputs: {},
    initOutputs: {},
    steps: ["select", "warp", "stack", "inpaint"],
    seconds: 600,
  },
];

/** Name of the metadata dataset type of a task. */
export const metadataType = (label: string): string => `${label}_metadata`;
/** Name of the log dataset type of a task. */
export const logType = (label: string): string => `${label}_log`;
/** Name of the config dataset type of a task. */
export const configType = (label: string): string => `${label}_config`;
/** Name of the dataset type of package versions. */
export const PACKAGES_TYPE = "packages";

/** Every dataset type of the run by name, inputs first, then in the order of the tasks. */
export function datasetTypes(): Map<string, SimulatedType> {
  const products = new Map(PRODUCT_TYPES.map((type) => [type.name, type]));
  const types = [...INPUT_TYPES];
  for (const task of TASKS) {
    types.push({ name: configType(task.label), grain: "none", storageClass: "Config" });
    const names = [...Object.values(task.initOutputs), ...Object.values(task.outputs)];
    types.push(...names.map((name) => products.get(name)!));
    const { grain, label } = task;
    types.push({ name: metadataType(label), grain, storageClass: "TaskMetadata" });
    types.push({ name: logType(label), grain, storageClass: "ButlerLogRecords" });
  }
  types.push({ name: PACKAGES_TYPE, grain: "none", storageClass: "Packages" });
  return new Map(types.map((type) => [type.name, type]));
}

/** Python class of all tasks: one whose connections come from its configuration. */
const TASK_CLASS = "lsst.pipe.base.tests.mocks.DynamicTestPipelineTask";
const CONFIG_MODULE = "lsst.pipe.base.tests.mocks._pipeline_task";

/** Whether a quantum has many datasets of a connection. */
function isMultiple(task: SimulatedTask, type: SimulatedType): boolean {
  return task.grain === "cell" && type.grain !== "cell" ||
    task.grain === "visit" && type.grain === "visit-detector";
}

/** Python text that sets a task's configuration: what its config dataset holds. */
export function configText(task: SimulatedTask): string {
  const types = datasetTypes();
  const list = (names: readonly string[]) => `[${names.map((name) => `'${name}'`).join(", ")}]`;
  const lines = [
    `import ${CONFIG_MODULE}`,
    `assert type(config) is ${CONFIG_MODULE}.DynamicTestPipelineTaskConfig`,
    `config.dimensions = ${list(GRAIN_DIMENSIONS[task.grain])}`,
  ];
  const sections: [string, Readonly<Record<string, string>>][] = [
    ["init_inputs", task.initInputs],
    ["init_outputs", task.initOutputs],
    ["prerequisite_inputs", task.prerequisites],
    ["inputs", task.inputs],
    ["outputs", task.outputs],
  ];
  for (const [section, connections] of sections) {
    for (const [connection, name] of Object.entries(connections)) {
      const type = types.get(name)!;
      const target = `config.${section}['${connection}']`;
      lines.push(
        `${target} = ${CONFIG_MODULE}.DynamicConnectionConfig()`,
        `${target}.dataset_type_name = '${name}'`,
        `${target}.dimensions = ${list(GRAIN_DIMENSIONS[type.grain])}`,
        `${target}.storage_class = '${type.storageClass}'`,
        `${target}.mock_storage_class = False`,
        `${target}.multiple = ${isMultiple(task, type) ? "True" : "False"}`,
      );
    }
  }
  return lines.join("\n") + "\n";
}

/** The document `pipeline_graph.json.zst`. Source: `schema/quantum-graph.md`, section 6. */
export function pipelineGraphText(universe: DimensionUniverse): string {
  const types = datasetTypes();
  let nextIndex = 0;
  const typeNodes: Record<string, unknown> = {};
  const addType = (name: string): void => {
    if (name in typeNodes) return;
    const type = types.get(name)!;
    const isInput = INPUT_TYPES.some((input) => input.name === name);
    typeNodes[name] = {
      dimensions: universe.group(GRAIN_DIMENSIONS[type.grain]).names,
      storage_class: type.storageClass,
      is_calibration: false,
      is_initial_query_constraint: name === "raw",
      is_prerequisite: isInput && name !== "raw",
      index: nextIndex++,
    };
  };
  const edge = (name: string) => ({
    dataset_type_name: name,
    storage_class: types.get(name)!.storageClass,
    raw_dimensions: [...GRAIN_DIMENSIONS[types.get(name)!.grain]].sort(),
    is_calibration: false,
    defer_query_constraint: false,
  });
  const edges = (connections: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(connections).sort(([a], [b]) => a < b ? -1 : 1)
        .map(([connection, name]) => [connection, edge(name)]),
    );
  const taskNodes: Record<string, unknown> = {};
  for (const task of TASKS) {
    const { label } = task;
    for (const name of Object.values({ ...task.prerequisites, ...task.inputs })) addType(name);
    const initIndex = nextIndex++;
    for (const name of [...Object.values(task.initOutputs), configType(label)]) addType(name);
    const index = nextIndex++;
    for (const name of [...Object.values(task.outputs), metadataType(label), logType(label)]) {
      addType(name);
    }
    taskNodes[label] = {
      task_class: TASK_CLASS,
      init: {
        inputs: edges(task.initInputs),
        outputs: edges(task.initOutputs),
        config_output: edge(configType(label)),
        index: initIndex,
      },
      config_str: configText(task),
      prerequisite_inputs: edges(task.prerequisites),
      inputs: edges(task.inputs),
      outputs: edges(task.outputs),
      metadata_output: edge(metadataType(label)),
      dimensions: [...universe.group(GRAIN_DIMENSIONS[task.grain]).names].sort(),
      log_output: edge(logType(label)),
      index,
    };
  }
  return JSON.stringify({
    version: "0.0.1",
    description: "simulated processing of a few fields",
    tasks: taskNodes,
    dataset_types: typeNodes,
    task_subsets: {},
    dimensions: JSON.parse(universe.text),
    data_id: {},
    step_labels: [],
    steps_verified: true,
  });
}
