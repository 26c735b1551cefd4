/**
 * The data of a provenance graph: every block, and that datasets, quanta, logs and metadata say the
 * same of each other. Source: `schema/quantum-graph.md`, section 8.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";
import { findRow } from "../../base/sort_ids.ts";
import { compareUuids, UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import { readAttemptBlock } from "../../provenance/documents/attempt_blocks.ts";
import { DatasetRecord } from "../../provenance/documents/strict_dataset.ts";
import { QuantumRecord } from "../../provenance/documents/strict_quantum.ts";
import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
import {
  DATASETS_MEMBER,
  INIT_QUANTA_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  QUANTA_MEMBER,
} from "../../qg/member_names.ts";
import { PACKAGES_DATASET_TYPE, type PipelineGraph } from "../../qg/pipeline_graph.ts";
import type { AddressColumn, AddressRows } from "./addresses.ts";
import { type Archive, blockPlace, describeDamage, type FileReport } from "./archive.ts";

/** Edges of init quanta, which have no rows of their own. */
interface InitQuanta {
  /** Packed ids. */
  ids: Uint8Array;
  labels: string[];
  /** Packed dataset ids of each. */
  inputs: Uint8Array[];
  outputs: Uint8Array[];
}

/** Parses the document of init quanta. @throws {SyntaxError} if it isn't one. */
export function readInitQuanta(text: Uint8Array): InitQuanta {
  const result: InitQuanta = { ids: new Uint8Array(0), labels: [], inputs: [], outputs: [] };
  const ids: Uint8Array[] = [];
  const quantum = new QuantumRecord();
  const cursor = new JsonCursor(text);
  cursor.beginArray();
  while (cursor.nextElement()) {
    quantum.readFrom(cursor);
    ids.push(quantum.id.slice());
    result.labels.push(quantum.taskLabel);
    result.inputs.push(quantum.inputs.bytes.slice());
    result.outputs.push(quantum.outputs.bytes.slice());
  }
  cursor.finish();
  result.ids = new Uint8Array(ids.length * UUID_SIZE);
  ids.forEach((id, i) => result.ids.set(id, i * UUID_SIZE));
  return result;
}

/** No producer, or none that was read. */
const NO_PRODUCER = -1;
/** The dataset block itself was not read. */
const UNREAD = -2;

/** Flags of a row. */
const IS_PRODUCED = 1;
const IS_CLAIMED = 2;
const IS_READ = 4;

/** Reads every block and compares what they say of each other. Memory: 36 bytes a row. */
export class DataCheck {
  readonly #archive: Archive;
  readonly #report: FileReport;
  readonly #columns: readonly (AddressColumn | null)[];
  readonly #pipeline: PipelineGraph | null;
  readonly #init: InitQuanta | null;
  /** Sorted ids of all rows; empty if they can't be used. */
  readonly #ids: Uint8Array;
  readonly #nRows: number;
  /** Of a dataset: row of its producer; rows from `nRows` on are init quanta. */
  readonly #producer: Int32Array;
  /** Of a dataset: sum over its consumers of their hashes, less the same as the quanta say it. */
  readonly #consumers: Int32Array;
  /** Of a quantum: rows of its log and metadata datasets, or -1. */
  readonly #log: Int32Array;
  readonly #metadata: Int32Array;
  readonly #nAttempts: Uint16Array;
  readonly #lastStatus: Int8Array;
  readonly #flags: Uint8Array;
  #isWhole = true;

  /**
   * @param columns those of `nodes.addr`, in its order.
   * @param rows null if the address file can't be used.
   */
  constructor(
    archive: Archive,
    report: FileReport,
    columns: readonly (AddressColumn | null)[],
    rows: AddressRows | null,
    { pipeline, initQuanta }: { pipeline: PipelineGraph | null; initQuanta: InitQuanta | null },
  ) {
    this.#archive = archive;
    this.#report = report;
    this.#columns = columns;
    this.#pipeline = pipeline;
    this.#init = initQuanta;
    this.#ids = rows !== null && rows.isSorted && rows.ids !== null ? rows.ids : new Uint8Array(0);
    const n = this.#nRows = this.#ids.length / UUID_SIZE;
    this.#producer = new Int32Array(n).fill(UNREAD);
    this.#consumers = new Int32Array(n);
    this.#log = new Int32Array(n).fill(-1);
    this.#metadata = new Int32Array(n).fill(-1);
    this.#nAttempts = new Uint16Array(n);
    this.#lastStatus = new Int8Array(n);
    this.#flags = new Uint8Array(n);
  }

  /** Reads everything and reports every problem. */
  async run(): Promise<void> {
    const [datasets, quanta, logs, metadata] = this.#columns;
    if (datasets !== null) await this.#readDatasets(datasets);
    this.#applyInitQuanta();
    if (quanta !== null) await this.#readQuanta(quanta);
    if (logs !== null) await this.#readAttempts(logs, "log");
    if (metadata !== null) await this.#readAttempts(metadata, "metadata");
    if (this.#nRows === 0) {
      if (this.#archive.header.n_quanta > 0) {
        this.#report.findings.note(
          "blocks were not compared with each other, as the address file can't be used",
        );
      }
      return;
    }
    if (!this.#isWhole || this.#init === null || datasets === null || quanta === null) {
      this.#report.findings.note(
        "producers and consumers were not compared, as not all blocks could be read",
      );
      return;
    }
    this.#compareEdges();
    this.#requireAttemptBlocks();
  }

  /** Blocks of a column, with the row they are filed under; -1 without one. */
  async *#blocks(
    column: AddressColumn,
  ): AsyncGenerator<{ text: Uint8Array; row: number; block: number; place: string }> {
    let nDecoded = 0;
    for await (const { block, text } of this.#archive.blocks(column.table, this.#report)) {
      nDecoded++;
      const row = this.#nRows === 0 ? -1 : column.ownerRow[block];
      yield { text, row, block, place: blockPlace(column.table, block) };
    }
    if (nDecoded !== column.table.nBlocks || !column.table.isWhole) this.#isWhole = false;
  }

  /** Runs a parser; false, reported, if the document is damaged. */
  #parse(place: string, parse: () => void): boolean {
    try {
      parse();
      return true;
    } catch (error) {
      this.#isWhole = false;
      this.#report.add("damaged-block", place, describeDamage(error));
      return false;
    }
  }

  /** Whether a block's own id is the one it is filed under; reported if not. */
  #isFiledAs(own: Uint8Array, row: number, place: string): boolean {
    if (row < 0) {
      this.#isWhole = false;
      return false;
    }
    if (compareUuids(own, 0, this.#ids, row * UUID_SIZE) === 0) return true;
    this.#isWhole = false;
    this.#report.add(
      "misfiled-block",
      place,
      `it is of ${uuidToText(own)}, but filed under ${uuidToText(this.#ids, row * UUID_SIZE)}`,
    );
    return false;
  }

  /** Row of a quantum, init quanta after the others; -1 if there is none. */
  #quantumRow(id: Uint8Array, at = 0): number {
    const row = findRow(this.#ids, id, at);
    if (row >= 0 || this.#init === null) return row;
    for (let i = 0; i < this.#init.labels.length; i++) {
      if (compareUuids(this.#init.ids, i * UUID_SIZE, id, at) === 0) return this.#nRows + i;
    }
    return -1;
  }

  async #readDatasets(column: AddressColumn): Promise<void> {
    const dataset = new DatasetRecord();
    const types = this.#pipeline?.datasetTypes;
    for await (const { text, row, place } of this.#blocks(column)) {
      if (!this.#parse(place, () => dataset.read(text))) continue;
      const name = dataset.typeName;
      if (types !== undefined && !types.has(name) && name !== PACKAGES_DATASET_TYPE) {
        this.#report.add("unknown-name", place, `the pipeline has no dataset type "${name}"`);
      }
      if (!this.#isFiledAs(dataset.id, row, place)) continue;
      if (dataset.isProduced) this.#flags[row] |= IS_PRODUCED;
      this.#producer[row] = NO_PRODUCER;
      if (dataset.hasProducer) {
        const producer = this.#quantumRow(dataset.producer);
        if (producer >= 0) this.#producer[row] = producer;
        else this.#reportUnknown(place, dataset.id, "producer", dataset.producer);
      }
      const { bytes } = dataset.consumers;
      for (let at = 0; at < bytes.length; at += UUID_SIZE) {
        const consumer = this.#quantumRow(bytes, at);
        if (consumer >= 0) this.#consumers[row] += hashRow(consumer);
        else this.#reportUnknown(place, dataset.id, "consumer", bytes, at);
      }
    }
  }

  #reportUnknown(place: string, id: Uint8Array, what: string, quantum: Uint8Array, at = 0): void {
    if (this.#init === null) return;
    this.#report.add(
      "edges",
      place,
      `${what} ${uuidToText(quantum, at)} of dataset ${uuidToText(id)} is no quantum of the graph`,
    );
  }

  #applyInitQuanta(): void {
    const init = this.#init;
    if (init === null || this.#nRows === 0) return;
    init.labels.forEach((label, i) => {
      this.#checkLabel(label, INIT_QUANTA_MEMBER);
      const id = init.ids.subarray(i * UUID_SIZE, (i + 1) * UUID_SIZE);
      this.#applyEdges(id, this.#nRows + i, init.inputs[i], init.outputs[i], INIT_QUANTA_MEMBER);
    });
  }

  #checkLabel(label: string, place: string): void {
    if (this.#pipeline !== null && !this.#pipeline.tasks.has(label)) {
      this.#report.add("unknown-name", place, `the pipeline has no task "${label}"`);
    }
  }

  /** Compares the edges of a quantum with what its datasets say. */
  #applyEdges(
    id: Uint8Array,
    quantum: number,
    inputs: Uint8Array,
    outputs: Uint8Array,
    place: string,
  ): void {
    const rowOf = (ids: Uint8Array, at: number, what: string): number => {
      const row = findRow(this.#ids, ids, at);
      // A dataset whose block could not be read is told already.
      if (row >= 0) return this.#producer[row] === UNREAD ? -1 : row;
      this.#report.add(
        "edges",
        place,
        `${what} ${uuidToText(ids, at)} of quantum ${uuidToText(id)} is no dataset of the graph`,
      );
      return -1;
    };
    for (let at = 0; at < outputs.length; at += UUID_SIZE) {
      const row = rowOf(outputs, at, "output");
      if (row < 0) continue;
      this.#flags[row] |= IS_CLAIMED;
      if (this.#producer[row] === quantum) continue;
      this.#report.add(
        "edges",
        place,
        `dataset ${uuidToText(outputs, at)} is an output of quantum ${uuidToText(id)}, but names ` +
          "another producer, or none",
      );
    }
    // A dataset under several connections is one edge; lists are short.
    const seen = new Set<number>();
    for (let at = 0; at < inputs.length; at += UUID_SIZE) {
      const row = rowOf(inputs, at, "input");
      if (row < 0 || seen.has(row)) continue;
      seen.add(row);
      this.#consumers[row] -= hashRow(quantum);
    }
  }

  async #readQuanta(column: AddressColumn): Promise<void> {
    const quantum = new QuantumRecord();
    const nByLabel = new Map<string, number>();
    for await (const { text, row, place } of this.#blocks(column)) {
      if (!this.#parse(place, () => quantum.read(text))) continue;
      const label = quantum.taskLabel;
      if (!nByLabel.has(label)) this.#checkLabel(label, place);
      nByLabel.set(label, (nByLabel.get(label) ?? 0) + 1);
      if (!this.#isFiledAs(quantum.id, row, place)) continue;
      this.#flags[row] |= IS_READ;
      this.#nAttempts[row] = Math.min(65535, quantum.nAttempts);
      this.#lastStatus[row] = quantum.lastStatus;
      const outputs = quantum.outputs.bytes;
      const output = (i: number) => i < 0 ? -1 : findRow(this.#ids, outputs, i * UUID_SIZE);
      this.#log[row] = output(quantum.logOutput);
      this.#metadata[row] = output(quantum.metadataOutput);
      this.#applyEdges(quantum.id, row, quantum.inputs.bytes, outputs, place);
      this.#checkMetadataProduced(row, place);
    }
    if (!this.#isWhole) return;
    const expected = this.#archive.header.n_task_quanta;
    for (const label of new Set([...Object.keys(expected), ...nByLabel.keys()])) {
      const [n, wanted] = [nByLabel.get(label) ?? 0, expected[label] ?? 0];
      if (n === wanted) continue;
      this.#report.add(
        "count",
        QUANTA_MEMBER,
        `it has ${n} quanta of task "${label}", the header says ${wanted}`,
      );
    }
  }

  /** Metadata files exist exactly for attempts that ended well. */
  #checkMetadataProduced(quantum: number, place: string): void {
    const dataset = this.#metadata[quantum];
    if (dataset < 0 || this.#producer[dataset] === UNREAD) return;
    const status = this.#lastStatus[quantum];
    const has = status === AttemptStatus.SUCCESSFUL || status === AttemptStatus.ABORTED_SUCCESS;
    if (has === ((this.#flags[dataset] & IS_PRODUCED) !== 0)) return;
    this.#report.add(
      "attempts",
      place,
      `the last attempt is ${attemptStatusName(status)}, but its metadata dataset ` +
        `${this.#idText(dataset)} is said to be ${has ? "not produced" : "produced"}`,
    );
  }

  async #readAttempts(column: AddressColumn, kind: "log" | "metadata"): Promise<void> {
    const datasetOf = kind === "log" ? this.#log : this.#metadata;
    for await (const { text, row, block, place } of this.#blocks(column)) {
      const parsed = { nAttempts: 0, hasLast: false };
      if (!this.#parse(place, () => Object.assign(parsed, readAttemptBlock(text, kind)))) continue;
      if (row < 0 || (this.#flags[row] & IS_READ) === 0) continue;
      const wrong = (what: string) =>
        this.#report.add("attempts", place, `quantum ${this.#idText(row)}: ${what}`);
      const n = this.#nAttempts[row];
      if (parsed.nAttempts !== n) {
        wrong(`it has ${n} attempts, its ${kind} ${parsed.nAttempts}`);
        continue;
      }
      const dataset = datasetOf[row];
      const filed = column.datasetRow![block];
      if (filed >= 0 && filed !== dataset) {
        this.#report.add(
          "misfiled-block",
          place,
          `it is filed under quantum ${this.#idText(row)} and dataset ${this.#idText(filed)}, ` +
            "which don't belong together",
        );
      }
      const status = this.#lastStatus[row];
      const mustHave = status === AttemptStatus.SUCCESSFUL ||
        (status === AttemptStatus.ABORTED_SUCCESS && kind === "metadata");
      if (mustHave && !parsed.hasLast) {
        wrong(`its last attempt is ${attemptStatusName(status)}, but has no ${kind}`);
      }
      if (kind === "log" && dataset >= 0 && this.#producer[dataset] !== UNREAD) {
        const isProduced = (this.#flags[dataset] & IS_PRODUCED) !== 0;
        if (isProduced !== parsed.hasLast) {
          wrong(
            `log dataset ${this.#idText(dataset)} is said to be ` +
              `${
                isProduced ? "produced, but the last attempt has none" : "not produced, but is here"
              }`,
          );
        }
      }
    }
  }

  #compareEdges(): void {
    for (let row = 0; row < this.#nRows; row++) {
      const producer = this.#producer[row];
      if (producer === UNREAD) continue;
      if (this.#consumers[row] !== 0) {
        this.#report.add(
          "edges",
          DATASETS_MEMBER,
          `consumers of dataset ${this.#idText(row)} differ from the quanta that read it`,
        );
      }
      if (producer !== NO_PRODUCER && (this.#flags[row] & IS_CLAIMED) === 0) {
        this.#report.add(
          "edges",
          DATASETS_MEMBER,
          `dataset ${this.#idText(row)} names producer ${this.#quantumText(producer)}, ` +
            "which doesn't have it among its outputs",
        );
      }
    }
  }

  /** Every quantum with attempts has both blocks, blocked ones have none. */
  #requireAttemptBlocks(): void {
    const kinds = [
      { kind: "log", member: LOGS_MEMBER, column: this.#columns[2] },
      { kind: "metadata", member: METADATA_MEMBER, column: this.#columns[3] },
    ];
    for (const { kind, member, column } of kinds) {
      if (column === null || !column.table.isWhole) continue;
      const has = new Uint8Array(this.#nRows);
      for (const row of column.ownerRow) if (row >= 0) has[row] = 1;
      for (let row = 0; row < this.#nRows; row++) {
        if ((this.#flags[row] & IS_READ) === 0) continue;
        const wants = this.#nAttempts[row] > 0 ? 1 : 0;
        if (has[row] === wants) continue;
        this.#report.add(
          "attempts",
          member,
          `quantum ${this.#idText(row)} has ${this.#nAttempts[row]} attempts, but ` +
            `${has[row] === 1 ? "a" : "no"} ${kind} block`,
          wants === 1,
        );
      }
    }
  }

  #idText(row: number): string {
    return uuidToText(this.#ids, row * UUID_SIZE);
  }

  #quantumText(row: number): string {
    return row < this.#nRows
      ? this.#idText(row)
      : uuidToText(this.#init!.ids, (row - this.#nRows) * UUID_SIZE);
  }
}

/** Mixes a row number well enough that sums of different sets of rows differ. */
function hashRow(row: number): number {
  let h = Math.imul(row + 1, 0x9e3779b1);
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return (h ^ h >>> 16) | 0;
}
