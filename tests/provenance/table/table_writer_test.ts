/** The table of quanta is, byte for byte, what the package's own writer makes of the same values. */

import assert from "node:assert/strict";
import { concatBytes } from "../../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import { UUID_SIZE } from "../../../lib/base/uuid.ts";
import type { TableLayout } from "../../../lib/provenance/table/table_columns.ts";
import { makeTableRows, type TableTexts } from "../../../lib/provenance/table/table_rows.ts";
import { type TableInput, writeTable } from "../../../lib/provenance/table/table_writer.ts";
import type { GraphArrays } from "../../../lib/qg/predicted/graph_arrays.ts";
import { referenceTable } from "./reference_table.ts";

/** A made-up run: numbers that are the same every time, from 0 up to 1. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return ((state ^ state >>> 13) >>> 0) / 2 ** 32;
  };
}

interface RunShape {
  nQuanta: number;
  tasks: string[];
  /** Share of quanta that fail. */
  failing: number;
  /** Different values of the dimensions. */
  nValues: number;
  /** What an integer of a data ID is made of. */
  integer: (random: number) => number;
}

const LAYOUT: Pick<TableLayout, "dimensions"> = {
  dimensions: [
    { name: "instrument", column: "instrument", type: "string" },
    { name: "visit", column: "visit", type: "int" },
    { name: "skymap", column: "skymap", type: "string" },
  ],
};

const STATUSES = [1, 1, 1, -1, -3, 0, -2, 7];
const MESSAGES = ["no stars", "ü𝄞", "", "x".repeat(500)];

function makeRun(shape: RunShape): TableInput {
  const { nQuanta: n, tasks, failing, nValues, integer } = shape;
  const random = randomNumbers(n);
  const below = (limit: number) => Math.floor(random() * limit);
  const layout: TableLayout = {
    ...LAYOUT,
    tasks: Object.fromEntries(tasks.map((label, t) => [label, t % 2 === 0 ? [0, 1] : [2]])),
  };
  const rows = makeTableRows(n);
  const { numbers } = rows;
  const taskIndex = Uint16Array.from({ length: n }, () => below(tasks.length));
  const coordinates = Array.from(taskIndex, (t) =>
    encodeUtf8(
      t % 2 === 0
        ? `["Cam${below(2)}",${integer(below(nValues))}]`
        : below(9) === 0
        ? "[null]"
        : `["sky${below(nValues)}"]`,
    ));
  const coordinateStart = new Uint32Array(n + 1);
  coordinates.forEach((text, q) => coordinateStart[q + 1] = coordinateStart[q] + text.length);
  const texts: TableTexts = {
    exceptions: ["a.Error", "b.Error"],
    messages: encodeUtf8(MESSAGES.join("")),
    earlier: encodeUtf8("[1]\n[2]\n"),
    earlierStart: new Map(),
    coordinates: new Map(),
  };
  const starts = MESSAGES.map((_, i) => encodeUtf8(MESSAGES.slice(0, i).join("")).length);
  const double = () => below(6) === 0 ? [NaN, Infinity, -0][below(3)] : random() * 1e4;
  for (let q = 0; q < n; q++) {
    rows.collector[q] = 1;
    numbers.status[q] = STATUSES[below(STATUSES.length)];
    numbers.attempts[q] = below(3);
    numbers.caveats[q] = below(4) - 1;
    numbers.start[q] = below(7) === 0 ? NaN : Math.floor(random() * 2e15) - 1e14;
    for (
      const name of ["prepTime", "initTime", "runTime", "cpuTime", "memory"] as const
    ) numbers[name][q] = double();
    numbers.nProduced[q] = below(5);
    if (random() < failing) {
      const m = below(MESSAGES.length);
      numbers.exception[q] = 1 + below(2);
      numbers.messageStart[q] = starts[m];
      numbers.messageSize[q] = encodeUtf8(MESSAGES[m]).length;
    }
    if (random() < failing / 2) texts.earlierStart.set(q, 4 * below(2));
  }
  return {
    arrays: {
      nQuanta: n,
      taskLabels: tasks,
      taskIndex,
      coordinateStart,
      coordinates: concatBytes(coordinates),
      quantumIds: Uint8Array.from({ length: n * UUID_SIZE }, () => below(256)),
      outputStart: Uint32Array.from({ length: n + 1 }, (_, i) => 3 * i + i % 2),
      consumers: Uint32Array.from({ length: 2 * n }, () => below(n + 2)),
    } as Partial<GraphArrays> as GraphArrays,
    layout,
    rows,
    texts: [texts],
    blockers: {
      first: Int32Array.from({ length: n }, () => random() < failing ? below(n) : -1),
      nBlockers: Int32Array.from({ length: n }, () => below(5) - 1),
      nBlocked: Int32Array.from({ length: n }, () => below(5) - 1),
    },
    documentOffset: Float64Array.from({ length: n }, (_, q) => q * 1234.0),
    documentSize: Uint32Array.from({ length: n }, () => below(2 ** 20)),
    quanta: { size: 77, crc32: 2 ** 31 + 5 },
  };
}

const usual = (number: number) => 2_026_070_100_000 + number;
const SHAPES: Record<string, RunShape> = {
  "without a quantum": { nQuanta: 0, tasks: ["a"], failing: 0, nValues: 1, integer: usual },
  "one quantum": { nQuanta: 1, tasks: ["a"], failing: 1, nValues: 1, integer: usual },
  "nothing failed": { nQuanta: 700, tasks: ["a", "b"], failing: 0, nValues: 9, integer: usual },
  "much failed": { nQuanta: 900, tasks: ["é", "b"], failing: 0.6, nValues: 9, integer: usual },
  "all values differ": {
    nQuanta: 1500,
    tasks: ["a", "b", "\u{10000}", "\uffff"],
    failing: 0.1,
    nValues: 1e9,
    integer: (number) => -number,
  },
  "several groups": {
    nQuanta: 12_000,
    tasks: ["a", "b", "c"],
    failing: 0.02,
    nValues: 2000,
    integer: (number) => number,
  },
};

function written(write: typeof writeTable, input: TableInput): Uint8Array {
  const parts: Uint8Array[] = [];
  write(input, (bytes) => parts.push(bytes.slice()));
  return concatBytes(parts);
}

for (const [name, shape] of Object.entries(SHAPES)) {
  Deno.test(`table of quanta, as the package writes it: ${name}`, () => {
    const run = makeRun(shape);
    const expected = written(referenceTable, run);
    const found = written(writeTable, run);
    assert.equal(found.length, expected.length);
    assert.equal(found.findIndex((byte, i) => byte !== expected[i]), -1);
  });
}

Deno.test("table of quanta: an integer of more than 64 bits is refused", () => {
  const run = makeRun({ ...SHAPES["one quantum"], integer: () => 1e300 });
  assert.throws(() => written(writeTable, run), RangeError);
});
