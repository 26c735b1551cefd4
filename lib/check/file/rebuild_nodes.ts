/**
 * Where the blocks of every node of a provenance graph are, found out from the blocks alone. Blocks of
 * datasets and quanta say their own ids. Those of logs and metadata don't, but both we and the
 * reference write them in the order of their quanta, blocked ones left out; that is made sure of by
 * the numbers of attempts and by the outputs that metadata name.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../../base/errors.ts";
import { findId, idPlaces, sortIds } from "../../base/sort_ids.ts";
import { compareUuids, UUID_SIZE, uuidToText, writeUuidText } from "../../base/uuid.ts";
import { type AttemptList, readAttemptBlock } from "../../provenance/documents/attempt_blocks.ts";
import { DatasetRecord } from "../../provenance/documents/strict_dataset.ts";
import { QuantumRecord } from "../../provenance/documents/strict_quantum.ts";
import {
  DATASETS_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  NODES_ADDRESS_COLUMNS,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
  QUANTA_MEMBER,
} from "../../qg/member_names.ts";
import { fenceCount, fenceRow } from "../../qg/range_plan.ts";
import { Findings } from "../findings.ts";
import { type Archive, type BlockTable, describeDamage, FileReport } from "./archive.ts";
import {
  addressFileSize,
  addressHeaderSize,
  addressRowSize,
  writeAddressHeader,
  writeAddressRow,
} from "../../qg/address_rows.ts";

const N_ADDRESSES = NODES_ADDRESS_COLUMNS.length;
const ROWS_PER_WRITE = 4096;

/**
 * The error for a graph whose addresses can't be rebuilt.
 *
 * @param argument Path of the graph as messages call it.
 */
export function refusal(argument: string, state: string): InvalidQuantumGraphFileError {
  return new InvalidQuantumGraphFileError(`Cannot rebuild addresses of "${argument}": ${state}`, {
    hint:
      "before ingest-graph, aggregate-graph writes the file again; afterwards take a copy of it",
  });
}

/**
 * Why the addresses of a graph can't be rebuilt, or null if they can: blocks must be sound and say whose
 * they are; and where the address file changes its size, all other members are copied, so these too.
 */
export async function rebuildObstacle(archive: Archive, argument: string): Promise<string | null> {
  const findings = new Findings(1);
  try {
    const nodes = await Nodes.read(archive, argument, findings);
    const [first] = findings.problems;
    if (nodes === null || first !== undefined) return first?.what ?? "its blocks are damaged";
    const { members } = archive.zip;
    const size = addressFileSize(nodes.nRows, N_ADDRESSES, archive.header.int_size);
    const keepsLayout = members.get(NODES_ADDRESS_MEMBER)?.size === size;
    for (const name of keepsLayout ? [] : members.keys()) {
      if (name !== NODES_ADDRESS_MEMBER && name !== NODES_FENCES_MEMBER) {
        await archive.zip.checkMember(name);
      }
    }
    return null;
  } catch (error) {
    return describeDamage(error);
  }
}

/** Which blocks of logs and metadata belong to which quanta and datasets. */
interface QuantumFiles {
  /** Of a quantum: its log and metadata block, the same number, or -1. */
  attemptBlock: Int32Array;
  /** Of a dataset: the quantum whose log or metadata it is, or -1. */
  logOf: Int32Array;
  metadataOf: Int32Array;
}

/** What blocks of logs and metadata are compared with. */
interface ExpectedAttempts {
  /** Of each block: the number of attempts of its quantum, and the quantum. */
  counts: number[];
  quanta: number[];
  /** Datasets of the graph. */
  sorted: SortedIds;
  /** Quantum that has a dataset among its outputs, or -1. */
  owner: Int32Array;
}

/** Reads blocks, and reports damaged ones. */
class BlockReader {
  readonly #archive: Archive;
  readonly #name: string;
  readonly #report: FileReport;

  constructor(archive: Archive, name: string, report: FileReport) {
    this.#archive = archive;
    this.#name = name;
    this.#report = report;
  }

  /** Passes over all blocks of a member. */
  async each(table: BlockTable, read: (text: Uint8Array, block: number) => void): Promise<void> {
    for await (const { block, text } of this.#archive.blocks(table, this.#report)) {
      try {
        read(text, block);
      } catch (error) {
        this.#report.addError("damaged-block", `${table.member}, block ${block}`, error);
      }
    }
  }

  /** Checks that blocks of attempts stand in the order of their quanta, as they don't say whose they are. */
  async checkAttempts(
    table: BlockTable,
    kind: "log" | "metadata",
    { counts, quanta, sorted, owner }: ExpectedAttempts,
  ): Promise<void> {
    if (table.nBlocks !== counts.length) {
      throw refusal(
        this.#name,
        `it has ${counts.length} quanta with attempts, but ${table.nBlocks} ${kind} blocks, ` +
          "which don't say whose they are",
      );
    }
    await this.each(table, (text, block) => {
      const attempts = readAttemptBlock(text, kind);
      if (attempts.nAttempts !== counts[block]) {
        throw refusal(
          this.#name,
          `${kind} block ${block} has ${attempts.nAttempts} attempts, the quantum at its place ` +
            `${counts[block]}`,
        );
      }
      const foreign = foreignOutput(attempts, sorted, owner, quanta[block]);
      if (foreign === null) return;
      throw refusal(
        this.#name,
        `metadata block ${block} names output ${foreign}, which another quantum has`,
      );
    });
  }
}

/** Where the blocks of every node are. Memory: 36 bytes a node and 8 a block. */
export class Nodes {
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
    order: Uint32Array,
    tables: readonly BlockTable[],
    { attemptBlock, logOf, metadataOf }: QuantumFiles,
  ) {
    this.nRows = ids.length / UUID_SIZE;
    this.#ids = ids;
    this.#nDatasets = logOf.length;
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
    const nDatasets = datasets.nBlocks;
    const ids = new Uint8Array((nDatasets + quanta.nBlocks) * UUID_SIZE);
    const reader = new BlockReader(archive, name, report);
    const dataset = new DatasetRecord();
    await reader.each(datasets, (text, block) => {
      dataset.read(text);
      ids.set(dataset.id, block * UUID_SIZE);
    });
    const sorted = new SortedIds(ids.subarray(0, nDatasets * UUID_SIZE));
    const files: QuantumFiles = {
      attemptBlock: new Int32Array(quanta.nBlocks).fill(-1),
      logOf: new Int32Array(nDatasets).fill(-1),
      metadataOf: new Int32Array(nDatasets).fill(-1),
    };
    const attempts: ExpectedAttempts = {
      counts: [],
      quanta: [],
      sorted,
      owner: new Int32Array(nDatasets).fill(-1),
    };
    const quantum = new QuantumRecord();
    await reader.each(quanta, (text, block) => {
      quantum.read(text);
      ids.set(quantum.id, (nDatasets + block) * UUID_SIZE);
      const outputs = quantum.outputs.bytes;
      for (let at = 0; at < outputs.length; at += UUID_SIZE) {
        const d = sorted.find(outputs, at);
        if (d < 0) continue;
        attempts.owner[d] = block;
        if (at === quantum.logOutput * UUID_SIZE) files.logOf[d] = block;
        if (at === quantum.metadataOutput * UUID_SIZE) files.metadataOf[d] = block;
      }
      if (quantum.nAttempts === 0) return;
      files.attemptBlock[block] = attempts.counts.length;
      attempts.counts.push(quantum.nAttempts);
      attempts.quanta.push(block);
    });
    if (findings.nProblems > 0) return null;
    const order = new SortedIds(ids);
    const twice = order.duplicate();
    if (twice !== null) throw refusal(name, `${uuidToText(twice)} has two blocks`);
    await reader.checkAttempts(byName.get(LOGS_MEMBER)!, "log", attempts);
    await reader.checkAttempts(byName.get(METADATA_MEMBER)!, "metadata", attempts);
    if (findings.nProblems > 0) return null;
    return new Nodes(ids, order.order, tables, files);
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
    this.order = sortIds(ids, idPlaces(ids.length / UUID_SIZE));
  }

  find(id: Uint8Array, at: number): number {
    return findId(this.#ids, this.order, id, at);
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
  { lastOutputs }: AttemptList,
  datasets: SortedIds,
  owner: Int32Array,
  quantum: number,
): string | null {
  const id = new Uint8Array(UUID_SIZE);
  for (const output of lastOutputs) {
    if (!writeUuidText(output, id, 0)) continue;
    const d = datasets.find(id, 0);
    // Tasks may have written datasets that nobody predicted; these say nothing.
    if (d >= 0 && owner[d] !== quantum) return output;
  }
  return null;
}
