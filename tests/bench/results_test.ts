import assert from "node:assert/strict";
import { makeRatios } from "./ratios.ts";
import { makeStep, ratioTable, type SizeResult, type Trial } from "./results.ts";
import { AGGREGATE, INGEST } from "./scenarios.ts";

function trial(wallSeconds: number, scan: number): Trial {
  return {
    wallSeconds,
    cpuSeconds: wallSeconds * 2,
    peakRssBytes: wallSeconds * 1e8,
    writtenBytes: 1000,
    stages: { scan },
    work: {},
  };
}

function resultOf(nQuanta: number): SizeResult {
  const about = { nQuanta, nFileBytes: 40e6 };
  return {
    nQuanta,
    nDatasets: 0,
    nVisits: 0,
    nDetectors: 0,
    nFiles: 0,
    nFileBytes: about.nFileBytes,
    medianLogBytes: 0,
    medianMetadataBytes: 0,
    predictedGraphBytes: 0,
    graphBytes: { provgraph: 9, reference: 10 },
    floors: { read: 1, compress: 2, insert: 1, forget: 0.1, reingest: 0.2, unlink: 0.2 },
    steps: [
      makeStep("provgraph", AGGREGATE, [trial(9, 1), trial(2, 3), trial(4, 2)], about),
      makeStep("reference", AGGREGATE, [trial(44, 0)], about),
      makeStep("provgraph", INGEST, [trial(1, 0)], about),
    ],
    ratios: [],
    notes: [],
  };
}

Deno.test("makeStep() takes medians, of each stage for itself, and the largest peak", () => {
  const [step] = resultOf(10_000).steps;
  assert.equal(step.wallSeconds, 4);
  assert.equal(step.cpuSeconds, 8);
  assert.equal(step.peakRssBytes, 9e8);
  assert.deepEqual(step.stages, { scan: 2 });
  assert.equal(step.quantaPerSecond, 2500);
  assert.equal(step.megabytesPerSecond, 10);
});

Deno.test("makeRatios() compares what was run, and leaves out what wasn't", () => {
  const ratios = makeRatios(resultOf(10_000), 2);
  const value = (text: string) => ratios.find(({ what }) => what.startsWith(text))?.value;
  assert.equal(value(`${AGGREGATE}: wall / (floors / 2 processors)`), 2);
  assert.equal(value(`${AGGREGATE}: wall of the reference / ours`), 11);
  assert.equal(value(`${INGEST}: wall / floors`), 2);
  assert.equal(value(`${INGEST}: wall of the reference`), undefined);
  assert.equal(value("size of the provenance graph"), 0.9);
  const table = ratioTable(ratios).split("\n");
  const line = (text: string) => table.find((row) => row.startsWith(text))!;
  assert.match(line(`${AGGREGATE}: wall / (floors`), / at most 2 +met$/);
  assert.match(line(`${AGGREGATE}: wall of the reference`), / at least 12 +NOT met$/);
  assert.match(line(`${AGGREGATE}: peak MB`), / at most 400 +NOT met$/);
});

Deno.test("makeRatios() sets no targets for runs that are mostly start-up", () => {
  assert.ok(makeRatios(resultOf(1000), 2).every(({ target }) => target === null));
});
