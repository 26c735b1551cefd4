/**
 * A graph of a million quanta for pages, made in seconds. Of its table of quanta two groups are what the
 * aggregator's writer makes, the others are the same again; its addresses are made as they are read; all blocks
 * are those of one real quantum.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { type ColumnChunk, parquetMetadata } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { concatBytes, readBigEndian } from "../../lib/base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import { UUID_SIZE, uuidFromText } from "../../lib/base/uuid.ts";
import { AttemptStatus } from "../../lib/provenance/quantum_status.ts";
import { type TableLayout, tableLayout } from "../../lib/provenance/table/table_columns.ts";
import { makeTableRows, type TableRows } from "../../lib/provenance/table/table_rows.ts";
import { writeTable } from "../../lib/provenance/table/table_writer.ts";
import { PipelineGraph } from "../../lib/qg/pipeline_graph.ts";
import type { GraphArrays } from "../../lib/qg/predicted/graph_arrays.ts";
import { fenceCount, fenceRow } from "../../lib/qg/range_plan.ts";
import type { ByteSource } from "../../lib/storage/byte_source.ts";
import { block, loadZstd, SparseSource, zipEnd, type zipMembers, zipParts } from "../qg/support.ts";
import { crowdedKeys, idOf, type Keys, N_ROWS } from "../qg/sparse_graph.ts";
import { writeAddressHeader, writeAddressRow } from "../../lib/qg/address_rows.ts";

/** Quanta of the graph. */
export const N_QUANTA = 2 ** 20;
/** One quantum in so many failed. */
export const FAILED_EVERY = 64;
/** Tasks that have any. */
export const TASKS = ["calibrate", "warp"];
/** Quanta of a group of the table, as many as its writer makes large ones. */
const GROUP_SIZE = 2 ** 16;
const ROW_SIZE = 88;
/** Blocks that there are of each kind; rows share them. */
const N_BLOCKS = 20_000;

/** A piece of the file: bytes, or what makes them. */
type Piece = Uint8Array | { size: number; fill: (at: number, n: number) => Uint8Array };

/** The graph. */
export interface MillionGraph {
  source: ByteSource;
  /** A member's place in the file. */
  members: ReadonlyMap<string, { start: number; end: number }>;
}

/**
 * Makes it. Time: some seconds. Memory: 100 MB.
 *
 * @param fixture Members of a graph that the reference wrote without dictionary.
 * @param known The quantum, and its log, that all rows point to.
 */
export async function makeMillionGraph(
  fixture: ReturnType<typeof zipMembers>,
  known: { id: string; quantum: Uint8Array; log: Uint8Array },
): Promise<MillionGraph> {
  const data = (name: string) => fixture.find((member) => member.name === name)!.data;
  const zstd = await loadZstd();
  const compressor = zstd.compressor(null, 3);
  const plain = (name: string) => zstd.decompressor(null).decompress(data(name), name);
  const [quantum, log] = [known.quantum, known.log].map((text) =>
    block(compressor.compress(text), 8)
  );
  const header = JSON.parse(decodeUtf8(plain("header.json.zst")));
  header.n_quanta = N_QUANTA;
  for (const label of Object.keys(header.n_task_quanta)) {
    header.n_task_quanta[label] = TASKS.includes(label) ? N_QUANTA / TASKS.length : 0;
  }
  const pipeline = PipelineGraph.parse(plain("pipeline_graph.json.zst"), "pipeline graph");
  const keys = crowdedKeys();
  const idAt = idsWith(keys, uuidFromText(known.id));
  const table = makeTable(tableLayout(pipeline)!, keys, {
    size: N_QUANTA * quantum.length,
    // That of no bytes, which the directory has for pieces that are made when they are read.
    crc32: crc32(""),
  });
  const rows = addressRows(idAt, [0, quantum.length, log.length, 0]);
  const addressHeader = new Uint8Array(17);
  writeAddressHeader(addressHeader, 0, 8, N_ROWS, 4);
  const nFences = fenceCount(N_ROWS);
  const fences = new Uint8Array(UUID_SIZE * nFences);
  for (let i = 0; i < nFences; i++) idAt(fenceRow(i, nFences, N_ROWS), fences, UUID_SIZE * i);
  return archive([
    ["header.json.zst", [compressor.compress(encodeUtf8(JSON.stringify(header)))]],
    ["pipeline_graph.json.zst", [data("pipeline_graph.json.zst")]],
    ["init_quanta.json.zst", [data("init_quanta.json.zst")]],
    ["packages.json.zst", [data("packages.json.zst")]],
    ["quanta.mb", [repeated(quantum, N_QUANTA)]],
    ["datasets.mb", []],
    ["metadata.mb", []],
    ["logs.mb", [repeated(log, N_BLOCKS)]],
    ["quanta.parquet", table],
    ["nodes.addr", [addressHeader, rows]],
    ["nodes.fences", [fences]],
  ]);
}

/** Writes the id of a row; one row has a known one, in its place. */
function idsWith(keys: Keys, known: Uint8Array) {
  const key = readBigEndian(known, 0, 6);
  let knownRow = keys.findIndex((other) => other >= key);
  if (knownRow < 0) knownRow = N_ROWS - 1;
  keys[knownRow] = key;
  return (row: number, target: Uint8Array, at: number): void => {
    if (row === knownRow) target.set(known, at);
    else idOf(keys, row, target, at);
  };
}

/** Rows of addresses that have a block of each size, where it isn't zero. */
function addressRows(
  idAt: (row: number, target: Uint8Array, at: number) => void,
  sizes: readonly number[],
): Piece {
  const id = new Uint8Array(UUID_SIZE);
  return {
    size: N_ROWS * ROW_SIZE,
    fill: (at: number, n: number) => {
      const first = Math.floor(at / ROW_SIZE);
      const last = Math.ceil((at + n) / ROW_SIZE);
      const bytes = new Uint8Array((last - first) * ROW_SIZE);
      for (let row = first; row < last; row++) {
        idAt(row, id, 0);
        const places = sizes.flatMap((size) => size === 0 ? [0, 0] : [row % N_BLOCKS * size, size]);
        writeAddressRow(bytes, (row - first) * ROW_SIZE, 8, id, 0, row, places);
      }
      return bytes.subarray(at - first * ROW_SIZE, at - first * ROW_SIZE + n);
    },
  };
}

function repeated(bytes: Uint8Array, times: number): Piece {
  return {
    size: bytes.length * times,
    fill: (at: number, n: number) =>
      Uint8Array.from({ length: n }, (_, i) => bytes[(at + i) % bytes.length]),
  };
}

/** A table of two groups, which tell all that is to be known of the others: each is there many times. */
function makeTable(
  layout: TableLayout,
  keys: Keys,
  quanta: { size: number; crc32: number },
): Piece[] {
  const parts: Uint8Array[] = [];
  const n = TASKS.length * GROUP_SIZE;
  const size = quanta.size / N_QUANTA;
  const message = encodeUtf8("the fit did not converge in 100 steps");
  writeTable({
    arrays: makeArrays(layout, keys, n),
    layout,
    rows: makeRows(n, message.length),
    texts: [{
      exceptions: ["oracle.FitError"],
      messages: message,
      earlier: new Uint8Array(),
      earlierStart: new Map(),
      coordinates: new Map(),
    }],
    blockers: {
      first: new Int32Array(n).fill(-1),
      nBlockers: new Int32Array(n),
      nBlocked: new Int32Array(n),
    },
    documentOffset: Float64Array.from({ length: n }, (_, q) => q * size),
    documentSize: new Uint32Array(n).fill(size),
    quanta,
  }, (bytes) => parts.push(bytes.slice()));
  return repeatGroups(concatBytes(parts).buffer);
}

/** The same table with its groups as often as there are quanta. */
function repeatGroups(table: ArrayBuffer): Piece[] {
  const metadata = parquetMetadata(table);
  const groups = metadata.row_groups.map((group) => {
    const places = group.columns.map(({ meta_data: column }) => {
      const start = Number(column!.dictionary_page_offset ?? column!.data_page_offset);
      return { start, end: start + Number(column!.total_compressed_size) };
    });
    return {
      group,
      start: Math.min(...places.map(({ start }) => start)),
      end: Math.max(...places.map(({ end }) => end)),
    };
  });
  const writer = new ByteWriter(1 << 16);
  const parquet = new ParquetWriter({
    writer,
    schema: metadata.schema,
    codec: "UNCOMPRESSED",
    kvMetadata: metadata.key_value_metadata,
  });
  const pieces: Piece[] = [new Uint8Array(table, 0, 4)];
  let at = 4;
  for (let i = 0; i < N_QUANTA / GROUP_SIZE; i++) {
    const { group, start, end } = groups[Math.floor(i * GROUP_SIZE * TASKS.length / N_QUANTA)];
    parquet.row_groups.push({
      ...group,
      columns: group.columns.map((column) => movedColumn(column, BigInt(at - start))),
    });
    pieces.push(new Uint8Array(table, start, end - start));
    at += end - start;
  }
  parquet.num_rows = BigInt(N_QUANTA);
  parquet.finish();
  return [...pieces, writer.getBytes().subarray(4)];
}

function movedColumn({ meta_data: column }: ColumnChunk, by: bigint): ColumnChunk {
  const moved = (offset: bigint | undefined) => offset === undefined ? undefined : offset + by;
  const data_page_offset = column!.data_page_offset + by;
  return {
    file_offset: data_page_offset,
    meta_data: {
      ...column!,
      data_page_offset,
      dictionary_page_offset: moved(column!.dictionary_page_offset),
    },
  };
}

/** One attempt of some seconds each, of which all digits are other ones. */
function makeRows(n: number, messageSize: number): TableRows {
  const rows = makeTableRows(n);
  const { numbers } = rows;
  rows.collector.fill(1);
  numbers.messageSize.fill(messageSize);
  for (let q = 0; q < n; q++) {
    const share = (q * 0x9e3779b1) % 2 ** 32 / 2 ** 32;
    const hasFailed = q % FAILED_EVERY === 0;
    numbers.status[q] = hasFailed ? AttemptStatus.FAILED : AttemptStatus.SUCCESSFUL;
    numbers.attempts[q] = 1;
    numbers.caveats[q] = 0;
    numbers.start[q] = Date.UTC(2026, 6, 1) * 1000 + Math.floor(share * 3.6e9);
    numbers.prepTime[q] = share / 10;
    numbers.initTime[q] = share / 5;
    numbers.runTime[q] = 1 + 50 * share;
    numbers.cpuTime[q] = 1 + 49 * share;
    numbers.memory[q] = Math.floor(1e9 * (1 + share));
    numbers.nProduced[q] = hasFailed ? 0 : 3;
    numbers.exception[q] = hasFailed ? 1 : 0;
  }
  return rows;
}

/** Quanta of all tasks, a group of each, with a data ID of its own each. */
function makeArrays(layout: TableLayout, keys: Keys, n: number): GraphArrays {
  const quantumIds = new Uint8Array(UUID_SIZE * n);
  const taskIndex = Uint16Array.from({ length: n }, (_, q) => Math.floor(q / GROUP_SIZE));
  const texts = Array.from({ length: n }, (_, q) => dataId(layout, TASKS[taskIndex[q]], q));
  const coordinateStart = new Uint32Array(n + 1);
  for (let q = 0; q < n; q++) {
    idOf(keys, 3 * q, quantumIds, UUID_SIZE * q);
    coordinateStart[q + 1] = coordinateStart[q] + texts[q].length;
  }
  const none = new Uint32Array(0);
  return {
    taskLabels: TASKS,
    taskFiles: TASKS.map(() => null),
    nQuanta: n,
    nInitQuanta: 0,
    nDatasets: 0,
    quantumIds,
    taskIndex,
    blockOffset: new Float64Array(0),
    blockSize: none,
    nOwnedInputs: none,
    nProducedInputs: none,
    outputStart: Uint32Array.from({ length: n + 1 }, (_, q) => 3 * q),
    outputs: none,
    datasetIds: new Uint8Array(0),
    slots: none,
    producer: new Int32Array(0),
    consumerStart: none,
    consumers: none,
    coordinateStart,
    coordinates: encodeUtf8(texts.join("")),
  };
}

/** Letters of ASCII alone. */
function dataId({ dimensions, tasks }: TableLayout, label: string, q: number): string {
  const values = tasks[label].map((number, i) =>
    dimensions[number].type === "string" ? "OracleCam" : i === 1 ? q % 189 : Math.floor(q / 189)
  );
  return JSON.stringify(values);
}

function archive(
  members: readonly [name: string, data: readonly Piece[]][],
): MillionGraph {
  const places = new Map<string, { start: number; end: number }>();
  const pieces: Piece[] = [];
  const centrals: Uint8Array[] = [];
  let at = 0;
  for (const [name, data] of members) {
    const size = data.reduce((n, p) => n + (p instanceof Uint8Array ? p.length : p.size), 0);
    const whole = data.length === 1 && data[0] instanceof Uint8Array ? data[0] : new Uint8Array(0);
    const { local, central } = zipParts({ name, data: whole }, at, size);
    // zipParts() takes the stored size of what it was given.
    for (const [bytes, place] of [[local, 18], [central, 20]] as const) {
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(place, size, true);
    }
    pieces.push(local, ...data);
    centrals.push(central);
    places.set(name, { start: at + local.length, end: at + local.length + size });
    at += local.length + size;
  }
  const directory = concatBytes(centrals);
  const end = zipEnd(members.length, at, directory.length);
  return { source: new SparseSource([...pieces, directory, end]), members: places };
}
