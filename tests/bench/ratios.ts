/**
 * The comparisons that matter, out of the steps of one run, and what is aimed at.
 *
 * @module
 */

import type { Ratio, SizeResult, Step } from "./results.ts";
import {
  AGGREGATE,
  CAT_GRAPH,
  CAT_MILLION,
  CAT_MILLION_HTTP,
  CAT_REPOSITORY,
  FINAL,
  IN_PLACE,
  IN_PLACE_GROUPS,
  INGEST,
  INGEST_GROUPS,
} from "./scenarios.ts";

/** Smaller runs are mostly start-up. */
const MIN_QUANTA_FOR_TARGETS = 10_000;
const MAX_CAT_MS = 150;
const MAX_PEAK_MB = 400;

/** All comparisons that the steps allow. */
export function makeRatios(result: SizeResult, nProcessors: number): Ratio[] {
  const ours = (what: string) => find(result, "provgraph", what);
  const theirs = (what: string) => find(result, "reference", what);
  const ratios: Ratio[] = [];
  const add = (
    what: string,
    dividend: number | undefined,
    divisor: number | undefined,
    target: Ratio["target"] = null,
  ) => {
    if (dividend === undefined || divisor === undefined) return;
    ratios.push({
      what,
      value: Math.round(dividend / divisor * 1000) / 1000,
      target: result.nQuanta >= MIN_QUANTA_FOR_TARGETS ? target : null,
    });
  };
  const atLeast = (value: number) => ({ isAtLeast: true, value });
  const atMost = (value: number) => ({ isAtLeast: false, value });
  const { floors } = result;
  const sum = floors === null ? undefined : floors.read + floors.compress + floors.insert;
  const rows = floors === null ? undefined : floors.forget + floors.reingest + floors.unlink;
  const aggregate = ours(AGGREGATE);
  add(
    `${AGGREGATE}: wall / (floors / ${nProcessors} processors)`,
    aggregate?.wallSeconds,
    sum === undefined ? undefined : sum / nProcessors,
    atMost(2),
  );
  add(`${AGGREGATE}: CPU / floors`, aggregate?.cpuSeconds, sum);
  add(`${INGEST}: wall / floors`, ours(INGEST)?.wallSeconds, rows);
  add(
    `${FINAL}: wall / from scratch`,
    ours(FINAL)?.wallSeconds,
    aggregate?.wallSeconds,
    atMost(0.15),
  );
  add(`${FINAL}: CPU / from scratch`, ours(FINAL)?.cpuSeconds, aggregate?.cpuSeconds);
  const compare = (what: string, reference: string, target: Ratio["target"] = null) => {
    add(
      `${what}: wall of the reference / ours`,
      theirs(reference)?.wallSeconds,
      ours(what)?.wallSeconds,
      target,
    );
    add(
      `${what}: CPU of the reference / ours`,
      theirs(reference)?.cpuSeconds,
      ours(what)?.cpuSeconds,
    );
  };
  compare(AGGREGATE, AGGREGATE, atLeast(12));
  compare(INGEST, INGEST, atLeast(5));
  compare(IN_PLACE, INGEST, atLeast(10));
  compare(INGEST_GROUPS, INGEST_GROUPS, atLeast(5));
  compare(IN_PLACE_GROUPS, INGEST_GROUPS, atLeast(10));
  compare(CAT_GRAPH, CAT_REPOSITORY, atLeast(20));
  compare(CAT_REPOSITORY, CAT_REPOSITORY, atLeast(20));
  compare(CAT_MILLION, CAT_REPOSITORY, atLeast(20));
  add(`${CAT_MILLION_HTTP}: milliseconds`, ours(CAT_MILLION_HTTP)?.wallSeconds, 0.001);
  for (const what of [CAT_GRAPH, CAT_REPOSITORY, CAT_MILLION]) {
    add(`${what}: milliseconds`, ours(what)?.wallSeconds, 0.001, atMost(MAX_CAT_MS));
  }
  add(`${AGGREGATE}: peak MB`, aggregate?.peakRssBytes, 1e6, atMost(MAX_PEAK_MB));
  add(
    "size of the provenance graph: ours / reference",
    result.graphBytes.provgraph,
    result.graphBytes.reference,
    atMost(1),
  );
  return ratios;
}

function find(result: SizeResult, tool: Step["tool"], what: string): Step | undefined {
  return result.steps.find((step) => step.tool === tool && step.what === what);
}
