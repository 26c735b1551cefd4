import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { PipelineGraph } from "../../lib/qg/pipeline_graph.ts";

const edge = (name: string, storageClass = "S"): unknown => ({
  dataset_type_name: name,
  storage_class: storageClass,
  raw_dimensions: ["visit"],
  is_calibration: false,
  defer_query_constraint: false,
});
const type = (dimensions: string[] | null, storage_class: string | null = "S"): unknown => ({
  dimensions,
  storage_class,
  is_calibration: false,
  index: 1,
});

const GRAPH = {
  version: "0.0.1",
  tasks: {
    b: {
      task_class: "x.B",
      init: {
        inputs: { in_schema: edge("schema") },
        outputs: {},
        config_output: edge("b_config", "Config"),
        index: 3,
      },
      config_str: "config.x = 'é\\n'\nNaN",
      prerequisite_inputs: { ref: edge("refs") },
      inputs: { image: edge("image.wcs") },
      outputs: { table: edge("table") },
      metadata_output: edge("b_metadata", "TaskMetadata"),
      dimensions: ["band", "visit"],
      log_output: null,
    },
    a: {
      task_class: "x.A",
      init: {
        inputs: {},
        outputs: { schema: edge("schema") },
        config_output: edge("a_config", "Config"),
      },
      config_str: "",
      inputs: {},
      outputs: { z: edge("image"), y: edge("cat") },
      metadata_output: edge("a_metadata", "TaskMetadata"),
      log_output: edge("a_log", "ButlerLogRecords"),
      dimensions: [],
    },
  },
  dataset_types: {
    image: type(["instrument", "visit"]),
    refs: type(["htm7"]),
    table: type([]),
    cat: type([]),
    schema: type([]),
    a_config: type([], "Config"),
    b_config: type([], "Config"),
    a_metadata: type(["visit"], "TaskMetadata"),
    b_metadata: type(["visit"], "TaskMetadata"),
    a_log: type(["visit"], "ButlerLogRecords"),
    open: type(null, null),
  },
  dimensions: { version: 8, namespace: "daf_butler" },
};

function parse(value: unknown): PipelineGraph {
  return PipelineGraph.parse(encodeUtf8(JSON.stringify(value)), "some.qg");
}

Deno.test("PipelineGraph.parse() reads tasks, connections and dataset types", () => {
  const graph = parse(GRAPH);
  assert.deepEqual([...graph.tasks.keys()], ["b", "a"]);
  const b = graph.tasks.get("b")!;
  assert.equal(b.taskClass, "x.B");
  assert.deepEqual(b.dimensions, ["band", "visit"]);
  assert.deepEqual([...b.inputs], [["image", "image.wcs"]]);
  assert.deepEqual([...b.prerequisiteInputs], [["ref", "refs"]]);
  assert.deepEqual([...b.outputs], [["table", "table"]]);
  assert.deepEqual([...b.initInputs], [["in_schema", "schema"]]);
  assert.equal(b.metadataDatasetType, "b_metadata");
  assert.equal(b.logDatasetType, null);
  assert.equal(b.configDatasetType, "b_config");
  assert.equal(b.configText(), "config.x = 'é\\n'\nNaN");
  assert.deepEqual(
    [...b.edges.keys()],
    ["image", "ref", "table", "in_schema", "_metadata", "_config"],
  );
  assert.equal(b.edges.get("_config")!.storage_class, "Config");
  const a = graph.tasks.get("a")!;
  assert.equal(a.logDatasetType, "a_log");
  assert.deepEqual([...a.initOutputs], [["schema", "schema"]]);
  assert.deepEqual(graph.datasetTypes.get("image"), {
    name: "image",
    dimensions: ["instrument", "visit"],
    storageClass: "S",
    isCalibration: false,
  });
  assert.equal(graph.datasetTypes.get("open")!.dimensions, null);
  assert.equal(graph.dimensionsText, '{"version":8,"namespace":"daf_butler"}');
});

Deno.test("PipelineGraph.outputDatasetTypes() lists what tasks produce, packages last", () => {
  assert.deepEqual(parse(GRAPH).outputDatasetTypes().map(({ name }) => name), [
    "b_config",
    "table",
    "b_metadata",
    "schema",
    "a_config",
    "image",
    "cat",
    "a_metadata",
    "a_log",
    "packages",
  ]);
  assert.deepEqual(parse(GRAPH).outputDatasetTypes().at(-1), {
    name: "packages",
    dimensions: [],
    storageClass: "Packages",
    isCalibration: false,
  });
});

Deno.test("PipelineGraph.parse() takes null for the universe", () => {
  assert.equal(parse({ ...GRAPH, dimensions: null }).dimensionsText, null);
});

Deno.test("PipelineGraph.parse() names file and task when something is missing", async (t) => {
  const change = (path: string[], value: unknown): unknown => {
    const copy = structuredClone(GRAPH) as unknown as Record<string, unknown>;
    let at = copy;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
    if (value === undefined) delete at[path.at(-1)!];
    else at[path.at(-1)!] = value;
    return copy;
  };
  const cases: [string, unknown, RegExp][] = [
    ["no metadata_output", change(["tasks", "a", "metadata_output"], undefined), /task "a"/],
    ["no config_output", change(["tasks", "b", "init", "config_output"], undefined), /task "b"/],
    ["an edge without name", change(["tasks", "a", "outputs", "z"], {}), /dataset_type_name/],
    ["an unknown dataset type", change(["dataset_types", "cat"], undefined), /"cat"/],
    ["tasks that are an array", change(["tasks"], []), /expected an object/],
    ["dimensions that are numbers", change(["tasks", "a", "dimensions"], [1]), /a string/],
    ["a config that is a number", change(["tasks", "a", "config_str"], 1), /config_str/],
    ["not an object", 1, /expected an object/],
  ];
  for (const [what, value, message] of cases) {
    await t.step(what, () => {
      assert.throws(() => parse(value), (error: unknown) => {
        assert.ok(error instanceof InvalidQuantumGraphFileError);
        assert.match(error.message, /^Cannot read pipeline graph of "some\.qg": /);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
