/**
 * Quanta and datasets of a simulated run: which there are, their IDs, data IDs and edges.
 *
 * @module
 */

import { UUID_SIZE, uuidToText } from "../base/uuid.ts";
import type { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import {
  configType,
  datasetTypes,
  type Grain,
  GRAIN_DIMENSIONS,
  INPUT_TYPES,
  logType,
  metadataType,
  type SimulatedTask,
  type SimulatedType,
  TASKS,
} from "./pipeline.ts";
import { SeededRandom, UuidMaker } from "./random.ts";
import { BANDS, FIRST_NIGHT_MS, INSTRUMENT, SKYMAP, type Survey, type Visit } from "./survey.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** RUN that holds raw data. */
export const RAW_RUN = `${INSTRUMENT}/raw/all`;
/** RUN that holds what isn't observed. */
export const CALIBRATION_RUN = `${INSTRUMENT}/calib/v1`;
/** CHAINED collection of both. */
export const INPUT_CHAIN = `${INSTRUMENT}/defaults`;
/** CHAINED output collection. */
export const OUTPUT_CHAIN = "u/provgraph/simulated";
/** Output RUN. */
export const OUTPUT_RUN = "u/provgraph/simulated/20260715T000000Z";

/** Streams of random numbers of one seed; quanta have the numbers from 2^32 on. */
export const RandomStream = { IDS: 1, QUANTA: 2 ** 32 } as const;

/** The datasets of one type, numbered within their grain. */
export interface Datasets {
  type: SimulatedType;
  /** Dataset IDs, packed. */
  ids: Uint8Array;
  run: string;
}

/** The quanta of one task, numbered within its grain. */
export interface Quanta {
  task: SimulatedTask;
  n: number;
  /** Quantum IDs, packed. */
  ids: Uint8Array;
  /** Number of the first of them among all quanta of the run. */
  firstOrdinal: number;
}

/** Datasets of one connection: numbers within the grain of their type. */
export interface ConnectionDatasets {
  connection: string;
  datasets: Datasets;
  indices: ArrayLike<number>;
}

/**
 * A run, as planned. Memory: 16 bytes for each dataset and quantum, 8 for each pair of image and
 * patch, some 400 a visit.
 */
export class SimulatedRun {
  readonly survey: Survey;
  readonly universe: DimensionUniverse;
  readonly seed: number;
  readonly visits: readonly Visit[];
  readonly types: ReadonlyMap<string, Datasets>;
  readonly tasks: readonly Quanta[];
  /** Quantum IDs of the init quanta: packages, then each task. */
  readonly initIds: Uint8Array;
  /** Dataset ID that the header proposes for the provenance graph. */
  readonly provenanceId: Uint8Array;
  readonly nQuanta: number;
  /** Field, patch and band of each cell that has images, three numbers each. */
  readonly #cells: Int32Array;
  /** Images of each cell: `#cellImages[#cellStarts[c]...#cellStarts[c + 1]]`. */
  readonly #cellStarts: Int32Array;
  readonly #cellImages: Int32Array;
  readonly #groups: ReadonlyMap<Grain, DimensionGroup>;

  constructor(survey: Survey, universe: DimensionUniverse, seed: number) {
    this.survey = survey;
    this.universe = universe;
    this.seed = seed;
    this.visits = [...survey.visits()];
    [this.#cells, this.#cellStarts, this.#cellImages] = makeCells(survey, this.visits);
    this.#groups = new Map(
      (Object.keys(GRAIN_DIMENSIONS) as Grain[])
        .map((grain) => [grain, universe.group(GRAIN_DIMENSIONS[grain])]),
    );
    const random = new SeededRandom(seed, RandomStream.IDS);
    // As if the graph was built two weeks after the first night.
    const uuids = new UuidMaker(random, FIRST_NIGHT_MS + 14 * 86_400_000);
    const types = new Map<string, Datasets>();
    for (const [name, type] of datasetTypes()) {
      const run = name === "raw"
        ? RAW_RUN
        : INPUT_TYPES.some((input) => input.name === name)
        ? CALIBRATION_RUN
        : OUTPUT_RUN;
      types.set(name, { type, ids: uuids.make(this.count(type.grain)), run });
    }
    this.types = types;
    this.initIds = uuids.make(1 + TASKS.length);
    let nQuanta = 0;
    this.tasks = TASKS.map((task) => {
      const n = this.count(task.grain);
      const quanta = { task, n, ids: uuids.make(n), firstOrdinal: nQuanta };
      nQuanta += n;
      return quanta;
    });
    this.nQuanta = nQuanta;
    this.provenanceId = uuids.make(1);
  }

  /** Number of datasets of all types, inputs included. */
  get nDatasets(): number {
    return [...this.types.values()].reduce((n, { ids }) => n + ids.length / UUID_SIZE, 0);
  }

  /** How many there are of a grain. */
  count(grain: Grain): number {
    switch (grain) {
      case "none":
        return 1;
      case "detector":
        return this.survey.nDetectors;
      case "exposure-detector":
      case "visit-detector":
        return this.survey.nRows;
      case "visit":
        return this.survey.nVisits;
      case "cell":
        return this.#cellStarts.length - 1;
    }
  }

  /** Dimensions of a grain. */
  group(grain: Grain): DimensionGroup {
    return this.#groups.get(grain)!;
  }

  /** Values of the required, then of the implied dimensions. */
  dataId(grain: Grain, index: number): DataIdValue[] {
    const { required, implied } = this.group(grain);
    if (grain === "cell") {
      const [tract, patch, band] = this.#cells.subarray(3 * index, 3 * index + 3);
      const values: Record<string, DataIdValue> = {
        band: BANDS[band],
        skymap: SKYMAP,
        tract,
        patch,
      };
      return required.map((name) => values[name]);
    }
    const hasVisit = grain !== "none" && grain !== "detector";
    const visit = hasVisit ? this.visits[this.visitIndex(grain, index)] : null;
    const value = (name: string): DataIdValue => {
      switch (name) {
        case "instrument":
          return INSTRUMENT;
        case "detector":
          return index % this.survey.nDetectors + 1;
        case "exposure":
        case "visit":
          return visit!.id;
        case "band":
          return visit!.band;
        case "day_obs":
          return visit!.dayObs;
        case "group":
          return visit!.group;
        case "physical_filter":
          return visit!.physicalFilter;
        default:
          throw new RangeError(`Cannot simulate dimension "${name}"`);
      }
    };
    return [...required.map(value), ...implied.map(value)];
  }

  /** Position of the visit of a quantum or dataset; -1 for what has none. */
  visitIndex(grain: Grain, index: number): number {
    switch (grain) {
      case "exposure-detector":
      case "visit-detector":
        return Math.floor(index / this.survey.nDetectors);
      case "visit":
        return index;
      default:
        return -1;
    }
  }

  /** Regular inputs of a quantum, then its prerequisites. */
  inputs({ task }: Quanta, index: number): ConnectionDatasets[] {
    const all = { ...task.inputs, ...task.prerequisites };
    return Object.entries(all).map(([connection, name]) => {
      const datasets = this.types.get(name)!;
      return {
        connection,
        datasets,
        indices: this.#related(task.grain, index, datasets.type.grain),
      };
    });
  }

  /** Outputs of a quantum, metadata and log last. */
  outputs({ task }: Quanta, index: number): ConnectionDatasets[] {
    const all = {
      ...task.outputs,
      _metadata: metadataType(task.label),
      _log: logType(task.label),
    };
    return Object.entries(all).map(([connection, name]) => ({
      connection,
      datasets: this.types.get(name)!,
      indices: [index],
    }));
  }

  /** Inputs and outputs of the init quantum of a task. */
  initDatasets(
    task: SimulatedTask,
  ): { inputs: ConnectionDatasets[]; outputs: ConnectionDatasets[] } {
    const all = (connections: Readonly<Record<string, string>>) =>
      Object.entries(connections).map(([connection, name]) => ({
        connection,
        datasets: this.types.get(name)!,
        indices: [0],
      }));
    return {
      inputs: all(task.initInputs),
      outputs: all({ ...task.initOutputs, _config: configType(task.label) }),
    };
  }

  /** Quanta that make the regular inputs of one, as task and number. */
  *predecessors(quanta: Quanta, index: number): Generator<[producer: Quanta, index: number]> {
    for (const { datasets, indices } of this.inputs(quanta, index)) {
      const producer = this.tasks.find(({ task }) =>
        Object.values(task.outputs).includes(datasets.type.name)
      );
      if (producer === undefined) continue;
      for (let i = 0; i < indices.length; i++) yield [producer, indices[i]];
    }
  }

  /** UUID of a dataset as text. */
  datasetId(datasets: Datasets, index: number): string {
    return uuidToText(datasets.ids, index * UUID_SIZE);
  }

  /** UUID of a quantum as text. */
  quantumId(quanta: Quanta, index: number): string {
    return uuidToText(quanta.ids, index * UUID_SIZE);
  }

  /** Datasets of one grain that go with a quantum of another. */
  #related(grain: Grain, index: number, other: Grain): ArrayLike<number> {
    const { nDetectors } = this.survey;
    if (grain === "cell") {
      return this.#cellImages.subarray(this.#cellStarts[index], this.#cellStarts[index + 1]);
    }
    if (other === "detector") return [index % nDetectors];
    if (grain === "visit") {
      return Array.from({ length: nDetectors }, (_, i) => index * nDetectors + i);
    }
    return [index];
  }
}

/** Cells that have images, ordered by field, patch and band, and the images of each. */
function makeCells(
  survey: Survey,
  visits: readonly Visit[],
): [cells: Int32Array, starts: Int32Array, images: Int32Array] {
  const { nDetectors, nPatches, nFields } = survey;
  const patchesOf = Array.from({ length: nDetectors }, (_, i) => survey.patchesOf(i + 1));
  const counts = new Int32Array(nFields * nPatches * BANDS.length);
  const slot = (visit: Visit, patch: number) =>
    (visit.field * nPatches + patch) * BANDS.length + BANDS.indexOf(visit.band);
  for (const visit of visits) {
    for (const patches of patchesOf) for (const patch of patches) counts[slot(visit, patch)]++;
  }
  const used = Int32Array.from(counts.keys()).filter((i) => counts[i] > 0);
  const starts = new Int32Array(used.length + 1);
  const next = new Int32Array(counts.length);
  used.forEach((at, cell) => {
    next[at] = starts[cell];
    starts[cell + 1] = starts[cell] + counts[at];
  });
  const images = new Int32Array(starts[used.length]);
  for (const visit of visits) {
    patchesOf.forEach((patches, detector) => {
      const row = visit.index * nDetectors + detector;
      for (const patch of patches) images[next[slot(visit, patch)]++] = row;
    });
  }
  const cells = new Int32Array(used.length * 3);
  used.forEach((at, cell) => {
    const band = at % BANDS.length;
    const patch = Math.floor(at / BANDS.length) % nPatches;
    cells.set([Math.floor(at / BANDS.length / nPatches), patch, band], 3 * cell);
  });
  return [cells, starts, images];
}
