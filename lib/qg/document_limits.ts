/**
 * How large the documents of a graph can be, in bytes. A frame of a few kilobytes may hold gigabytes, so
 * the size that it states is compared with what such a document can be before memory is taken for it.
 *
 * Limits leave a factor of ten and more to what surveys have: a pipeline of 150 tasks with all their
 * configurations has some 20 MB, versions of packages 100 kB. Where a document has an entry for each quantum
 * that reads it, or for each record, its limit grows with the table of addresses, which is really in
 * the file.
 *
 * @module
 */

import {
  DATASETS_MEMBER,
  DIMENSION_DATA_MEMBER,
  HEADER_MEMBER,
  LOGS_MEMBER,
  NODES_ADDRESS_MEMBER,
  PIPELINE_GRAPH_MEMBER,
  QUANTA_ADDRESS_MEMBER,
  QUANTA_MEMBER,
  QUANTUM_DATASETS_MEMBER,
  THIN_GRAPH_MEMBER,
} from "./member_names.ts";

/** Largest of all: a log file that scanners take, and the brackets around it. */
export const MAX_DOCUMENT_SIZE = 2 ** 30 + 2 ** 20;
/** What scanners decode of the pipeline graph ahead of the main thread, which refuses bombs for all. */
export const MAX_EARLY_PIPELINE_SIZE = 2 ** 25;

const USUAL = 2 ** 26;

/** Largest size by member; and bytes for each byte of addresses. */
const LIMITS: Readonly<Record<string, readonly [size: number, forAddressByte: number]>> = {
  [HEADER_MEMBER]: [USUAL, 0],
  [PIPELINE_GRAPH_MEMBER]: [2 ** 28, 0],
  // Regions of patches and visits; and UUIDs of quanta with what joins them.
  [DIMENSION_DATA_MEMBER]: [2 ** 28, 64],
  [THIN_GRAPH_MEMBER]: [2 ** 28, 64],
  // One dataset may be read by all quanta, and one quantum read all datasets.
  [QUANTUM_DATASETS_MEMBER]: [2 ** 28, 0],
  [QUANTA_MEMBER]: [USUAL, 16],
  [DATASETS_MEMBER]: [USUAL, 16],
  [LOGS_MEMBER]: [MAX_DOCUMENT_SIZE, 0],
};

/**
 * Largest decoded document of a member, or block of it, that is taken.
 *
 * @param members of the archive, with the bytes that each has
 */
export function documentLimit(
  member: string,
  members: ReadonlyMap<string, { size: number }>,
): number {
  const [size, forAddressByte] = LIMITS[member] ?? [USUAL, 0];
  const addresses = members.get(NODES_ADDRESS_MEMBER) ?? members.get(QUANTA_ADDRESS_MEMBER);
  return Math.min(MAX_DOCUMENT_SIZE, size + forAddressByte * (addresses?.size ?? 0));
}
