/**
 * The run that the page shows: where it is read from, and what is known of it so far.
 *
 * @module
 */

import type { GrowingLogDocuments } from "../../../browser/growing_log_source.ts";
import type { GraphDocuments } from "../../../sources/graph_source.ts";
import { type QuantumDocument, readQuantum } from "../../../provenance/documents/quantum.ts";
import { parseHeader, type QuantumGraphHeader } from "../../../qg/header.ts";
import type { QuantaTable } from "../../../provenance/table/quanta_table.ts";
import { QUANTA_MEMBER, QUANTA_TABLE_MEMBER } from "../../../qg/member_names.ts";
import { formatSize } from "../../../report/format.ts";
import { parseStored } from "../../../sources/parse_stored.ts";
import type { RowDimensions, StatusCounts } from "../../../sources/rows.ts";
import type { TraceSource } from "../../../sources/trace/trace_source.ts";
import type { Traffic } from "./traffic.ts";
import { type QuantumRow, QuantumTable } from "./quantum_table.ts";
import { RunTimeline, type TimelineLanes } from "./run_timeline.ts";
import { tableRows } from "./table_rows.ts";
import { type RunSummary, summarize, withCounts } from "./summary.ts";
import type { DimensionGroup } from "../../../butler/dimensions/dimension_group.ts";

/** Milliseconds of work at a time: a frame is drawn between two of them. */
const SLICE_MS = 12;
/** Milliseconds between two looks at a log that grows. */
const POLL_MS = 2000;
/** Milliseconds between two drawings while quanta come. */
const DRAW_MS = 250;

/** Quanta with several attempts whose documents are read although a table has their last one. */
const MAX_RETRIES_READ = 500;

/** How far the quanta have been read. */
type LoadState =
  | "idle"
  | "reading"
  | "paused"
  | "complete"
  | "following"
  | "ended"
  | "failed";

/** A run, its quanta read step by step. */
export class Run {
  readonly documents: GraphDocuments | GrowingLogDocuments;
  readonly header: QuantumGraphHeader;
  readonly dimensions: RowDimensions;
  readonly labels: readonly string[];
  readonly traffic: Traffic;
  /** Bytes of a file that are read without asking. */
  readonly #budget: number;
  table: QuantumTable;
  state: LoadState = "idle";
  error: unknown = null;
  readonly #listeners = new Set<() => void>();
  /** Of all quanta; null if that isn't known. */
  #nBytes: number | null = null;
  /** All quanta by task and status; null where no table tells them at once. */
  counts: StatusCounts | null = null;
  /** Retried quanta whose earlier attempts were not read. */
  nUnreadRetries = 0;
  #pass: AsyncGenerator<QuantumDocument | QuantumRow> | null = null;
  #lastDraw = 0;
  #drawTimer: ReturnType<typeof setTimeout> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  private constructor(
    documents: GraphDocuments | GrowingLogDocuments,
    header: QuantumGraphHeader,
    about: { labels: readonly string[]; dimensions: RowDimensions },
    traffic: Traffic,
    budget: number,
  ) {
    this.documents = documents;
    this.header = header;
    this.labels = about.labels;
    this.dimensions = about.dimensions;
    this.traffic = traffic;
    this.#budget = budget;
    this.table = new QuantumTable(this.groups, header.timestamp, this.isGrowing);
  }

  /** @param budget Bytes that are read of the quanta without asking. */
  static async open(
    documents: GraphDocuments | GrowingLogDocuments,
    traffic: Traffic,
    budget: number,
  ): Promise<Run> {
    if ("readHeader" in documents) await documents.readHeader();
    const isGrowing = "readNew" in documents;
    const header = parseHeader(
      await documents.header(),
      documents.name,
      isGrowing ? "predicted" : "provenance",
    );
    const labels = await documents.taskLabels();
    const dimensions = await documents.rowDimensions("quanta");
    const run = new Run(documents, header, { labels, dimensions }, traffic, budget);
    if (!("readHeader" in documents)) {
      const { members } = await documents.info(false);
      const size = (wanted: string) => members.find(({ name }) => name === wanted)?.sizeBytes;
      run.#nBytes = size(QUANTA_TABLE_MEMBER) ?? size(QUANTA_MEMBER) ?? null;
    }
    return run;
  }

  /** Whether it is a chunk log. */
  get isGrowing(): boolean {
    return "readNew" in this.documents;
  }

  get name(): string {
    return this.header.output_run || this.documents.name;
  }

  get groups(): ReadonlyMap<string, DimensionGroup> {
    return this.dimensions.groups;
  }

  /** Quanta that the run was to have. */
  get nExpected(): number {
    return this.header.n_quanta;
  }

  #trace: Promise<TraceSource> | null = null;

  /** Who reads and writes what. */
  trace(): Promise<TraceSource> {
    return this.#trace ??= this.documents.traceSource().catch((error) => {
      this.#trace = null; // the next who asks tries again
      throw error;
    });
  }

  /** Bytes of quanta that haven't been read, for people; null if that isn't known. */
  bytesLeft(): string | null {
    if (this.#nBytes === null) return null;
    return formatSize(Math.max(0, this.#nBytes * (1 - this.table.n / Math.max(1, this.nExpected))));
  }

  /** Calls back whenever more is known; returns what ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to read the quanta, unless that was done. */
  start(): void {
    if (this.state !== "idle") return;
    if (this.isGrowing) void this.#follow();
    else void this.#read(this.#budget);
  }

  /** Reads on behind a pause, to the end. */
  resume(): void {
    if (this.state === "paused") void this.#read(Infinity);
  }

  async #read(budget: number): Promise<void> {
    const documents = this.documents as GraphDocuments;
    this.#enter("reading");
    const limit = this.traffic.nBytes + budget;
    let sliceStart = performance.now();
    try {
      this.#pass ??= await this.#quanta(documents);
      for (;;) {
        const { value, done } = await this.#pass.next();
        if (done) return this.#enter("complete");
        if ("attempts" in value) this.table.add(value);
        else this.table.addRow(value);
        this.#nAdded++;
        if (performance.now() - sliceStart < SLICE_MS) continue;
        this.#draw();
        await nextTask();
        sliceStart = performance.now();
        if (this.traffic.nBytes >= limit) return this.#enter("paused");
      }
    } catch (error) {
      this.error = error;
      this.#enter("failed");
    }
  }

  /** Quanta out of the table, where there is one: what they came to at once, then each. */
  async #quanta(
    documents: GraphDocuments,
  ): Promise<AsyncGenerator<QuantumDocument | QuantumRow>> {
    const table = await documents.quantaTable();
    if (table === null) return this.#views(documents);
    this.counts = await documents.countStatuses();
    this.#nAdded++;
    this.#emit();
    return this.#rows(documents, table);
  }

  async *#views(documents: GraphDocuments): AsyncGenerator<QuantumDocument> {
    for await (const text of documents.quanta()) yield this.#parse(text);
  }

  /** Rows of the table; of quanta with several attempts their documents, as many as are read. */
  async *#rows(
    documents: GraphDocuments,
    table: QuantaTable,
  ): AsyncGenerator<QuantumDocument | QuantumRow> {
    let nRead = 0;
    for await (const row of tableRows(table, this.groups)) {
      if (row.numbers.attempts < 2) yield row;
      else if (nRead++ < MAX_RETRIES_READ) {
        yield this.#parse(await documents.quantum({ kind: "id", id: row.id, words: [] }));
      } else {
        this.nUnreadRetries++;
        yield row;
      }
    }
  }

  #parse(text: Uint8Array): QuantumDocument {
    return parseStored(`quantum in ${this.documents.name}`, () => readQuantum(text));
  }

  async #follow(): Promise<void> {
    const documents = this.documents as GrowingLogDocuments;
    this.#enter("following");
    let sliceStart = performance.now();
    try {
      await documents.readNew(async (text) => {
        this.#add(text);
        if (performance.now() - sliceStart < SLICE_MS) return;
        this.#draw();
        await nextTask();
        sliceStart = performance.now();
      }, () => this.#forget());
      this.error = null;
      this.#draw();
    } catch (error) {
      this.error = error;
      if (error instanceof Error && error.name === "NotFoundError") return this.#enter("ended");
      this.#enter("following"); // a server may come back
    }
    this.#timer = setTimeout(() => void this.#follow(), POLL_MS);
  }

  #forget(): void {
    this.table = new QuantumTable(this.groups, this.header.timestamp, true);
    this.#nAdded++;
  }

  #add(text: Uint8Array): void {
    this.table.add(this.#parse(text));
    this.#nAdded++;
  }

  /** When the quanta ran that have been read. */
  get timeline(): TimelineLanes | null {
    return (this.#timeline ??= new RunTimeline(this.labels)).of(this.table);
  }

  #timeline: RunTimeline | null = null;
  #nAdded = 0;
  #summary: { nAdded: number; summary: RunSummary } | null = null;

  /** What the quanta that have been read add up to. */
  get summary(): RunSummary {
    if (this.#summary?.nAdded !== this.#nAdded) {
      const summary = summarize(this.table, this.labels);
      this.#summary = {
        nAdded: this.#nAdded,
        summary: this.counts === null ? summary : withCounts(summary, this.counts),
      };
    }
    return this.#summary.summary;
  }

  #enter(state: LoadState): void {
    this.state = state;
    this.#emit();
  }

  #draw(): void {
    const wait = this.#lastDraw + DRAW_MS - performance.now();
    if (wait <= 0) return this.#emit();
    this.#drawTimer ??= setTimeout(() => this.#emit(), wait);
  }

  #emit(): void {
    if (this.#drawTimer !== null) clearTimeout(this.#drawTimer);
    this.#drawTimer = null;
    this.#lastDraw = performance.now();
    for (const listener of this.#listeners) listener();
  }

  /** Ends following. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

/** Lets the browser draw and take input. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
