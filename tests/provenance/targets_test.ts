import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError, RefusedError } from "../../lib/base/errors.ts";
import { uuidFromText, uuidToText } from "../../lib/base/uuid.ts";
import { FileDatastore } from "../../lib/butler/datastore/datastore.ts";
import { graphDimensionRecords } from "../../lib/butler/dimensions/dimension_records.ts";
import { DimensionUniverse } from "../../lib/butler/dimensions/dimensions.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { Targets, TargetState } from "../../lib/provenance/targets.ts";
import type { PipelineGraph } from "../../lib/qg/pipeline_graph.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { openFixtureGraph } from "../qg/predicted/support.ts";
import { expectedJson, fixturePath, unpackFixture } from "../support/fixtures.ts";
import type { RepositoryConfig } from "../../lib/butler/config/repository_config.ts";

/** What the oracle's dump of a graph says, as far as targets need it. */
interface Dump {
  quanta: { outputs: Record<string, string[]> }[];
  datasets: {
    dataset_id: string;
    dataset_type: string;
    produced: boolean;
    data_id: Record<string, string | number>;
  }[];
  init_quanta: Record<string, { config_id: string }>;
}

interface Case {
  graph: ProvenanceGraph;
  pipeline: PipelineGraph;
  universe: DimensionUniverse;
  datastore: FileDatastore;
  targets: Targets;
}

async function withTargets(fixture: string, body: (found: Case) => Promise<void>): Promise<void> {
  await using work = await unpackFixture(fixture, "before");
  const config: RepositoryConfig = loadRepositoryConfig(work.join("repo"), {
    get: () => undefined,
  });
  using graph = await ProvenanceGraph.open(
    FileSource.open(fixturePath(fixture, "provenance.qg")),
    await Zstd.load(),
  );
  const pipeline = await graph.pipelineGraph();
  const universe = DimensionUniverse.parse(pipeline.dimensionsText!);
  const datastore = new FileDatastore(config, universe, { mockStorageClasses: true });
  const targets = await Targets.read(graph, pipeline, universe, datastore);
  await body({ graph, pipeline, universe, datastore, targets });
}

for (const fixture of ["small-ok", "small-mixed", "small-failed", "small-mock"]) {
  Deno.test(`Targets.read() lists metadata, logs and configs as the oracle's dump has them for ${fixture}`, async () => {
    const dump = expectedJson(fixture, "provenance.graph") as unknown as Dump;
    const datasets = new Map(dump.datasets.map((dataset) => [dataset.dataset_id, dataset]));
    const expected = new Set([
      ...dump.quanta.flatMap(({ outputs }) => [...outputs._metadata, ...outputs._log]),
      ...Object.values(dump.init_quanta).map(({ config_id }) => config_id),
    ]);
    await withTargets(fixture, async ({ universe, targets }) => {
      assert.equal(targets.n, expected.size);
      const found = Array.from(
        { length: targets.n },
        (_, target) => uuidToText(targets.id(target)),
      );
      assert.deepEqual(new Set(found), expected);
      found.forEach((id, target) => {
        assert.equal(targets.produced[target] === 1, datasets.get(id)!.produced, id);
        assert.equal(targets.state[target], TargetState.ABSENT);
        assert.equal(targets.find(uuidFromText(id), 0), target);
        const other = uuidFromText(id);
        other[15] ^= 1;
        assert.equal(targets.find(other, 0), -1);
      });
      const producedTypes = found.flatMap((id, target) =>
        targets.produced[target] === 1 ? [datasets.get(id)!.dataset_type] : []
      );
      assert.deepEqual(
        new Set(targets.typesToRegister().map(({ name }) => name)),
        new Set(producedTypes),
      );

      // The paths are those at which the originals really are.
      using predicted = await openFixtureGraph(fixture);
      const records = graphDimensionRecords(
        universe,
        predicted.dimensionRecords(["detector", "exposure"]),
      );
      const state = expectedJson(fixture, "aggregated.state") as unknown as {
        tables: Record<string, { dataset_id: string; path: string }[]>;
      };
      const paths = new Map(
        state.tables.file_datastore_records.map(({ dataset_id: id, path }) => [id, path]),
      );
      for (let target = 0; target < targets.n; target++) {
        const id = uuidToText(targets.id(target));
        const type = targets.types[targets.typeIndex(target)];
        assert.equal(type.name, datasets.get(id)!.dataset_type);
        if (paths.has(id)) assert.deepEqual(targets.paths(target, records), [paths.get(id)]);
        else assert.equal(targets.produced[target], 0, id);
        const names = [...type.group.required, ...type.group.implied];
        const dataId = targets.dataId(target);
        assert.deepEqual(
          Object.fromEntries(names.map((name, i) => [name, dataId[i]])),
          { ...datasets.get(id)!.data_id },
        );
      }
    });
  });
}

Deno.test("Targets.read() refuses a graph when its header counts other quanta", async () => {
  await withTargets("small-ok", async ({ graph, pipeline, universe, datastore }) => {
    const other = new Proxy(graph, {
      get(inner, name) {
        if (name === "header") return { ...inner.header, n_quanta: inner.header.n_quanta + 1 };
        const value = Reflect.get(inner, name, inner);
        return typeof value === "function" ? value.bind(inner) : value;
      },
    });
    await assert.rejects(
      Targets.read(other, pipeline, universe, datastore),
      (error: Error) =>
        error instanceof InvalidQuantumGraphFileError && /its header says/.test(error.message),
    );
  });
});

Deno.test("Targets.read() refuses a graph when its pipeline lacks a task or type, or dimensions differ", async () => {
  await withTargets("small-ok", async ({ graph, pipeline, universe, datastore }) => {
    const withParts = (tasks: unknown, datasetTypes: unknown): PipelineGraph =>
      new Proxy(pipeline, {
        get(inner, name) {
          if (name === "tasks") return tasks;
          if (name === "datasetTypes") return datasetTypes;
          return Reflect.get(inner, name, inner);
        },
      });
    const [firstLabel, firstTask] = [...pipeline.tasks][0];
    const fewerTasks = new Map([...pipeline.tasks].filter(([label]) => label !== firstLabel));
    await assert.rejects(
      Targets.read(graph, withParts(fewerTasks, pipeline.datasetTypes), universe, datastore),
      /belongs to task "calibrate", which its pipeline doesn't have/,
    );
    const name = firstTask.metadataDatasetType;
    const fewerTypes = new Map([...pipeline.datasetTypes].filter(([key]) => key !== name));
    await assert.rejects(
      Targets.read(graph, withParts(pipeline.tasks, fewerTypes), universe, datastore),
      new RegExp(`doesn't define dataset type "${name}"`),
    );
    const text = universe.text.replaceAll('"detector"', '"sensor"');
    await assert.rejects(
      async () => await Targets.read(graph, pipeline, DimensionUniverse.parse(text), datastore),
      (error: Error) => error instanceof RefusedError || error.name === "RepositoryError",
    );
  });
});
