/**
 * `deno task bench [REPOSITORY PREDICTED_GRAPH]`: times aggregate-graph and ingest-graph on fresh
 * copies, beside floors measured in the same run, and prints ratios. Without arguments it takes the
 * fixture `medium` (2550 quanta).
 *
 * @module
 */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource, readWholeFile, ReusableBuffer } from "../../lib/store/file_source.ts";
import { Zstd } from "../../lib/store/zstd.ts";
import {
  copyTree,
  provgraphCommand,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";

const TRIALS = 3;

interface Measured {
  seconds: number;
  peakMb: number;
}

/** Runs the tool and reads the peak of its memory from its own last log line. */
function run(args: string[], cwd: string): Measured {
  const [command, prefix] = provgraphCommand();
  const start = performance.now();
  const result = new Deno.Command(command, { args: [...prefix, ...args], cwd }).outputSync();
  const seconds = (performance.now() - start) / 1000;
  const text = new TextDecoder().decode(result.stderr);
  if (!result.success) throw new Error(`${args.join(" ")} failed: ${text}`);
  const peak = /peak memory ([\d.]+) (GB|MB)/.exec(text);
  return {
    seconds,
    peakMb: peak === null ? NaN : Number(peak[1]) * (peak[2] === "GB" ? 1000 : 1),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function timed(action: () => void): number {
  const start = performance.now();
  action();
  return (performance.now() - start) / 1000;
}

/** Every log and metadata file below a directory. */
function* smallFiles(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* smallFiles(path);
    else if (/_(log|metadata)\//.test(path)) yield path;
  }
}

async function floors(repository: string, graphPath: string): Promise<Record<string, number>> {
  const files = [...smallFiles(repository)];
  const buffer = new ReusableBuffer();
  const read = timed(() => {
    for (const file of files) readWholeFile(file, buffer);
  });
  const zstd = await Zstd.load();
  const blocks: Uint8Array[] = [];
  using graph = await ProvenanceGraph.open(FileSource.open(graphPath), zstd);
  for (const member of ["quanta.mb", "datasets.mb", "metadata.mb", "logs.mb"] as const) {
    for await (const block of graph.blocks(member)) blocks.push(block.text);
  }
  const compressor = zstd.compressor(blocks[Math.floor(blocks.length / 2)].subarray(0, 32768), 10);
  const compress = timed(() => {
    for (const block of blocks) compressor.compress(block);
  });
  return { read, compress, insert: insertFloor(repository) };
}

/** The rows of the four dataset tables, copied into a database with the same schema. */
function insertFloor(repository: string): number {
  const path = join(repository, "floor.sqlite3");
  Deno.copyFileSync(join(repository, "gen3.sqlite3"), path);
  using database = new DatabaseSync(path);
  const tables = (database.prepare(
    "select name from sqlite_master where type = 'table' and (name in " +
      "('dataset', 'dataset_location', 'file_datastore_records') or name like 'dataset\\_tags\\_%' escape '\\')",
  ).all() as { name: string }[]).map((row) => row.name).sort((a, b) =>
    Number(b === "dataset") - Number(a === "dataset")
  );
  const rows = new Map<string, unknown[][]>();
  for (const table of tables) {
    const statement = database.prepare(`select * from "${table}"`);
    statement.setReadBigInts(true);
    rows.set(table, statement.all().map((row) => Object.values(row)));
  }
  for (const table of [...tables].reverse()) database.exec(`delete from "${table}"`);
  const seconds = timed(() => {
    database.exec("begin immediate");
    for (const [table, values] of rows) {
      if (values.length === 0) continue;
      const marks = values[0].map(() => "?").join(",");
      const statement = database.prepare(`insert into "${table}" values (${marks})`);
      for (const row of values) statement.run(...row as string[]);
    }
    database.exec("commit");
  });
  database.close();
  Deno.removeSync(path);
  return seconds;
}

async function main(): Promise<void> {
  await using scratch = await temporaryDirectory();
  let source: string;
  if (Deno.args.length === 2) {
    source = join(scratch.path, "source");
    Deno.mkdirSync(source);
    copyTree(Deno.args[0], join(source, "repo"));
    Deno.copyFileSync(Deno.args[1], join(source, "predicted.qg"));
  } else {
    await using fixture = await unpackFixture("medium", "before");
    source = join(scratch.path, "source");
    copyTree(fixture.path, source);
  }
  const nProcessors = navigator.hardwareConcurrency;
  const aggregate: Measured[] = [];
  const ingest: Measured[] = [];
  let floor: Record<string, number> = {};
  for (let trial = 0; trial < TRIALS; trial++) {
    const copy = join(scratch.path, `trial-${trial}`);
    copyTree(source, copy);
    aggregate.push(run(["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg"], copy));
    if (trial === 0) floor = await floors(join(copy, "repo"), join(copy, "out.qg"));
    ingest.push(run(["ingest-graph", "repo", "out.qg"], copy));
    Deno.removeSync(copy, { recursive: true });
  }
  const sum = floor.read + floor.compress + floor.insert;
  const a = median(aggregate.map((m) => m.seconds));
  const i = median(ingest.map((m) => m.seconds));
  console.log(`aggregate-graph  ${a.toFixed(2)} s, peak ${aggregate[0].peakMb} MB`);
  console.log(`ingest-graph     ${i.toFixed(2)} s, peak ${ingest[0].peakMb} MB`);
  for (const [name, seconds] of Object.entries(floor)) {
    console.log(`floor: ${name.padEnd(9)} ${seconds.toFixed(2)} s`);
  }
  console.log(
    `aggregate-graph takes ${(a / (sum / nProcessors)).toFixed(2)} times the sum of the floors ` +
      `divided by ${nProcessors} processors`,
  );
}

await main();
