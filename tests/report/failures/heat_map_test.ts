import assert from "node:assert/strict";
import { FATES, HeatMaps } from "../../../lib/report/failures/heat_map.ts";

const VISITS = new Map([
  ["isr", ["instrument", "exposure", "detector"]],
  ["calibrate", ["instrument", "visit", "detector"]],
  ["coadd", ["skymap", "tract", "patch", "band"]],
  ["sky", ["healpix9", "band"]],
  ["all", ["instrument"]],
]);

function mapsOf(quanta: [task: string, values: (string | number)[], fate: keyof typeof FATES][]) {
  const maps = new HeatMaps(VISITS);
  for (const [task, values, fate] of quanta) {
    maps.add(task, values, FATES[fate]);
  }
  return maps.report();
}

Deno.test("quanta are counted over the pair of dimensions that their task has", () => {
  const [map, ...others] = mapsOf([
    ["calibrate", ["Cam", 10, 2], "failed"],
    ["calibrate", ["Cam", 9, 1], "other"],
    ["calibrate", ["Cam", 9, 2], "failed"],
    ["calibrate", ["Cam", 9, 2], "blocked"],
    ["all", ["Cam"], "failed"],
  ]);
  assert.deepEqual(others, []);
  assert.deepEqual(map, {
    dimensions: ["visit", "detector"],
    tasks: ["calibrate"],
    rows: [
      {
        ...{ first: 9, last: 9, n_quanta: 3, n_failed: 1, n_blocked: 1 },
        ...{ quanta: [1, 2], failed: [0, 1], blocked: [0, 1] },
      },
      {
        ...{ first: 10, last: 10, n_quanta: 1, n_failed: 1, n_blocked: 0 },
        ...{ quanta: [0, 1], failed: [0, 1], blocked: [0, 0] },
      },
    ],
    columns: [
      { first: 1, last: 1, n_quanta: 1, n_failed: 0, n_blocked: 0 },
      { first: 2, last: 2, n_quanta: 3, n_failed: 2, n_blocked: 1 },
    ],
    worst: [
      { dimension: "visit", value: 9, n_quanta: 3, n_failed: 1, n_blocked: 1 },
      { dimension: "visit", value: 10, n_quanta: 1, n_failed: 1, n_blocked: 0 },
      { dimension: "detector", value: 2, n_quanta: 3, n_failed: 2, n_blocked: 1 },
    ],
  });
});

Deno.test("each pair of dimensions has a map; other tasks' first two count", () => {
  const maps = mapsOf([
    ["isr", ["Cam", 1, 1], "failed"],
    ["isr", ["Cam", 1, 2], "other"],
    ["coadd", ["map", 0, 7, "g"], "blocked"],
    ["coadd", ["map", 0, 8, "g"], "other"],
    ["sky", [5, "r"], "failed"],
    ["sky", [5, "g"], "other"],
  ]);
  assert.deepEqual(maps.map(({ dimensions }) => dimensions.join()), [
    "exposure,detector",
    "tract,patch",
    "healpix9,band",
  ]);
  assert.deepEqual(maps[2].columns.map(({ first }) => first), ["g", "r"]);
});

Deno.test("there is no map where nothing failed", () => {
  assert.deepEqual(mapsOf([["isr", ["Cam", 1, 1], "other"], ["isr", ["Cam", 2, 1], "other"]]), []);
});

Deno.test("many visits share rows, and none is lost", () => {
  const quanta = Array.from(
    { length: 1000 },
    (_, i): [string, (string | number)[], keyof typeof FATES] => [
      "calibrate",
      ["Cam", 5000 - i, i % 300],
      i % 7 === 0 ? "failed" : "other",
    ],
  );
  const [map] = mapsOf(quanta);
  assert.ok(map.rows.length <= 60 && map.columns.length <= 200);
  assert.deepEqual([map.rows[0].first, map.rows.at(-1)!.last], [4001, 5000]);
  for (const lines of [map.rows, map.columns]) {
    assert.equal(lines.reduce((sum, { n_quanta }) => sum + n_quanta, 0), 1000);
    assert.equal(lines.reduce((sum, { n_failed }) => sum + n_failed, 0), 143);
  }
  for (const { n_quanta, quanta } of map.rows) {
    assert.equal(quanta.reduce((a, b) => a + b), n_quanta);
  }
});

for (
  const [order, columnOf] of [
    ["in order", (i) => i % 189],
    ["from the last", (i) => 188 - i % 189],
    ["from everywhere", (i) => i * 101 % 189],
    ["a few of each row", (i) => (i % 189) < 3 ? 60 * (i % 189) : 7],
  ] as [order: string, columnOf: (i: number) => number][]
) {
  Deno.test(`rows grow while detectors come ${order}, one by one and by columns`, () => {
    const [nRows, nColumns] = [50, 189];
    const n = nRows * nColumns;
    const rows = Uint32Array.from({ length: n }, (_, i) => i % 2 === 0 ? 3 : i / nColumns);
    const columns = Uint32Array.from({ length: n }, (_, i) => columnOf(i));
    const fates = Uint8Array.from({ length: n }, (_, i) => i % 3);
    const counted = new Map<string, number>();
    for (let i = 0; i < n; i++) {
      const place = `${rows[i]} ${columns[i]} ${fates[i]}`;
      counted.set(place, (counted.get(place) ?? 0) + 1);
    }
    const values = Array.from({ length: nColumns }, (_, i) => i);
    const single = new HeatMaps(VISITS);
    for (let i = 0; i < n; i++) single.add("isr", ["Cam", rows[i], columns[i]], fates[i]);
    const whole = new HeatMaps(VISITS);
    const coded = [{ codes: new Uint32Array(n), values: ["Cam"] }, { codes: rows, values }, {
      codes: columns,
      values,
    }];
    for (let from = 0; from < n; from += 1000) {
      whole.addRows("isr", coded, fates, { from, to: Math.min(n, from + 1000) });
    }
    const [map] = whole.report();
    assert.deepEqual(map, single.report()[0]);
    for (const { first: row, quanta, failed, blocked } of map.rows) {
      map.columns.forEach(({ first: column }, c) => {
        const [other, nFailed, nBlocked] = [0, 1, 2].map((fate) =>
          counted.get(`${row} ${column} ${fate}`) ?? 0
        );
        assert.equal(quanta[c], other + nFailed + nBlocked, `${row} ${column}`);
        assert.equal(failed[c], nFailed);
        assert.equal(blocked[c], nBlocked);
      });
    }
  });
}
