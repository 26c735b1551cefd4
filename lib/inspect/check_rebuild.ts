/**
 * Rebuilds `nodes.addr` of a provenance graph from its blocks: "the index can be rebuilt from the
 * data". Blocks of datasets and quanta say their own ids. Those of logs and metadata don't, but both
 * we and the reference write them in the order of their quanta, blocked ones left out; that is made
 * sure of by the numbers of attempts and by the outputs that metadata name.
 *
 * Order of effects: a copy beside the file, synced and checked, takes its place by a rename. So there
 * is at any time one whole file under the name, the old one or the new one. Nothing else in it
 * changes, and where the address file keeps its size, neither does the graph: records of a repository
 * hold that size.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { writeLittleEndian } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError, ProvgraphError } from "../base/errors.ts";
import { JsonCursor } from "../base/json_text.ts";
import { compareUuids, UUID_SIZE, uuidToText, writeUuidText } from "../base/uuid.ts";
import { sortIds } from "../provenance/sort_ids.ts";
import { readTaskMetadata } from "../provenance/task_metadata.ts";
import {
  addressFileSize,
  addressHeaderSize,
  addressRowSize,
  writeAddressHeader,
  writeAddressRow,
} from "../qg/address_file.ts";
import {
  DATASETS_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  NODES_ADDRESS_COLUMNS,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
  QUANTA_MEMBER,
} from "../qg/member_names.ts";
import { PASS_READ_SIZE } from "../qg/multiblock.ts";
import { fenceCount, fenceRow } from "../qg/range_plan.ts";
import { LockFile, renameDurably, temporaryPath } from "../store/durable_file.ts";
import { fileError, FileSource } from "../store/file_source.ts";
import { StoredZipWriter } from "../store/zip_writer.ts";
import { Zstd } from "../store/zstd.ts";
import { Archive, type BlockTable, FileReport } from "./check_archive.ts";
import { DatasetRecord, QuantumRecord, readAttemptBlock } from "./check_documents.ts";
import { checkFile } from "./check_file.ts";
import { Findings, type ProblemKind } from "./check_findings.ts";

const N_ADDRESSES = NODES_ADDRESS_COLUMNS.length;
const ROWS_PER_WRITE = 4096;

/**
 * Rebuilds the address file of a graph.
 *
 * @param path Absolute path.
 * @param argument The path as messages call it.
 * @returns number of its rows.
 * @throws {InvalidQuantumGraphFileError} if the blocks themselves are damaged, or don't say whose they
 *   are; the file is as it was.
 * @throws {EnvironmentError} if it can't be read or written, or another process works on it.
 */
export async function rebuildAddresses(path: string, argument: string): Promise<number> {
  const zstd = await Zstd.load();
  let realPath: string;
  try {
    // What a link leads to is mended, not the link replaced.
    realPath = Deno.realPathSync(path);
  } catch (error) {
    throw fileError("rebuild addresses of", path, error);
  }
  using _lock = LockFile.acquire(realPath);
  using source = FileSource.open(realPath);
  const findings = new Findings(1);
  const archive = await Archive.open(source, zstd, new FileReport(findings, argument));
  const nodes = archive === null ? null : await Nodes.read(archive, argument, findings);
  refuseDamage(findings, argument);
  const temporary = temporaryPath(realPath);
  try {
    await writeCopy(archive!, nodes!, realPath, temporary);
    await verifyCopy(temporary, argument);
    renameDurably(temporary, realPath);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was renamed or never made.
    }
    throw error instanceof ProvgraphError ? error : fileError("rewrite graph", realPath, error);
  }
  return nodes!.nRows;
}

function refuseDamage(findings: Findings, argument: string): void {
  const [first] = findings.problems;
  if (first === undefined) return;
  throw refusal(argument, `its blocks are damaged: ${first.where}: ${first.what}`);
}

function refusal(argument: string, state: string): InvalidQuantumGraphFileError {
  return new InvalidQuantumGraphFileError(`Cannot rebuild addresses of "${argument}": ${state}`, {
    hint:
      "before ingest-graph, aggregate-graph writes the file again; afterwards take a copy of it",
  });
}

/** Where the blocks of every node are. Memory: 36 bytes a node and 8 a block. */
class Nodes {
  readonly nRows: number;
  /** Packed ids, datasets first. */
  readonly #ids: Uint8Array;
  /** Node of each row. */
  readonly #order: Uint32Array;
  readonly #nDatasets: number;
  readonly #tables: readonly BlockTable[];
  /** Of a quantum: its log and metadata block, the same number, or -1. */
  readonly #attemptBlock: Int32Array;
  /** Of a dataset: the quantum whose log or metadata it is, or -1. */
  readonly #logOf: Int32Array;
  readonly #metadataOf: Int32Array;

  private constructor(
    ids: Uint8Array,
    nDatasets: number,
    order: Uint32Array,
    tables: readonly BlockTable[],
    attemptBlock: Int32Array,
    logOf: Int32Array,
    metadataOf: Int32Array,
  ) {
    this.nRows = ids.length / UUID_SIZE;
    this.#ids = ids;
    this.#nDatasets = nDatasets;
    this.#order = order;
    this.#tables = tables;
    this.#attemptBlock = attemptBlock;
    this.#logOf = logOf;
    this.#metadataOf = metadataOf;
  }

  /** Reads all blocks. Damage is reported; null if there is any. */
  static async read(archive: Archive, name: string, findings: Findings): Promise<Nodes | null> {
    const report = new FileReport(findings, name);
    if (!archive.requireMembers(NODES_ADDRESS_COLUMNS, report)) return null;
    const byName = new Map<string, BlockTable>();
    for (const member of NODES_ADDRESS_COLUMNS) {
      const table = await archive.multiblock(member, report);
      if (table !== null) byName.set(member, table);
    }
    if (findings.nProblems > 0) return null;
    const tables = NODES_ADDRESS_COLUMNS.map((member) => byName.get(member)!);
    const datasets = byName.get(DATASETS_MEMBER)!;
    const quanta = byName.get(QUANTA_MEMBER)!;
    const logs = byName.get(LOGS_MEMBER)!;
    const metadata = byName.get(METADATA_MEMBER)!;
    const nDatasets = datasets.nBlocks;
    const nQuanta = quanta.nBlocks;
    const ids = new Uint8Array((nDatasets + nQuanta) * UUID_SIZE);
    const logOf = new Int32Array(nDatasets).fill(-1);
    const metadataOf = new Int32Array(nDatasets).fill(-1);
    const attemptBlock = new Int32Array(nQuanta).fill(-1);
    const nAttempts: number[] = [];

    const parsing = (member: string, block: number, parse: () => void) => {
      try {
        parse();
      } catch (error) {
        report.addError("damaged-block", `${member}, block ${block}`, error);
      }
    };
    const dataset = new DatasetRecord();
    for await (const { block, text } of archive.blocks(datasets, report)) {
      parsing(DATASETS_MEMBER, block, () => dataset.read(text));
      ids.set(dataset.id, block * UUID_SIZE);
    }
    const sorted = new SortedIds(ids.subarray(0, nDatasets * UUID_SIZE));
    const quantum = new QuantumRecord();
    const owner = new Int32Array(nDatasets).fill(-1);
    for await (const { block, text } of archive.blocks(quanta, report)) {
      parsing(QUANTA_MEMBER, block, () => quantum.read(text));
      ids.set(quantum.id, (nDatasets + block) * UUID_SIZE);
      const outputs = quantum.outputs.bytes;
      for (let at = 0; at < outputs.length; at += UUID_SIZE) {
        const d = sorted.find(outputs, at);
        if (d < 0) continue;
        owner[d] = block;
        if (at === quantum.logOutput * UUID_SIZE) logOf[d] = block;
        if (at === quantum.metadataOutput * UUID_SIZE) metadataOf[d] = block;
      }
      if (quantum.nAttempts === 0) continue;
      attemptBlock[block] = nAttempts.length;
      nAttempts.push(quantum.nAttempts);
    }
    if (findings.nProblems > 0) return null;
    const order = new SortedIds(ids);
    const twice = order.duplicate();
    if (twice !== null) throw refusal(name, `${uuidToText(twice)} has two blocks`);

    const quantumOf = new Int32Array(nAttempts.length);
    attemptBlock.forEach((block, q) => {
      if (block >= 0) quantumOf[block] = q;
    });
    for (const [table, kind] of [[logs, "log"], [metadata, "metadata"]] as const) {
      if (table.nBlocks !== nAttempts.length) {
        throw refusal(
          name,
          `it has ${nAttempts.length} quanta with attempts, but ${table.nBlocks} ${kind} blocks, ` +
            "which don't say whose they are",
        );
      }
      for await (const { block, text } of archive.blocks(table, report)) {
        parsing(table.member, block, () => {
          const n = readAttemptBlock(text, kind).nAttempts;
          if (n !== nAttempts[block]) {
            throw refusal(
              name,
              `${kind} block ${block} has ${n} attempts, the quantum at its place ${
                nAttempts[block]
              }`,
            );
          }
          if (kind !== "metadata") return;
          const foreign = foreignOutput(text, sorted, owner, quantumOf[block]);
          if (foreign !== null) {
            throw refusal(
              name,
              `metadata block ${block} names output ${foreign}, which another quantum has`,
            );
          }
        });
      }
    }
    if (findings.nProblems > 0) return null;
    return new Nodes(ids, nDatasets, order.order, tables, attemptBlock, logOf, metadataOf);
  }

  /** Id of the node at a row. */
  id(row: number): Uint8Array {
    const at = this.#order[row] * UUID_SIZE;
    return this.#ids.subarray(at, at + UUID_SIZE);
  }

  /** The address file in pieces. Each piece is valid until the next. */
  *pieces(intSize: number): Generator<Uint8Array> {
    const header = new Uint8Array(addressHeaderSize(intSize));
    writeAddressHeader(header, 0, intSize, this.nRows, N_ADDRESSES);
    yield header;
    const bytes = new Uint8Array(ROWS_PER_WRITE * addressRowSize(N_ADDRESSES, intSize));
    const columns = new Float64Array(2 * N_ADDRESSES);
    let at = 0;
    for (let row = 0; row < this.nRows; row++) {
      this.#address(this.#order[row], columns);
      const idAt = this.#order[row] * UUID_SIZE;
      at = writeAddressRow(bytes, at, intSize, this.#ids, idAt, row, columns);
      if (at < bytes.length) continue;
      yield bytes;
      at = 0;
    }
    yield bytes.subarray(0, at);
  }

  #address(node: number, columns: Float64Array): void {
    columns.fill(0);
    const set = (column: number, block: number) => {
      if (block < 0) return;
      const { offsets } = this.#tables[column];
      columns[2 * column] = offsets[block];
      columns[2 * column + 1] = offsets[block + 1] - offsets[block];
    };
    const blockOf = (quantum: number) => quantum < 0 ? -1 : this.#attemptBlock[quantum];
    if (node < this.#nDatasets) {
      set(0, node);
      set(2, blockOf(this.#logOf[node]));
      set(3, blockOf(this.#metadataOf[node]));
    } else {
      const quantum = node - this.#nDatasets;
      set(1, quantum);
      set(2, blockOf(quantum));
      set(3, blockOf(quantum));
    }
  }

  /** Fences of the address file. */
  fences(): Uint8Array {
    const n = fenceCount(this.nRows);
    const fences = new Uint8Array(n * UUID_SIZE);
    for (let i = 0; i < n; i++) fences.set(this.id(fenceRow(i, n, this.nRows)), i * UUID_SIZE);
    return fences;
  }
}

/** Looks ids up by their sorted order. */
class SortedIds {
  readonly #ids: Uint8Array;
  readonly order: Uint32Array;

  constructor(ids: Uint8Array) {
    this.#ids = ids;
    const n = ids.length / UUID_SIZE;
    this.order = sortIds(ids, Float64Array.from({ length: n }, (_, i) => i * UUID_SIZE));
  }

  find(id: Uint8Array, at: number): number {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const difference = compareUuids(this.#ids, this.order[middle] * UUID_SIZE, id, at);
      if (difference === 0) return this.order[middle];
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** An id that occurs twice, or null. */
  duplicate(): Uint8Array | null {
    for (let i = 1; i < this.order.length; i++) {
      const at = this.order[i] * UUID_SIZE;
      if (compareUuids(this.#ids, this.order[i - 1] * UUID_SIZE, this.#ids, at) === 0) {
        return this.#ids.subarray(at, at + UUID_SIZE);
      }
    }
    return null;
  }
}

/** An output that the last attempt's metadata name and another quantum has, or null. */
function foreignOutput(
  text: Uint8Array,
  datasets: SortedIds,
  owner: Int32Array,
  quantum: number,
): string | null {
  let outputs: readonly string[] = [];
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "attempts") {
      cursor.skip();
      continue;
    }
    cursor.beginArray();
    while (cursor.nextElement()) {
      outputs = cursor.takeNull() ? [] : readTaskMetadata(cursor, "").quantum?.outputs ?? [];
    }
  }
  const id = new Uint8Array(UUID_SIZE);
  for (const output of outputs) {
    if (!writeUuidText(output, id, 0)) continue;
    const d = datasets.find(id, 0);
    // Tasks may have written datasets that nobody predicted; these say nothing.
    if (d >= 0 && owner[d] !== quantum) return output;
  }
  return null;
}

/** Writes the graph with the new address file under a temporary name, synced. */
async function writeCopy(
  archive: Archive,
  nodes: Nodes,
  path: string,
  temporary: string,
): Promise<void> {
  const { members } = archive.zip;
  const intSize = archive.header.int_size;
  const size = addressFileSize(nodes.nRows, N_ADDRESSES, intSize);
  const addresses = members.get(NODES_ADDRESS_MEMBER);
  const oldFences = members.get(NODES_FENCES_MEMBER);
  // Fences are kept where there were some; a graph of the reference gets none.
  const fences = oldFences === undefined ? new Uint8Array(0) : nodes.fences();
  const hasSameLayout = addresses !== undefined && addresses.method === 0 &&
    addresses.size === size &&
    (oldFences === undefined || (oldFences.method === 0 && oldFences.size === fences.length));
  const info = Deno.statSync(path);
  if (hasSameLayout) {
    Deno.copyFileSync(path, temporary);
    using file = Deno.openSync(temporary, { read: true, write: true });
    const patch = new Patch(file, info.size);
    await patch.member(archive, NODES_ADDRESS_MEMBER, nodes.pieces(intSize));
    if (oldFences !== undefined) await patch.member(archive, NODES_FENCES_MEMBER, [fences]);
    file.syncSync();
  } else {
    using file = Deno.openSync(temporary, { write: true, createNew: true });
    await rewrite(archive, nodes, fences, file, temporary);
    file.syncSync();
  }
  // Originals newer than the graph are told by its time, so it must not change.
  if (info.mtime !== null) Deno.utimeSync(temporary, info.mtime, info.mtime);
  if (info.mode !== null && Deno.build.os !== "windows") {
    Deno.chmodSync(temporary, info.mode & 0o7777);
  }
}

/** Overwrites members of a copy with content of the same size. */
class Patch {
  readonly #file: Deno.FsFile;
  readonly #size: number;

  constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  async member(archive: Archive, name: string, pieces: Iterable<Uint8Array>): Promise<void> {
    let at = await archive.zip.dataOffset(name);
    let crc = 0;
    for (const piece of pieces) {
      crc = crc32(piece, crc);
      this.#write(at, piece);
      at += piece.length;
    }
    const { headerOffset } = archive.zip.members.get(name)!;
    const bytes = new Uint8Array(4);
    writeLittleEndian(bytes, 0, 4, crc);
    this.#write(headerOffset + 14, bytes); // CRC-32 in the local header
    this.#write(await this.#directoryEntry(archive, name) + 16, bytes); // and in the directory
  }

  #write(at: number, bytes: Uint8Array): void {
    this.#file.seekSync(at, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }

  /** Place of a member's entry in the central directory, which lies behind all members. */
  async #directoryEntry(archive: Archive, name: string): Promise<number> {
    let start = 0;
    for (const member of archive.zip.members.values()) {
      start = Math.max(start, await archive.zip.dataOffset(member.name) + member.compressedSize);
    }
    const directory = await archive.source.read(start, this.#size - start);
    const nameBytes = new TextEncoder().encode(name);
    for (let at = 0; at + 46 + nameBytes.length <= directory.length; at++) {
      const isEntry = directory[at] === 0x50 && directory[at + 1] === 0x4b &&
        directory[at + 2] === 1 && directory[at + 3] === 2 &&
        (directory[at + 28] | directory[at + 29] << 8) === nameBytes.length &&
        nameBytes.every((byte, i) => directory[at + 46 + i] === byte);
      if (isEntry) return start + at;
    }
    throw new InvalidQuantumGraphFileError(`Cannot find the directory entry of "${name}"`);
  }
}

/** Writes all members anew, for an address file of another size. */
async function rewrite(
  archive: Archive,
  nodes: Nodes,
  fences: Uint8Array,
  file: Deno.FsFile,
  name: string,
): Promise<void> {
  const { zip } = archive;
  const intSize = archive.header.int_size;
  const replaced = new Set([NODES_ADDRESS_MEMBER, NODES_FENCES_MEMBER]);
  const kept = [...zip.members.values()].filter((member) => !replaced.has(member.name));
  const writer = new StoredZipWriter(file, [
    ...kept.map((member) => ({ name: member.name, size: member.size })),
    { name: NODES_ADDRESS_MEMBER, size: addressFileSize(nodes.nRows, N_ADDRESSES, intSize) },
    ...(fences.length === 0 ? [] : [{ name: NODES_FENCES_MEMBER, size: fences.length }]),
  ], name);
  for (const member of kept) {
    if (member.method !== 0) {
      writer.write(member.name, await zip.readMember(member.name));
      continue;
    }
    // Damage elsewhere must not get a new, right checksum.
    await zip.checkMember(member.name);
    const source = await zip.memberSource(member.name);
    for (let at = 0; at < source.size; at += PASS_READ_SIZE) {
      writer.write(
        member.name,
        await source.read(at, Math.min(PASS_READ_SIZE, source.size - at)),
      );
    }
  }
  for (const piece of nodes.pieces(intSize)) writer.write(NODES_ADDRESS_MEMBER, piece);
  if (fences.length > 0) writer.write(NODES_FENCES_MEMBER, fences);
  writer.finish();
}

/** The copy must be free of what rebuilding mends. */
async function verifyCopy(path: string, argument: string): Promise<void> {
  const findings = new Findings(1);
  await checkFile({ path, argument, readData: false }, findings);
  const mended: ProblemKind[] = [
    "address-header",
    "address-order",
    "address-index",
    "address-range",
    "address-target",
    "empty-row",
    "orphan-block",
    "shared-block",
    "unfiled-block",
    "fences",
  ];
  const left = findings.problems.find(({ kind }) => mended.includes(kind));
  if (left !== undefined) throw refusal(argument, `${left.where}: ${left.what}`);
}
