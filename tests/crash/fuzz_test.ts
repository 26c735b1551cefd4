/** Readers on damaged input: a right answer or an error of the tool, within bounds, inside the root. */

import { buildGraphIndex } from "../../lib/qg/predicted/graph_index_build.ts";
import assert from "node:assert/strict";
import { normalize } from "node:path/posix";
import type { ScannerSetup } from "../../lib/aggregate/messages.ts";
import { PlannedOutputs } from "../../lib/aggregate/scan/planned_outputs.ts";
import { ByteBuilder } from "../../lib/base/bytes.ts";
import { ProvgraphError } from "../../lib/base/errors.ts";
import { parseJson } from "../../lib/base/json_text.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { withRecords } from "../../lib/butler/dimensions/record_fetch.ts";
import { FileDatastore } from "../../lib/butler/datastore/datastore.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import { readChunks } from "../../lib/chunks/framing.ts";
import { loadChunkLog } from "../../lib/chunks/table.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { parseLogFile } from "../../lib/provenance/documents/log_records.ts";
import { parseTaskMetadata } from "../../lib/provenance/documents/task_metadata.ts";
import {
  assembleAttempts,
  writeLogBlock,
  writeMetadataBlock,
  writeQuantumBlock,
} from "../../lib/provenance/scan_quantum.ts";
import { Targets } from "../../lib/provenance/targets.ts";
import type { GraphIndex } from "../../lib/qg/predicted/graph_index.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import { QuantumIds, scanQuantumIds } from "../../lib/qg/predicted/predicted_ids.ts";
import {
  parsePredictedQuantum,
  type PredictedQuantum,
} from "../../lib/qg/predicted/predicted_quantum.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { type TestMember, zipMembers } from "../qg/support.ts";
import {
  expectProvgraph,
  RUN,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { cutGraph } from "./cut_graph.ts";
import { damagedGraph } from "./damaged_graph.ts";
import { mutate, mutateJson } from "./mutate.ts";
import { Random, seedsOr } from "./random.ts";
import { CHUNK_PREFIX_SIZE, sealChunk } from "../../lib/chunks/chunk_format.ts";

const SEEDS = seedsOr([20260701, 20260702]);

/** Inputs of each kind, with each seed: 10,000 in total. */
const N = { predicted: 1500, provenance: 1500, chunks: 2000, logs: 2500, metadata: 2500 };

/** One input may cost so much at most. All are small; the largest are nested 200,000 deep. */
const MAX_MS = 5000;
const MAX_GROWTH_BYTES = 384 * 2 ** 20;

/** What RangeErrors say that show a size or depth that nobody checked. */
const UNCHECKED = /call stack|buffer allocation|Invalid (typed )?array/i;

/**
 * Runs a reader once.
 *
 * @throws {Error} if it fails in any other way than it may.
 */
async function tryOnce(what: string, read: () => unknown): Promise<boolean> {
  const startMs = performance.now();
  const before = Deno.memoryUsage();
  let isRead = true;
  try {
    await read();
  } catch (error) {
    isRead = false;
    const isExpected = error instanceof ProvgraphError || error instanceof SyntaxError ||
      (error instanceof RangeError && !UNCHECKED.test(error.message));
    if (!isExpected) throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    assert.ok(
      error.message.length < 2000,
      `${what}: a message too long: ${error.message.slice(0, 200)}`,
    );
  }
  const after = Deno.memoryUsage();
  const ms = performance.now() - startMs;
  assert.ok(ms < MAX_MS, `${what}: took ${ms.toFixed(0)} ms`);
  const grown = Math.max(after.external - before.external, after.rss - before.rss);
  assert.ok(grown < MAX_GROWTH_BYTES, `${what}: memory grew by ${grown} bytes`);
  return isRead;
}

/** Runs a reader on `n` inputs; keeps the first that fails, for a look at it. */
async function fuzz(
  seed: number,
  name: string,
  n: number,
  make: (random: Random, i: number) => Uint8Array,
  read: (input: Uint8Array, i: number) => unknown,
): Promise<void> {
  const random = new Random(name, seed);
  let nRead = 0;
  for (let i = 0; i < n; i++) {
    const input = make(random, i);
    try {
      if (await tryOnce(`${name}, seed ${seed}, input ${i}`, () => read(input, i))) nRead++;
    } catch (error) {
      const kept = Deno.makeTempFileSync({ prefix: "provgraph-fuzz-" });
      Deno.writeFileSync(kept, input);
      (error as Error).message += ` (input kept as "${kept}")`;
      throw error;
    }
  }
  console.log(`${name}: ${nRead} of ${n} inputs were read, ${n - nRead} refused`);
}

/** Files that the mutated ones are made of. */
interface Corpus {
  work: TemporaryDirectory;
  zstd: Zstd;
  predicted: TestMember[];
  provenance: TestMember[];
  chunkLog: Uint8Array;
  index: GraphIndex;
  quantum: PredictedQuantum;
  logs: Uint8Array[];
  metadata: Uint8Array[];
}

async function makeCorpus(): Promise<Corpus> {
  const work = await unpackFixture("small-mixed", "before");
  const whole = work.join("whole.qg");
  Deno.renameSync(work.join("predicted.qg"), whole);
  await cutGraph(whole, work.join("predicted.qg"), 4);
  const args = ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "-j", "1"];
  await expectProvgraph([...args, "--keep-chunks", "--zstd-dict-size", "2048"], { cwd: work.path });
  const zstd = await Zstd.load();
  using graph = await PredictedGraph.open(work.join("predicted.qg"), zstd);
  const [first] = graph.blocks();
  const files = (pattern: RegExp): Uint8Array[] => {
    const found: Uint8Array[] = [];
    const visit = (folder: string) => {
      for (const entry of Deno.readDirSync(folder)) {
        const path = `${folder}/${entry.name}`;
        if (entry.isDirectory) visit(path);
        else if (pattern.test(path)) found.push(Deno.readFileSync(path));
      }
    };
    visit(`${work.repo}/${RUN}`);
    return found;
  };
  return {
    work,
    zstd,
    predicted: zipMembers(Deno.readFileSync(work.join("predicted.qg"))),
    provenance: zipMembers(Deno.readFileSync(work.join("provenance.qg"))),
    chunkLog: Deno.readFileSync(work.join("provenance.qg.chunks")),
    index: buildGraphIndex(graph, taskQuanta(graph)),
    quantum: parsePredictedQuantum(first.text.slice()),
    logs: files(/_log\//),
    metadata: files(/_metadata\//),
  };
}

function taskQuanta(graph: PredictedGraph): PredictedQuantum[] {
  return graph.initQuanta().filter(({ taskLabel }) => taskLabel !== "");
}

function assertInside(path: string | null): void {
  if (path === null) return;
  const normal = normalize(path);
  assert.ok(
    path !== "" && !path.startsWith("/") && normal === path && !normal.startsWith("..") &&
      !path.includes("\0"),
    `path "${path}" leaves the root`,
  );
}

const NO_ENVIRONMENT = { get: () => undefined };

async function readDamaged(t: Deno.TestContext, seed: number): Promise<void> {
  const corpus = await makeCorpus();
  await using work = corpus.work;
  const { zstd } = corpus;
  const config = loadRepositoryConfig(work.repo, NO_ENVIRONMENT);
  await using registry = await openRegistry(config, { writeable: false });
  const { universe } = registry;
  const file = work.join("input.qg");

  await t.step("predicted graphs", () =>
    fuzz(
      seed,
      "predicted graphs",
      N.predicted,
      (random) => damagedGraph(corpus.predicted, zstd, random),
      async (input) => {
        Deno.writeFileSync(file, input);
        using graph = await PredictedGraph.open(file, zstd);
        graph.verifyStructure();
        const setup = {
          universeText: universe.text,
          repository: config,
          mockStorageClasses: false,
          dimensionRows: graph.dimensionRecords(["detector", "exposure"]),
        } as Partial<ScannerSetup> as ScannerSetup;
        const planned = new PlannedOutputs(setup, graph);
        const ids = new QuantumIds();
        for (const { text } of graph.blocks()) {
          scanQuantumIds(text, ids);
          for (const { path } of planned.of(parsePredictedQuantum(text))) assertInside(path);
        }
        for (const quantum of graph.initQuanta()) {
          for (const { path } of planned.of(quantum)) assertInside(path);
        }
        buildGraphIndex(graph, taskQuanta(graph));
      },
    ));

  await t.step("provenance graphs", () =>
    fuzz(
      seed,
      "provenance graphs",
      N.provenance,
      (random) => damagedGraph(corpus.provenance, zstd, random),
      async (input) => {
        Deno.writeFileSync(file, input);
        using graph = await ProvenanceGraph.open(FileSource.open(file), zstd);
        // Readers that look something up don't check the whole file first.
        try {
          for (const node of await graph.findPrefix("0", 20)) {
            if (node.dataset.size > 0) await graph.readDataset(node.dataset);
            if (node.quantum.size > 0) await graph.readQuantum(node.quantum);
            if (node.log.size > 0) await graph.readLog(node.log);
            if (node.metadata.size > 0) await graph.readMetadata(node.metadata);
          }
        } catch (error) {
          if (!(error instanceof ProvgraphError)) throw error;
        }
        await graph.verifyStructure();
        for (const member of ["quanta.mb", "datasets.mb", "metadata.mb", "logs.mb"] as const) {
          for await (const { text } of graph.blocks(member)) parseJson(text);
        }
        const datastore = new FileDatastore(config, universe, { mockStorageClasses: true });
        const targets = await Targets.read(
          graph,
          await graph.pipelineGraph(),
          universe,
          datastore,
        );
        const records = await registry.dimensionRecordSource();
        for (let target = 0; target < targets.n; target++) {
          const paths = await withRecords(() => targets.paths(target, records));
          for (const path of paths) assertInside(path);
        }
      },
    ));

  await t.step("chunk logs", () =>
    fuzz(seed, "chunk logs", N.chunks, (random) => {
      if (random.next() < 0.5) return mutate(corpus.chunkLog, random);
      return resealed(corpus, random);
    }, (input) => {
      Deno.writeFileSync(file, input);
      using source = FileSource.open(file);
      const loaded = loadChunkLog(source, corpus.index);
      if (loaded === null) return;
      assert.ok(loaded.soundSize <= input.length);
      for (let q = 0; q < corpus.index.nQuanta; q++) {
        const end: number = loaded.table.chunkOffset[q] + loaded.table.chunkSize[q];
        assert.ok(loaded.table.chunkOffset[q] < 0 || end <= loaded.soundSize);
      }
    }));

  /** What is spliced together from a document that was accepted must be JSON again. */
  const splice = (log: Uint8Array | null, metadata: Uint8Array | null) => {
    const out = new ByteBuilder();
    const scanned = assembleAttempts(
      log === null ? null : { bytes: log, file: parseLogFile(log, "calibrate") },
      metadata === null
        ? null
        : { bytes: metadata, document: parseTaskMetadata(metadata, "calibrate") },
      false,
    );
    const check = (write: () => void) => {
      out.reset();
      write();
      try {
        parseJson(out.view());
      } catch (error) {
        throw new Error(`the block is no JSON: ${(error as Error).message}`, { cause: error });
      }
    };
    check(() => writeQuantumBlock(out, corpus.quantum, scanned.attempts, log));
    check(() => writeMetadataBlock(out, scanned.attempts));
    check(() => writeLogBlock(out, scanned.attempts, log));
  };
  const damaged = (texts: readonly Uint8Array[]) => (random: Random) =>
    (random.next() < 0.5 ? mutate : mutateJson)(random.pick(texts), random);
  await t.step(
    "logs",
    () => fuzz(seed, "logs", N.logs, damaged(corpus.logs), (input) => splice(input, null)),
  );
  await t.step(
    "metadata",
    () =>
      fuzz(seed, "metadata", N.metadata, damaged(corpus.metadata), (input) => splice(null, input)),
  );
}

for (const seed of SEEDS) {
  Deno.test(
    `readers of graphs, chunk logs and documents stand 10,000 damaged inputs (seed ${seed})`,
    (t) => readDamaged(t, seed),
  );
}

/** A chunk log with one chunk damaged and its checksums made right. */
function resealed(corpus: Corpus, random: Random): Uint8Array {
  const result = corpus.chunkLog.slice();
  const path = corpus.work.join("sound.chunks");
  Deno.writeFileSync(path, result);
  using source = FileSource.open(path);
  const places = [...readChunks(source, () => {})];
  const place = random.pick(places);
  const start = place.offset + CHUNK_PREFIX_SIZE;
  const isHead = random.next() < 0.8;
  const part = isHead
    ? result.subarray(start, start + place.headSize)
    : result.subarray(start + place.headSize, start + place.headSize + place.bodySize);
  part.set(mutate(part, random).subarray(0, part.length));
  const type = random.next() < 0.1 ? random.below(8) : place.type;
  sealChunk(result, place.offset, type, place.headSize, place.bodySize);
  return result;
}
