/**
 * `check-downstream`: whether a predicted graph still needs files that `ingest-graph` on a RUN would
 * delete.
 *
 * Quanta are executed with what the predicted graph says of their inputs, not with what the registry
 * says: an input that is recorded as a file of its own is read from that file, and one without record
 * from where it is predicted to be. Once `ingest-graph` has deleted it, such a quantum fails with
 * `FileNotFoundError`. Graphs that are built afterwards record the provenance graph in its place, and
 * their quanta read from that (all three tried with the reference, see `testdata/downstream`).
 *
 * @module
 */

import { requireRun } from "../../butler/registry/require_run.ts";
import type { Environment } from "../../base/environment.ts";
import { JsonCursor, type JsonValue } from "../../base/json_text.ts";
import { containsUuid, sortedIds } from "../../base/sort_ids.ts";
import { uuidFromText, uuidToHex } from "../../base/uuid.ts";
import { openRepositoryConfig } from "../../butler/config/open_repo_config.ts";
import type { LockWaitOptions } from "../../butler/registry/lock_wait.ts";
import { openRegistry } from "../../butler/registry/open.ts";
import { PROVENANCE_FORMATTER } from "../../butler/registry/provenance_dataset.ts";
import { Zstd } from "../../codec/zstd.ts";
import { type BackedKind, backedKind } from "../../provenance/backed_types.ts";
import { METADATA_CONNECTION, type PipelineGraph } from "../../qg/pipeline_graph.ts";
import { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import type {
  PredictedDatasetText,
  PredictedQuantum,
} from "../../qg/predicted/predicted_quantum.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { dataIdObject, pipelineDimensions, type RowDimensions } from "../../sources/rows.ts";
import { CheckedFiles } from "./files.ts";
import { GoneFiles, type PredictedPlace } from "./gone_files.ts";

/** Samples of each task and dataset type that are given. */
const MAX_SAMPLES = 3;

/** A quantum that needs a file. */
interface NeedSample {
  quantumId: string;
  dataId: { [dimension: string]: JsonValue };
  /** Dimensions that suffice to name it. */
  requiredDimensions: readonly string[];
  datasetId: string;
  /** Path that the graph records; null if it leaves it to the datastore. */
  path: string | null;
}

/** What the quanta of one task need of one dataset type. */
export interface DownstreamNeed {
  /** Label of the task in the other graph. */
  task: string;
  datasetType: string;
  kind: BackedKind;
  /** Quanta that read files of their own for such datasets of the RUN. */
  nQuanta: number;
  /** Those of them that have not succeeded yet, as far as the registry knows. */
  nPendingQuanta: number;
  /** Datasets that pending quanta read, once for each reader. */
  nPendingInputs: number;
  /** Those of them whose file is not there any more. */
  nGone: number;
  /** Quanta that read the provenance graph instead: nothing is taken from them. */
  nBackedQuanta: number;
  /** Of pending quanta. */
  samples: NeedSample[];
}

/** What was found. */
export interface DownstreamCheck {
  isSafe: boolean;
  run: string;
  /** RUN of the other graph. */
  downstreamRun: string;
  /** Whether the RUN holds its provenance graph already. */
  isIngested: boolean;
  /** Whether nothing more may be executed in the other graph's RUN, as it holds its own. */
  isDownstreamIngested: boolean;
  /** By task in the order of the pipeline, then by dataset type. */
  needs: DownstreamNeed[];
}

/**
 * Compares a predicted graph with a RUN. Blocks of quanta are read only if a task takes metadata, logs
 * or configs at all. Memory: 16 bytes for each dataset that the other graph's RUN has registered.
 *
 * @throws {NotFoundError} if graph, repository or RUN don't exist.
 * @throws {UsageError} if that is no RUN.
 */
export async function checkDownstream(
  options: { graphPath: string; repository: string; run: string },
  env: Environment,
  wait: LockWaitOptions = {},
): Promise<DownstreamCheck> {
  const { repository, run } = options;
  using graph = await PredictedGraph.open(options.graphPath, await Zstd.load());
  const config = await openRepositoryConfig(repository, env);
  await using registry = await openRegistry(config, { ...wait, writeable: false, env });
  await requireRun(registry, run, repository);
  const downstreamRun = graph.header.output_run;
  const isIngested = await registry.findRunProvenance(run) !== null;
  const isDownstreamIngested = await registry.findRunProvenance(downstreamRun) !== null;
  using files = await CheckedFiles.open(config.datastores.map(({ root }) => root), env);
  const pass = new NeedsPass(graph, run, {
    done: isDownstreamIngested ? null : sortedIds(await registry.datasetIds(downstreamRun)),
    // Before ingest-graph all files are there, or their absence is not its doing.
    gone: isIngested ? new GoneFiles(config, files) : null,
  });
  const needs = await pass.run();
  return {
    isSafe: needs.every(({ nPendingQuanta }) => nPendingQuanta === 0),
    run,
    downstreamRun,
    isIngested,
    isDownstreamIngested,
    needs,
  };
}

/** What the pass has to know of the repository. */
interface Known {
  /** Registered datasets of the graph's RUN, ascending; null if everything counts as done. */
  done: Uint8Array | null;
  /** Null if no file is gone. */
  gone: GoneFiles | null;
}

class NeedsPass {
  readonly #graph: PredictedGraph;
  readonly #run: string;
  readonly #known: Known;
  readonly #kindByType: ReadonlyMap<string, BackedKind>;
  readonly #needs = new Map<string, DownstreamNeed>();
  readonly #dimensions: RowDimensions;

  constructor(graph: PredictedGraph, run: string, known: Known) {
    this.#graph = graph;
    this.#run = run;
    this.#known = known;
    const pipeline = graph.pipelineGraph();
    this.#kindByType = neededTypes(pipeline);
    this.#dimensions = pipelineDimensions(pipeline, "quanta", `predicted graph "${graph.path}"`);
  }

  async run(): Promise<DownstreamNeed[]> {
    const pipeline = this.#graph.pipelineGraph();
    const takers = [...pipeline.tasks.values()].filter((task) =>
      [...task.inputs.values(), ...task.prerequisiteInputs.values(), ...task.initInputs.values()]
        .some((name) => this.#kindByType.has(parentType(name)))
    );
    if (takers.length === 0) return [];
    for (const { text, offset } of this.#graph.blocks()) {
      this.#add(this.#graph.parseBlock(text, offset), text);
      if (this.#known.gone?.isFull) await this.#known.gone.settle();
    }
    for (const init of this.#graph.initQuanta()) this.#add(init, init.text);
    await this.#known.gone?.settle();
    const order = [...pipeline.tasks.keys()];
    return [...this.#needs.values()].sort((a, b) =>
      order.indexOf(a.task) - order.indexOf(b.task) || (a.datasetType < b.datasetType ? -1 : 1)
    );
  }

  #add(quantum: PredictedQuantum, text: Uint8Array): void {
    const wanted = new Map<string, PredictedDatasetText[]>();
    for (const dataset of [...quantum.inputs.values()].flat()) {
      if (dataset.run !== this.#run || !this.#kindByType.has(dataset.typeName)) continue;
      const list = wanted.get(dataset.typeName);
      if (list === undefined) wanted.set(dataset.typeName, [dataset]);
      else list.push(dataset);
    }
    if (wanted.size === 0) return;
    const records = parseStored(
      `quantum ${quantum.quantumId} in predicted graph "${this.#graph.path}"`,
      () => readRecords(text, quantum.quantumId),
    );
    const isPending = this.#isPending(quantum);
    for (const [typeName, datasets] of wanted) {
      const need = this.#need(quantum.taskLabel, typeName);
      const owned = datasets.map((dataset) => ({
        dataset,
        record: records.get(uuidToHex(uuidFromText(dataset.idText))) ?? null,
      })).filter(({ record }) => record?.formatter !== PROVENANCE_FORMATTER);
      if (owned.length === 0) {
        need.nBackedQuanta++;
        continue;
      }
      need.nQuanta++;
      if (!isPending) continue;
      need.nPendingQuanta++;
      need.nPendingInputs += owned.length;
      for (const { record } of owned) {
        this.#known.gone?.add(record?.places ?? [], () => void need.nGone++);
      }
      if (need.samples.length >= MAX_SAMPLES) continue;
      const [{ dataset, record }] = owned;
      const group = this.#dimensions.groups.get(quantum.taskLabel);
      need.samples.push({
        quantumId: quantum.quantumId,
        dataId: dataIdObject(group, quantum.dataCoordinate),
        requiredDimensions: group?.required ?? [],
        datasetId: dataset.idText,
        path: record?.path ?? null,
      });
    }
  }

  /** A quantum is done when its metadata is registered: only then it has succeeded. */
  #isPending(quantum: PredictedQuantum): boolean {
    const { done } = this.#known;
    if (done === null) return false;
    const metadata = quantum.outputs.get(METADATA_CONNECTION)?.[0] ??
      // Init quanta have none: what they write is there or not.
      [...quantum.outputs.values()].flat()[0];
    return metadata === undefined || !containsUuid(done, uuidFromText(metadata.idText));
  }

  #need(task: string, datasetType: string): DownstreamNeed {
    const key = `${task}\0${datasetType}`;
    let need = this.#needs.get(key);
    if (need === undefined) {
      need = {
        task,
        datasetType,
        kind: this.#kindByType.get(datasetType)!,
        nQuanta: 0,
        nPendingQuanta: 0,
        nPendingInputs: 0,
        nGone: 0,
        nBackedQuanta: 0,
        samples: [],
      };
      this.#needs.set(key, need);
    }
    return need;
  }
}

/** Dataset types of a pipeline whose datasets may be backed by a provenance graph. */
function neededTypes(pipeline: PipelineGraph): ReadonlyMap<string, BackedKind> {
  const kinds = new Map<string, BackedKind>();
  for (const type of pipeline.datasetTypes.values()) {
    const kind = backedKind(type);
    if (kind !== null) kinds.set(type.name, kind);
  }
  return kinds;
}

/** Dataset type of a connection that may name a component. */
function parentType(name: string): string {
  const at = name.indexOf(".");
  return at < 0 ? name : name.slice(0, at);
}

/** What a graph records of where a dataset is stored. */
interface PredictedRecord {
  path: string;
  formatter: string;
  /** In all datastores. */
  places: PredictedPlace[];
}

/**
 * First record of each dataset in a block, and all its places, by its ID in hexadecimal digits.
 *
 * @param quantumId Whose block, in a document with several.
 * Source: `schema/quantum-graph.md`, section 7.1.
 */
function readRecords(text: Uint8Array, quantumId: string): Map<string, PredictedRecord> {
  const cursor = new JsonCursor(text);
  if (cursor.kind() === "object") return readQuantumRecords(cursor).records;
  cursor.beginArray();
  let found = new Map<string, PredictedRecord>();
  while (cursor.nextElement()) {
    const { id, records } = readQuantumRecords(cursor);
    if (id === quantumId) found = records;
  }
  return found;
}

function readQuantumRecords(
  cursor: JsonCursor,
): { id: string; records: Map<string, PredictedRecord> } {
  const records = new Map<string, PredictedRecord>();
  let id = "";
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "quantum_id") {
      id = cursor.readString();
    } else if (cursor.key === "datastore_records") {
      cursor.beginObject();
      while (cursor.nextMember()) readDatastore(cursor, cursor.key, records);
    } else {
      cursor.skip();
    }
  }
  return { id, records };
}

/** Records of one datastore: class of records, then dataset, then table, then rows. */
function readDatastore(
  cursor: JsonCursor,
  datastore: string,
  records: Map<string, PredictedRecord>,
): void {
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "records") {
      cursor.skip();
      continue;
    }
    cursor.beginObject();
    while (cursor.nextMember()) {
      cursor.beginObject();
      while (cursor.nextMember()) {
        const id = cursor.key.replaceAll("-", "").toLowerCase();
        cursor.beginObject();
        while (cursor.nextMember()) {
          cursor.beginArray();
          while (cursor.nextElement()) {
            const record = readRecord(cursor);
            const known = records.get(id);
            if (known === undefined) records.set(id, record);
            (known ?? record).places.push({ datastore, path: record.path });
          }
        }
      }
    }
  }
}

function readRecord(cursor: JsonCursor): PredictedRecord {
  const record: PredictedRecord = { path: "", formatter: "", places: [] };
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (key === "path" || key === "formatter") record[key] = cursor.readString();
    else cursor.skip();
  }
  return record;
}
