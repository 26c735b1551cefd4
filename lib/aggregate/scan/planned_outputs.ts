/**
 * Outputs of predicted quanta: dataset types, data IDs and where their files must be.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { UUID_SIZE, uuidToText, writeUuidText } from "../../base/uuid.ts";
import { type DatasetPlan, FileDatastore } from "../../butler/datastore/datastore.ts";
import { DatastoreChain } from "../../butler/datastore/datastore_chain.ts";
import { dataIdFromCoordinate } from "../../butler/dimensions/data_id.ts";
import { graphDimensionRecords } from "../../butler/dimensions/dimension_records.ts";
import { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../../butler/dimensions/record_source.ts";
import { OutputTypes } from "../../provenance/output_types.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import type { TaskFiles } from "../../qg/predicted/graph_arrays.ts";
import type { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import type {
  PredictedDatasetText,
  PredictedQuantum,
} from "../../qg/predicted/predicted_quantum.ts";
import { hasRegularFile } from "../../storage/file_source.ts";
import type { ScannerSetup } from "../messages.ts";
import { type ChainPlaces, hasAnythingAt, placeToRead, PlannedPlaces } from "./chain_places.ts";
import type { LookForFile } from "./scan_files.ts";
import { outputTypeIndex, parseCoordinate, requireFiles } from "./output_rules.ts";
import { absolutePath } from "../../butler/datastore/datastore_path.ts";
import type { DataIdValue } from "../../butler/dimensions/data_id_value.ts";

/** An output of a quantum with all that must be known about it. */
export interface Output {
  dataset: PredictedDatasetText;
  connection: string;
  id: Uint8Array;
  /** The ID in lower case with dashes, as metadata have it. */
  idText: string;
  typeIndex: number;
  plan: DatasetPlan;
  values: DataIdValue[];
  /** Relative to the root of the datastore; in a chain of several, absolute. */
  path: string | null;
  /** In a chain of several, all places where it may be, and what each datastore is to record. */
  places: ChainPlaces | null;
}

/** Paths of the files of a quantum; null for one that it hasn't, or that the datastore doesn't take. */
export interface QuantumFiles {
  metadata: string | null;
  log: string | null;
}

/** An ID as nearly all graphs write it: 36 characters, no capital letter. */
const PLAIN_ID = /^[0-9a-f-]{36}$/;

/** Connections whose files are read. */
const READ_CONNECTIONS: ReadonlySet<string> = new Set([LOG_CONNECTION, METADATA_CONNECTION]);

/** Paths that might not be normal, lead out of the datastore, or have percent escapes. */
const SUSPECT = /^$|^[./]|\/[./]|\/$|[\0%]/;

/** Finds out all about the outputs of quanta of one graph in one repository. */
export class PlannedOutputs {
  readonly types: OutputTypes;
  readonly #graphPath: string;
  readonly #run: string;
  readonly #universe: DimensionUniverse;
  readonly #datastore: FileDatastore;
  readonly #plans: (DatasetPlan | undefined)[] = [];
  readonly #records: DimensionRecordSource;
  readonly #rootSlash: string;
  readonly #exists: LookForFile;
  /** Null where there is one datastore. */
  readonly #chain: PlannedPlaces | null;

  /** @param exists How to look for a file. */
  constructor(
    setup: ScannerSetup,
    graph: PredictedGraph,
    exists: LookForFile = hasRegularFile,
  ) {
    this.#exists = exists;
    this.#graphPath = graph.path;
    this.#run = graph.header.output_run;
    this.#universe = DimensionUniverse.parse(setup.universeText);
    this.#datastore = new FileDatastore(setup.repository, this.#universe, {
      mockStorageClasses: setup.mockStorageClasses,
    });
    this.#rootSlash = absolutePath(this.#datastore.root, "x").slice(0, -1);
    const pipeline = graph.pipelineGraph();
    this.types = new OutputTypes(pipeline, this.#universe);
    // Columns stand as the graph's universe has them; the repository may have been migrated since.
    const text = pipeline.dimensionsText;
    const graphUniverse = text === null || text === setup.universeText
      ? this.#universe
      : DimensionUniverse.parse(text);
    this.#records = graphDimensionRecords(graphUniverse, setup.dimensionRows);
    this.#chain = setup.repository.datastores.length === 1 ? null : new PlannedPlaces(
      new DatastoreChain(setup.repository, this.#universe, setup),
      this.#run,
      this.#records,
      exists,
    );
  }

  /**
   * Outputs of a quantum, in the order of its block.
   *
   * @param only The one connection that is wanted; without it, all are.
   * @throws {InvalidQuantumGraphFileError} if one is of a type that no task writes, or of another RUN.
   */
  of(quantum: PredictedQuantum, only?: string): Output[] {
    const outputs: Output[] = [];
    for (const [connection, datasets] of quantum.outputs) {
      if (only !== undefined && connection !== only) continue;
      for (const dataset of datasets) {
        const id = new Uint8Array(UUID_SIZE);
        writeUuidText(dataset.idText, id, 0);
        const typeIndex = outputTypeIndex(
          this.types,
          { path: this.#graphPath, run: this.#run },
          { typeName: dataset.typeName, run: dataset.run, name: `dataset ${dataset.idText}` },
        );
        const plan = this.#planOf(typeIndex);
        const { type } = plan;
        const values = dataIdFromCoordinate(
          type.group,
          this.#universe,
          dataset.dataCoordinate,
          `dataset ${dataset.idText}`,
        );
        const places = this.#chain?.of(type, values, dataset.idText) ?? null;
        const path = places === null
          ? this.#fileOf(plan, values, dataset.idText)
          : READ_CONNECTIONS.has(connection)
          ? placeToRead(places, this.#exists)
          : places.files[0] ?? null;
        const idText = PLAIN_ID.test(dataset.idText) ? dataset.idText : uuidToText(id);
        outputs.push({ dataset, connection, id, idText, typeIndex, plan, values, path, places });
      }
    }
    return outputs;
  }

  /**
   * Where metadata and log of a quantum must be, found out without its block.
   *
   * @param coordinate JSON text of their data ID.
   * @returns null if only the block can tell, as where paths are made of dataset IDs, and where it is the
   *   block that is wrong.
   */
  filesOf({ metadataType, logType, run }: TaskFiles, coordinate: Uint8Array): QuantumFiles | null {
    if (run !== this.#run) return null;
    try {
      const values = parseCoordinate(coordinate);
      const metadata = this.#planNamed(metadataType);
      const dataId = this.#dataId(metadata, values);
      const files = { metadata: this.#fileOf(metadata, dataId), log: null };
      if (logType === "") return files;
      const log = this.#planNamed(logType);
      const isSameGroup = log.type.group === metadata.type.group;
      const logId = isSameGroup ? dataId : this.#dataId(log, values);
      return { ...files, log: this.#fileOf(log, logId) };
    } catch (error) {
      if (error instanceof ProvgraphError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  #planNamed(typeName: string): DatasetPlan {
    const typeIndex = this.types.indexOf(typeName);
    if (typeIndex < 0) throw new SyntaxError("Only the block tells how to say it");
    return this.#planOf(typeIndex);
  }

  #dataId({ type }: DatasetPlan, coordinate: readonly JsonValue[]): DataIdValue[] {
    return dataIdFromCoordinate(type.group, this.#universe, coordinate, type.name);
  }

  /** Where a dataset is: under the name of an older release only if nothing has today's. */
  #fileOf(plan: DatasetPlan, values: readonly DataIdValue[], idText?: string): string | null {
    if (this.#chain !== null) {
      return placeToRead(this.#chain.of(plan.type, values, idText), this.#exists);
    }
    if (!plan.accepts(values)) return null;
    const path = plan.path(values, this.#records, idText);
    const older = plan.isRenamed ? plan.olderPath(values, this.#records, idText) : null;
    if (older === null) return path;
    return this.#hasAnythingAt(path) || !this.#hasAnythingAt(older) ? path : older;
  }

  /** Plan of a dataset type that some task writes. */
  readonly planOf = (typeName: string): DatasetPlan => this.#planOf(this.types.indexOf(typeName));

  #planOf(typeIndex: number): DatasetPlan {
    const type = this.types.types[typeIndex];
    return this.#plans[typeIndex] ??= this.#chain?.planOf(type) ??
      this.#datastore.plan(type, this.#run);
  }

  /** Absolute path of an output. */
  absolute(path: string): string {
    if (this.#chain !== null) return path;
    // Paths of plans are normal already; whatever might not be goes through all checks.
    if (!SUSPECT.test(path)) return this.#rootSlash + path;
    return absolutePath(this.#datastore.root, path);
  }

  /**
   * Whether the file of an output is there.
   *
   * @throws {UnusableFileError} if something else is in its place.
   */
  exists(output: Output): boolean {
    if (output.places !== null) return output.places.files.some(this.#exists);
    return output.path !== null && this.#exists(this.absolute(output.path));
  }

  /** Whether anything is in the place of an output, a file or not. */
  hasAnything({ path, places }: Output): boolean {
    if (places !== null) return places.files.some((file) => hasAnythingAt(file, this.#exists));
    return path !== null && this.#hasAnythingAt(path);
  }

  #hasAnythingAt(path: string): boolean {
    return hasAnythingAt(this.absolute(path), this.#exists);
  }

  /**
   * The only output of a connection; null if the quantum has none of it.
   *
   * @throws {InvalidQuantumGraphFileError} if there are several, or no metadata.
   */
  only(
    quantum: PredictedQuantum,
    outputs: readonly Output[],
    connection: string,
  ): Output | null {
    const found = outputs.filter((output) => output.connection === connection);
    requireFiles(this.#graphPath, quantum.quantumId, connection, found.length);
    return found[0] ?? null;
  }
}
