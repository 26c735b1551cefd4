/**
 * Which byte ranges answer a look-up: the deciding half of reading a provenance graph by range. Pure
 * functions; {@linkcode ProvenanceGraph} and {@linkcode AddressFile} do the reading.
 *
 * A look-up in a graph of a million quanta, by a file on disk or over a network, is
 *
 * | read | bytes |
 * | --- | --- |
 * | tail: ZIP directory, last address rows, fences | 64 KiB |
 * | head: header and compression dictionary | 33 KiB |
 * | beginning of `nodes.addr`, with its local header | 64 KiB |
 * | one or two probes of `nodes.addr` | 64 KiB each |
 * | the block | its size |
 *
 * @module
 */

import { lowerBound } from "../base/sort_ids.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { ZipMember } from "../codec/zip_directory.ts";

/** Bytes read from the end of a graph first; the same as {@linkcode ZipReader} asks for. */
export const TAIL_SIZE = 65536;

/** Bytes of one probe of an address file: 744 rows of `nodes.addr` at `int_size` 8. */
export const PROBE_SIZE = 65536;

/** Largest range that is read ahead for header and dictionary together. */
const MAX_HEAD_SIZE = 160 * 1024;

const LOCAL_HEADER_SIZE = 30;
/** Room for the extra field of a local header, which only reading it tells: ZIP64 takes 20. */
const EXTRA_ROOM = 64;

/** Half-open range of a file. */
export interface ByteRange {
  startByte: number;
  endByte: number;
}

/** Members of a ZIP archive by name. */
type ZipMembers = ReadonlyMap<string, ZipMember>;

/**
 * Where the next member begins behind one; null if it is the last, for the directory of
 * {@linkcode ZipReader} doesn't tell where it begins itself.
 */
function nextMemberOffset(members: ZipMembers, member: ZipMember): number | null {
  let next: number | null = null;
  for (const { headerOffset } of members.values()) {
    if (headerOffset > member.headerOffset && (next === null || headerOffset < next)) {
      next = headerOffset;
    }
  }
  return next;
}

function leastEnd(member: ZipMember): number {
  return member.headerOffset + LOCAL_HEADER_SIZE + member.name.length + member.size;
}

/**
 * One range with the named members, local headers included; null if it would be too large, because
 * they lie far apart.
 */
export function planHead(members: ZipMembers, names: readonly string[]): ByteRange | null {
  let startByte = Infinity;
  let endByte = 0;
  for (const name of names) {
    const member = members.get(name);
    if (member === undefined) continue;
    startByte = Math.min(startByte, member.headerOffset);
    endByte = Math.max(
      endByte,
      nextMemberOffset(members, member) ?? leastEnd(member) + EXTRA_ROOM,
    );
  }
  return endByte - startByte > 0 && endByte - startByte <= MAX_HEAD_SIZE
    ? { startByte, endByte }
    : null;
}

/** The beginning of a member with its local header: enough for `nBytes` of its data. */
export function planMemberStart(
  members: ZipMembers,
  name: string,
  nBytes: number,
): ByteRange | null {
  const member = members.get(name);
  if (member === undefined) return null;
  const startByte = member.headerOffset;
  const nData = Math.min(member.size, nBytes);
  return {
    startByte,
    endByte: startByte + LOCAL_HEADER_SIZE + member.name.length + EXTRA_ROOM + nData,
  };
}

/**
 * Where the data of a stored member should begin if the next member follows without a gap, which
 * spares reading its local header. A guess: what is read there must be recognised by its content, and
 * the local header be asked otherwise. Null if nothing can be said.
 */
export function presumedDataOffset(members: ZipMembers, name: string): number | null {
  const member = members.get(name);
  if (member === undefined || member.method !== 0) return null;
  const next = nextMemberOffset(members, member);
  if (next === null) return null;
  const start = next - member.size;
  const extraLength = start - member.headerOffset - LOCAL_HEADER_SIZE - member.name.length;
  return extraLength >= 0 && extraLength <= EXTRA_ROOM ? start : null;
}

/** Bytes between two ranges that are read rather than asked for separately. */
const JOINED_GAP = 16384;
/** Bytes of a joined range, and of all joined ranges together. */
const MAX_JOINED_SIZE = 4 * 2 ** 20;
const MAX_HELD_SIZE = 16 * 2 ** 20;

/**
 * Fewer, larger ranges that cover ranges which lie close together, ascending. Ranges that nothing is
 * close to are left out: reading them one by one costs the same.
 *
 * @param ranges In any order; they may overlap.
 */
export function joinRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: (ByteRange & { n: number })[] = [];
  const ascending = [...ranges].sort((a, b) => a.startByte - b.startByte);
  for (const { startByte, endByte } of ascending) {
    const last = joined.at(-1);
    if (
      last !== undefined && startByte - last.endByte <= JOINED_GAP &&
      Math.max(endByte, last.endByte) - last.startByte <= MAX_JOINED_SIZE
    ) {
      last.endByte = Math.max(endByte, last.endByte);
      last.n++;
    } else {
      joined.push({ startByte, endByte, n: 1 });
    }
  }
  let nBytes = 0;
  return joined
    .filter(({ n, startByte, endByte }) =>
      n > 1 && (nBytes += endByte - startByte) <= MAX_HELD_SIZE
    )
    .map(({ startByte, endByte }) => ({ startByte, endByte }));
}

/** What is known when a row is to be guessed. */
interface RowEstimate {
  /** The id looked for: greater than `lowerKey`, less than `upperKey`. */
  id: Uint8Array;
  /** First row that it can be in. */
  startRow: number;
  /** Behind the last row that it can be in. */
  endRow: number;
  /** Id of row `startRow - 1`, null if `startRow` is the first row. */
  lowerKey: Uint8Array | null;
  /** Id of row `endRow`, null if nothing is known about the end of the file. */
  upperKey: Uint8Array | null;
  /** Probes made for this id so far. */
  nTries: number;
}

/**
 * Guesses the row of an id, for the middle of the next probe. Interpolates for three tries, because
 * ids are random or advance with time evenly; then two tries of three halve the rows left, so that
 * the worst case stays logarithmic.
 *
 * @returns a row in `startRow..endRow - 1`.
 */
export function estimateRow(known: RowEstimate): number {
  const { id, startRow, endRow, lowerKey, upperKey, nTries } = known;
  const nRows = endRow - startRow;
  if (nTries >= 3 && nTries % 3 !== 2) return startRow + Math.floor(nRows / 2);
  // The largest id is worth a probe: between it and the smallest, ids of version 7 are even; below
  // 2^128 all of them are at the very beginning.
  if (upperKey === null && lowerKey !== null) return endRow - 1;
  const t = keyFraction(lowerKey ?? LEAST_KEY, upperKey ?? GREATEST_KEY, id);
  return startRow + Math.min(nRows - 1, Math.floor(t * nRows));
}

const LEAST_KEY = new Uint8Array(UUID_SIZE);
const GREATEST_KEY = new Uint8Array(UUID_SIZE).fill(255);

/** Where a key is between two others, 0 to 1. */
function keyFraction(lower: Uint8Array, upper: Uint8Array, id: Uint8Array): number {
  let at = 0;
  while (at < UUID_SIZE && lower[at] === upper[at]) at++;
  const low = leadingBits(lower, at);
  const span = leadingBits(upper, at) - low;
  if (span <= 0) return 0;
  return Math.max(0, Math.min(1, (leadingBits(id, at) - low) / span));
}

/** 48 bits from a byte on, as a number; zeros behind the end. */
function leadingBits(key: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 6; i++) value = value * 256 + (i < UUID_SIZE ? key[i] : 0);
  return value;
}

/**
 * Fences: ids of evenly spaced rows of `nodes.addr`, an optional member of our own graphs that makes
 * look-ups exact whatever the distribution of ids is. Fence `i` of `n` is the id of row
 * `floor(i * nRows / n)`. They are hints: what a probe says counts.
 */
export const MAX_FENCES = 2048;

/** Rows from which on fences are worth a member: below, probes reach every row soon enough. */
const MIN_FENCED_ROWS = 16384;

/** Number of fences to write for an address file, 0 for none. */
export function fenceCount(nRows: number): number {
  return nRows < MIN_FENCED_ROWS ? 0 : MAX_FENCES;
}

/** Row of each fence of a file. */
export function fenceRow(index: number, nFences: number, nRows: number): number {
  return Math.floor(index * nRows / nFences);
}

/**
 * Guesses the row of an id by fences.
 *
 * @param fences packed ids, ascending.
 * @returns a row from 0 to `nRows - 1`.
 */
export function estimateRowByFences(fences: Uint8Array, nRows: number, id: Uint8Array): number {
  const nFences = fences.length / UUID_SIZE;
  const low = lowerBound(nFences, (fence) => compareKey(fences, fence * UUID_SIZE, id) <= 0);
  if (low === 0) return 0;
  const startRow = fenceRow(low - 1, nFences, nRows);
  const endRow = low === nFences ? nRows : fenceRow(low, nFences, nRows);
  const lower = fences.subarray((low - 1) * UUID_SIZE, low * UUID_SIZE);
  // Nothing is known behind the last fence: its middle is as good as any row.
  const t = low === nFences
    ? 0.5
    : keyFraction(lower, fences.subarray(low * UUID_SIZE, (low + 1) * UUID_SIZE), id);
  return Math.min(nRows - 1, startRow + Math.floor(t * (endRow - startRow)));
}

function compareKey(keys: Uint8Array, at: number, id: Uint8Array): number {
  for (let i = 0; i < UUID_SIZE; i++) {
    const difference = keys[at + i] - id[i];
    if (difference !== 0) return difference;
  }
  return 0;
}
