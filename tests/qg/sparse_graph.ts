/**
 * Graphs of a million quanta for look-ups, whose rows are made as they are read.
 *
 * @module
 */

import { concatBytes, writeBigEndian } from "../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { fenceCount, fenceRow } from "../../lib/qg/range_plan.ts";
import { block, loadZstd, SparseSource, zipEnd, zipParts } from "./support.ts";
import { writeAddressHeader, writeAddressRow } from "../../lib/qg/address_rows.ts";

/** Rows of a graph of a million quanta. */
export const N_ROWS = 3_500_000; // a million quanta and two and a half datasets each
const ROW_SIZE = 88;

/** First 6 bytes of each id as a number, ascending; the other bytes follow from the row. */
export type Keys = Float64Array;

/** Writes the id of a row. */
export function idOf(keys: Keys, row: number, target: Uint8Array, at: number): void {
  writeBigEndian(target, at, 6, keys[row]);
  // Rows with equal keys stay in order.
  writeBigEndian(target, at + 6, 4, row);
  writeBigEndian(target, at + 10, 6, (row * 0x9e3779b1) % 2 ** 48);
}

/**
 * A graph whose log blocks are all alike.
 *
 * @param logText The document in each of them.
 * @param nLogs Blocks that are there; row `i` has block `i` modulo this number.
 */
export async function sparseGraph(
  keys: Keys,
  withFences: boolean,
  logText: string = `{"attempts":[${"[],".repeat(20)}null]}`,
  nLogs = keys.length,
): Promise<SparseSource> {
  const compressor = (await loadZstd()).compressor(null, 3);
  const json = (text: string): Uint8Array => compressor.compress(encodeUtf8(text));
  const logBlock = block(json(logText), 8);
  const logs = {
    size: nLogs * logBlock.length,
    fill: (at: number, n: number): Uint8Array => {
      const bytes = new Uint8Array(n);
      for (let i = 0; i < n; i++) bytes[i] = logBlock[(at + i) % logBlock.length];
      return bytes;
    },
  };
  const addressHeader = new Uint8Array(17);
  writeAddressHeader(addressHeader, 0, 8, keys.length, 4);
  const id = new Uint8Array(16);
  const rows = {
    size: keys.length * ROW_SIZE,
    fill: (at: number, n: number): Uint8Array => {
      const first = Math.floor(at / ROW_SIZE);
      const last = Math.ceil((at + n) / ROW_SIZE);
      const bytes = new Uint8Array((last - first) * ROW_SIZE);
      for (let row = first; row < last; row++) {
        idOf(keys, row, id, 0);
        const size = logBlock.length;
        writeAddressRow(bytes, (row - first) * ROW_SIZE, 8, id, 0, row, [
          ...[0, 0, 0, 0],
          ...[row % nLogs * size, size, 0, 0],
        ]);
      }
      return bytes.subarray(at - first * ROW_SIZE, at - first * ROW_SIZE + n);
    },
  };
  const nFences = withFences ? fenceCount(keys.length) : 0;
  const fences = new Uint8Array(16 * nFences);
  for (let i = 0; i < nFences; i++) idOf(keys, fenceRow(i, nFences, keys.length), fences, 16 * i);

  const header = `{"graph_type":"provenance","output_run":"r","int_size":8}`;
  // A compression dictionary of the usual size; the frames don't use it.
  const dictionary = encodeUtf8('{"dataset_id":"'.repeat(2184));
  const dictHeader = (await loadZstd()).compressor(dictionary, 3).compress(encodeUtf8(header));
  const members: [string, (Uint8Array | typeof logs)[]][] = [
    ["header.json.zst", [dictHeader]],
    ["compression_dict", [dictionary]],
    ["pipeline_graph.json.zst", [new Uint8Array(3_000_000)]],
    ["quanta.mb", []],
    ["datasets.mb", []],
    ["metadata.mb", []],
    ["logs.mb", [logs]],
    ["nodes.addr", [addressHeader, rows]],
    ...(withFences ? [["nodes.fences", [fences]] as [string, Uint8Array[]]] : []),
  ];
  const pieces: (Uint8Array | typeof logs)[] = [];
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
    at += local.length + size;
  }
  const directory = concatBytes(centrals);
  return new SparseSource([...pieces, directory, zipEnd(members.length, at, directory.length)]);
}

/** A generator of numbers in 0..1, the same each time. */
export function random(): () => number {
  let state = 0x2545f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const T0 = 0x01a203df2de0; // a time in milliseconds, as the leading 48 bits of version 7

/** Ids that are random throughout. */
export function uniformKeys(): Keys {
  const next = random();
  return Float64Array.from({ length: N_ROWS }, () => Math.floor(next() * 2 ** 48)).sort();
}

/** Ids of version 7, made at an even pace with pauses that are short in comparison. */
export function steadyKeys(): Keys {
  const next = random();
  const keys = new Float64Array(N_ROWS);
  let time = T0;
  for (let row = 0; row < N_ROWS; row++) {
    time += -Math.log(1 - next()) * 0.03;
    keys[row] = Math.floor(time);
  }
  return keys;
}

/** Raws with random ids, calibrations from long ago, and outputs made at three different paces. */
export function crowdedKeys(): Keys {
  const next = random();
  const keys = new Float64Array(N_ROWS);
  let time = T0;
  for (let row = 0; row < N_ROWS; row++) {
    const kind = row % 10;
    if (kind === 0) keys[row] = Math.floor(next() * 2 ** 48);
    else if (row < N_ROWS / 50) keys[row] = T0 - Math.floor(next() * 3e10);
    else {
      time += (row < N_ROWS / 3 ? 0.3 : row < N_ROWS / 2 ? 0.004 : 0.05) * 2 * next();
      keys[row] = Math.floor(time);
    }
  }
  return keys.sort();
}
