/**
 * One log out of a graph of a million quanta, from a file and from a server.
 *
 * The graph is no run's: its 3.5 million address rows are made up, and all point to a few copies of one
 * real log. To a look-up it is the same, and it is made in seconds.
 *
 * @module
 */

import { join } from "node:path";
import { uuidToText } from "../../lib/base/uuid.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { crowdedKeys, idOf, N_ROWS, sparseGraph } from "../qg/sparse_graph.ts";
import { serveRanges } from "../support/range_server.ts";
import type { KnownLog, Lab } from "./lab.ts";
import { makeStep, type Trial } from "./results.ts";
import { CAT_MILLION, CAT_MILLION_HTTP, N_SHORT_TRIALS } from "./scenarios.ts";

const N_LOGS = 1000;
const PIECE_SIZE = 2 ** 22;

/**
 * Reads logs of many places in the graph.
 *
 * @param copy An ingested repository with the log that all nodes of the graph get.
 */
export async function measureMillion(lab: Lab, copy: string, log: KnownLog): Promise<void> {
  const { stdout: logText } = await lab.read(copy, [
    ...["cat", "repo", "log", log.id, "--run", lab.run, "--all-attempts", "--raw"],
  ]);
  const keys = crowdedKeys();
  const path = join(lab.scratch, "million.qg");
  await writeGraph(path, keys, logText);
  const source = FileSource.open(path);
  await using server = serveRanges(source);
  for (const [what, argument] of [[CAT_MILLION, path], [CAT_MILLION_HTTP, server.url]]) {
    const trials: Trial[] = [];
    for (let trial = 0; trial < N_SHORT_TRIALS; trial++) {
      const id = new Uint8Array(16);
      idOf(keys, Math.floor(N_ROWS / N_SHORT_TRIALS * (trial + 0.5)), id, 0);
      trials.push(await lab.read(copy, ["cat", argument, "log", uuidToText(id)]));
    }
    lab.result.steps.push(makeStep("provgraph", what, trials, null));
  }
  const { nRequests, nBytes } = server.counts;
  lab.result.notes.push(
    `${CAT_MILLION_HTTP}: ${(nRequests / N_SHORT_TRIALS).toFixed(1)} requests and ` +
      `${Math.round(nBytes / N_SHORT_TRIALS / 1024)} KiB each, in the mean`,
  );
  source.close();
  Deno.removeSync(path);
}

async function writeGraph(path: string, keys: Float64Array, logText: string): Promise<void> {
  const source = await sparseGraph(keys, true, logText, N_LOGS);
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (let at = 0; at < source.size; at += PIECE_SIZE) {
    const piece = await source.read(at, Math.min(PIECE_SIZE, source.size - at));
    for (let done = 0; done < piece.length;) done += file.writeSync(piece.subarray(done));
  }
}
