/**
 * What was observed: an instrument, its visits on a few fields of the sky, and the patches that the
 * fields are cut into. Everything follows from numbers, nothing is kept but small tables.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import { taiNanoseconds } from "../butler/registry/time_tai.ts";
import { encodePolygon, quadrangle, type Vector } from "./sky.ts";

/** Name of the instrument. */
export const INSTRUMENT = "SimCam";
/** Name of the skymap. */
export const SKYMAP = "sim_fields";
/** Bands in the order in which visits of a field take turns. */
export const BANDS: readonly string[] = ["g", "r", "i"];
/** First instant of the first night, milliseconds since 1970 UTC. */
export const FIRST_NIGHT_MS = Date.UTC(2026, 6, 1, 12);

const DAY_MS = 86_400_000;
const VISITS_PER_NIGHT = 500;
const VISIT_INTERVAL_MS = 39_000;
const EXPOSURE_MS = 30_000;
const VISITS_PER_FIELD = 12;
const FIELDS_PER_ROW = 20;
const MAX_FIELDS = 400;
/** Degrees from one detector to the next; they are a tenth smaller. */
const DETECTOR_STEP = 0.2;
const DETECTOR_FILL = 0.9;
/** Side of a patch in detector steps. */
const PATCH_STEPS = 2.5;

/** One visit, which is one exposure. */
export interface Visit {
  /** Position among all visits, from 0. */
  index: number;
  /** ID of visit and exposure. */
  id: number;
  dayObs: number;
  /** Number within the night, from 1. */
  sequence: number;
  /** Position of its field; also its tract. */
  field: number;
  band: string;
  physicalFilter: string;
  /** Name of the exposure group. */
  group: string;
  obsId: string;
  startMs: number;
}

/** The observations of `nVisits` visits with `nDetectors` detectors. */
export class Survey {
  readonly nVisits: number;
  readonly nDetectors: number;
  readonly nFields: number;
  /** Patches of each field. */
  readonly nPatches: number;
  readonly #nColumns: number;
  readonly #nPatchColumns: number;

  constructor(nVisits: number, nDetectors: number) {
    this.nVisits = nVisits;
    this.nDetectors = nDetectors;
    this.nFields = Math.min(Math.ceil(nVisits / VISITS_PER_FIELD), MAX_FIELDS);
    this.#nColumns = Math.ceil(Math.sqrt(nDetectors));
    this.#nPatchColumns = Math.ceil(this.#nColumns / PATCH_STEPS);
    this.nPatches = this.#nPatchColumns ** 2;
  }

  /** Number of rows that pairs of visit and detector have: visit by visit. */
  get nRows(): number {
    return this.nVisits * this.nDetectors;
  }

  /** The visit at a position. */
  visit(index: number): Visit {
    const night = Math.floor(index / VISITS_PER_NIGHT);
    const sequence = index % VISITS_PER_NIGHT + 1;
    const nightMs = FIRST_NIGHT_MS + night * DAY_MS;
    const dayObs = dayNumber(nightMs);
    const startMs = nightMs + DAY_MS / 2 + sequence * VISIT_INTERVAL_MS;
    const band = BANDS[Math.floor(index / this.nFields) % BANDS.length];
    return {
      index,
      id: dayObs * 100_000 + sequence,
      dayObs,
      sequence,
      field: index % this.nFields,
      band,
      physicalFilter: physicalFilter(band),
      group: new Date(startMs - 2000).toISOString().slice(0, 23),
      obsId: `SC_O_${dayObs}_${String(sequence).padStart(6, "0")}`,
      startMs,
    };
  }

  /** All visits in order. */
  *visits(): Generator<Visit> {
    for (let i = 0; i < this.nVisits; i++) yield this.visit(i);
  }

  /** Nights in order, as `day_obs`. */
  nights(): number[] {
    const n = Math.ceil(this.nVisits / VISITS_PER_NIGHT);
    return Array.from({ length: n }, (_, i) => dayNumber(FIRST_NIGHT_MS + i * DAY_MS));
  }

  /** Full name of a detector, counted from 1. */
  detectorName(detector: number): string {
    const at = detector - 1;
    return `R${String(Math.floor(at / 9)).padStart(2, "0")}_S${Math.floor(at % 9 / 3)}${at % 3}`;
  }

  /**
   * Patches of a field that a detector's image reaches into, ascending.
   *
   * @param detector counted from 1.
   */
  patchesOf(detector: number): number[] {
    const [column, row] = this.#place(detector);
    const range = (at: number) => {
      const first = Math.floor(at / PATCH_STEPS);
      return [first, Math.floor((at + DETECTOR_FILL) / PATCH_STEPS)];
    };
    const [firstX, lastX] = range(column);
    const [firstY, lastY] = range(row);
    const patches: number[] = [];
    for (let y = firstY; y <= lastY; y++) {
      for (let x = firstX; x <= lastX; x++) patches.push(y * this.#nPatchColumns + x);
    }
    return patches;
  }

  /** Corners of what a visit covers. */
  visitRegion(visit: Visit): Vector[] {
    const { x, y } = this.#corner(visit.field);
    const side = this.#nColumns * DETECTOR_STEP;
    return quadrangle(x, y, side, side);
  }

  /** Corners of what a detector, counted from 1, covers in a visit. */
  detectorRegion(visit: Visit, detector: number): Vector[] {
    const { x, y } = this.#corner(visit.field);
    const [column, row] = this.#place(detector);
    const size = DETECTOR_STEP * DETECTOR_FILL;
    return quadrangle(x + column * DETECTOR_STEP, y + row * DETECTOR_STEP, size, size);
  }

  /** Corners of a tract. */
  tractRegion(tract: number): Vector[] {
    const { x, y } = this.#corner(tract);
    const side = this.#nPatchColumns * PATCH_STEPS * DETECTOR_STEP;
    return quadrangle(x, y, side, side);
  }

  /** Corners of a patch. */
  patchRegion(tract: number, patch: number): Vector[] {
    const { x, y } = this.#corner(tract);
    const { column, row } = this.patchCell(patch);
    const step = PATCH_STEPS * DETECTOR_STEP;
    return quadrangle(x + column * step, y + row * step, step, step);
  }

  /** Place of a patch in the grid of its tract. */
  patchCell(patch: number): { column: number; row: number } {
    const column = patch % this.#nPatchColumns;
    return { column, row: Math.floor(patch / this.#nPatchColumns) };
  }

  #place(detector: number): [column: number, row: number] {
    return [(detector - 1) % this.#nColumns, Math.floor((detector - 1) / this.#nColumns)];
  }

  /** Lower left corner of a field, degrees. Fields are so far apart that their tracts don't meet. */
  #corner(field: number): { x: number; y: number } {
    const nRows = Math.ceil(this.nFields / FIELDS_PER_ROW);
    const step = (this.#nColumns + 3) * DETECTOR_STEP;
    return {
      x: 10 + field % FIELDS_PER_ROW * step,
      y: (Math.floor(field / FIELDS_PER_ROW) - nRows / 2) * step,
    };
  }
}

/** Name of the filter of a band. */
export function physicalFilter(band: string): string {
  return `${INSTRUMENT}-${band}`;
}

function dayNumber(ms: number): number {
  return Number(new Date(ms).toISOString().slice(0, 10).replaceAll("-", ""));
}

/** A region in a record: its text differs between registry (base64) and graph (hexadecimal). */
export class Region {
  readonly corners: readonly Vector[];

  constructor(corners: readonly Vector[]) {
    this.corners = corners;
  }

  /** The encoded polygon. */
  bytes(): Uint8Array<ArrayBuffer> {
    return encodePolygon(this.corners);
  }
}

/** A half-open span of time in a record, nanoseconds of TAI since 1970. */
export class Timespan {
  readonly begin: bigint;
  readonly end: bigint;

  constructor(startMs: number, endMs: number) {
    this.begin = taiNanoseconds(startMs * 1000);
    this.end = taiNanoseconds(endMs * 1000);
  }
}

/** Bytes that identify something, such as a skymap's hash. */
export class Hash {
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }
}

/** A value of a dimension record. */
export type RecordValue = JsonValue | Region | Timespan | Hash;

/** A dimension record: required values, implied values, other columns, in universe order. */
type DimensionRow = readonly RecordValue[];

/**
 * Dimension records of all elements, in an order in which nothing refers to what comes later. Rows
 * are made when asked for.
 *
 * Source: `schema/quantum-graph.md`, section 7.3, for the order of the columns; universe version 8.
 */
export function dimensionRows(survey: Survey): [element: string, rows: Iterable<DimensionRow>][] {
  const detectors = Array.from({ length: survey.nDetectors }, (_, i) => i + 1);
  const tracts = Array.from({ length: survey.nFields }, (_, i) => i);
  const patches = Array.from({ length: survey.nPatches }, (_, i) => i);
  const maxId = dayNumber(FIRST_NIGHT_MS + 100 * 365 * DAY_MS) * 100_000;
  const nPatchColumns = Math.sqrt(survey.nPatches);
  const hash = new Hash(new TextEncoder().encode(`${SKYMAP} ${survey.nFields} ${survey.nPatches}`));
  return [
    ["instrument", [
      [INSTRUMENT, maxId, 0, maxId, survey.nDetectors + 1, "lsst.pipe.base.Instrument"],
    ]],
    ["band", BANDS.map((band) => [band])],
    ["physical_filter", BANDS.map((band) => [INSTRUMENT, physicalFilter(band), band])],
    [
      "day_obs",
      survey.nights().map((day, i) => {
        const start = FIRST_NIGHT_MS + i * DAY_MS;
        return [INSTRUMENT, day, new Timespan(start, start + DAY_MS)];
      }),
    ],
    [
      "detector",
      detectors.map((detector) => {
        const name = survey.detectorName(detector);
        const [raft, inRaft] = name.split("_");
        return [INSTRUMENT, detector, name, inRaft, raft, "SCIENCE"];
      }),
    ],
    ["visit_system", [[INSTRUMENT, 0, "one-to-one"]]],
    ["group", lazily(survey, (visit) => [[INSTRUMENT, visit.group]])],
    ["exposure", lazily(survey, (visit) => [exposureRow(visit)])],
    ["visit", lazily(survey, (visit) => [visitRow(survey, visit)])],
    ["visit_definition", lazily(survey, ({ id }) => [[INSTRUMENT, id, id]])],
    ["visit_system_membership", lazily(survey, ({ id }) => [[INSTRUMENT, 0, id]])],
    [
      "visit_detector_region",
      lazily(survey, (visit) =>
        detectors.map((detector) => [
          INSTRUMENT,
          detector,
          visit.id,
          new Region(survey.detectorRegion(visit, detector)),
        ])),
    ],
    ["skymap", [[SKYMAP, hash, survey.nFields, nPatchColumns, nPatchColumns]]],
    [
      "tract",
      tracts.map((tract) => [SKYMAP, tract, new Region(survey.tractRegion(tract))]),
    ],
    ["patch", {
      *[Symbol.iterator]() {
        for (const tract of tracts) {
          for (const patch of patches) {
            const { column, row } = survey.patchCell(patch);
            const region = new Region(survey.patchRegion(tract, patch));
            yield [SKYMAP, tract, patch, column, row, region];
          }
        }
      },
    }],
  ];
}

function lazily(survey: Survey, rows: (visit: Visit) => DimensionRow[]): Iterable<DimensionRow> {
  return {
    *[Symbol.iterator]() {
      for (const visit of survey.visits()) yield* rows(visit);
    },
  };
}

function exposureRow(visit: Visit): DimensionRow {
  const { id, dayObs, group, physicalFilter, obsId, sequence, startMs } = visit;
  return [
    ...[INSTRUMENT, id, dayObs, group, physicalFilter, obsId],
    ...[EXPOSURE_MS / 1000, EXPOSURE_MS / 1000 + 0.5, "science", "survey"],
    ...[sequence, sequence, sequence, `field ${visit.field}`, "simulation"],
    ...[10.5 + visit.field, -3.25, 0.5 * (sequence % 360), 180.5, 32.25, true, true],
    new Timespan(startMs, startMs + EXPOSURE_MS),
  ];
}

function visitRow(survey: Survey, visit: Visit): DimensionRow {
  const { id, dayObs, physicalFilter, obsId, sequence, startMs } = visit;
  return [
    ...[INSTRUMENT, id, dayObs, physicalFilter, obsId, sequence, EXPOSURE_MS / 1000],
    ...[`field ${visit.field}`, "survey", "simulation", 180.5, 32.25],
    new Region(survey.visitRegion(visit)),
    new Timespan(startMs, startMs + EXPOSURE_MS),
  ];
}
