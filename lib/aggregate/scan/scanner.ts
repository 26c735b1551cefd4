/**
 * What a scanner does: reads the files of quanta, decides what happened, and makes ready everything
 * that the writer appends and the ingester registers. All expensive work of an aggregation is here.
 *
 * @module
 */

import { ByteBuilder } from "../../base/bytes.ts";
import {
  InvalidQuantumGraphFileError,
  ProvgraphError,
  UnusableFileError,
} from "../../base/errors.ts";
import { containsUuid } from "../../base/sort_ids.ts";
import { UUID_SIZE, writeUuidText } from "../../base/uuid.ts";
import {
  blockCompressors,
  BlockKind,
  BlockStage,
  type ChunkSubject,
} from "../../chunks/block_stage.ts";
import { BROKEN_LOG, BROKEN_METADATA, LOOKED_FOR_OUTPUTS } from "../../chunks/scan_chunk.ts";
import { loadChunkLogAt } from "../../chunks/table.ts";
import { Zstd } from "../../codec/zstd.ts";
import { brokenFileReason } from "../../provenance/broken_file.ts";
import type { MetadataConverter } from "../../provenance/documents/document_forms.ts";
import { parseLogFile } from "../../provenance/documents/log_records.ts";
import { parseTaskMetadata, type TaskMetadata } from "../../provenance/documents/task_metadata.ts";
import {
  clearFileProof,
  ProofOf,
  stampFound,
  writeFileProof,
} from "../../provenance/originals/file_digests.ts";
import { AttemptStatus, attemptStatusName, ScanStatus } from "../../provenance/quantum_status.ts";
import {
  assembleAttempts,
  BLOCKED_QUANTUM,
  type LogSource,
  type MetadataSource,
  type ScannedQuantum,
  writeDatasetBlock,
  writeLogBlock,
  writeMetadataBlock,
  writeQuantumBlock,
} from "../../provenance/scan_quantum.ts";
import { MAX_EARLY_PIPELINE_SIZE } from "../../qg/document_limits.ts";
import { CONFIG_CONNECTION, LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import type { GraphArrays } from "../../qg/predicted/graph_arrays.ts";
import { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { type PackedQuantumIds, packQuantumIds } from "../../qg/predicted/packed_quantum_ids.ts";
import { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import {
  parseInitQuanta,
  parsePredictedQuantum,
  type PredictedQuantum,
} from "../../qg/predicted/predicted_quantum.ts";
import { ContentDigest } from "../../storage/content_digest.ts";
import { type FileVersion, ReusableBuffer, type WholeFile } from "../../storage/file_source.ts";
import { type Turns, type WantedFile, WholeFiles } from "../../storage/whole_files.ts";
import { WorkerLog } from "../../storage/worker_log.ts";
import { copyShare } from "../copy_blocks.ts";
import type { CopiedShare, CopyShare } from "../copy_share.ts";
import { ShareRows } from "./share_rows.ts";
import type { FoundChunkLog, ScannerSetup, ScanResult } from "../messages.ts";
import { BatchState } from "./batch_result.ts";
import type { SampleBlocks } from "./dictionary.ts";
import { DocumentDigest } from "./document_digest.ts";
import { metadataConverters } from "./document_readers.ts";
import { PipelineRules } from "./output_rules.ts";
import { type Output, PlannedOutputs, type QuantumFiles } from "./planned_outputs.ts";
import { LocalScanFiles, type ScanFiles, untilKnown } from "./scan_files.ts";
import { refuseUnpredicted } from "./unpredicted.ts";
import { ChunkType } from "../../chunks/chunk_format.ts";
import { DatasetRole, type FileIdentity, NO_FILE } from "../../chunks/scan_head.ts";
import { QUANTUM_PROOFS_SIZE } from "../../provenance/originals/proof_sizes.ts";
import type { BlockRange } from "../../qg/predicted/predicted_block.ts";

/** A predicted graph with the codec that reads it, before it is known what will be asked of them. */
export class OpenedGraph {
  readonly graph: PredictedGraph;
  readonly zstd: Zstd;
  /** Found out when they are wanted: not all that is opened is read so. */
  #rules: PipelineRules | null | undefined;

  private constructor(graph: PredictedGraph, zstd: Zstd) {
    this.graph = graph;
    this.zstd = zstd;
  }

  /** Opens a graph. */
  static async open(path: string): Promise<OpenedGraph> {
    const zstd = await Zstd.load();
    return new OpenedGraph(await PredictedGraph.open(path, zstd), zstd);
  }

  /** Opens a graph and reads its documents; null if that fails, whose reason is told to who needs it. */
  static async tryOpen(path: string): Promise<OpenedGraph | null> {
    try {
      const opened = await OpenedGraph.open(path);
      // A larger one waits until the main thread has read it, and with it refused what is none.
      if ((opened.graph.pipelineGraphSize ?? 0) <= MAX_EARLY_PIPELINE_SIZE) {
        opened.graph.pipelineGraph();
      }
      return opened;
    } catch {
      return null;
    }
  }

  /** Ids of the quanta of some blocks; null if they can't be read, or aren't right. */
  tryReadIds(range: BlockRange): PackedQuantumIds | null {
    try {
      if (this.#rules === undefined) this.#rules = PipelineRules.of(this.graph);
      return packQuantumIds(this.graph, range, this.#rules);
    } catch {
      return null;
    }
  }
}

/** The chunk log of an earlier run of a graph with this index; null if it can't be read. */
export function tryReadChunkLog(
  path: string,
  index: GraphArrays,
  indexSeed: number,
): FoundChunkLog | null {
  try {
    return { log: loadChunkLogAt(path, new GraphIndex(index, indexSeed)) };
  } catch {
    return null;
  }
}

/** Files of quanta as a scanner of this set-up gets at them. */
async function openScanFiles(setup: ScannerSetup): Promise<ScanFiles> {
  const { repository, remote, readAhead, nScanners } = setup;
  if (remote === null) return new LocalScanFiles(new WholeFiles(readAhead, nScanners));
  const { RemoteScanFiles } = await import(
    import.meta.resolve("./remote_scan_files.ts")
  ) as typeof import("./remote_scan_files.ts");
  const roots = repository.datastores.map(({ root }) => root);
  return await RemoteScanFiles.open(roots, Deno.env, nScanners, remote);
}

/** One scanner. It holds the predicted graph open and a few reused buffers; see {@linkcode open}. */
export class Scanner {
  readonly #setup: ScannerSetup;
  readonly #graph: PredictedGraph;
  readonly #index: GraphIndex;
  readonly #outputs: PlannedOutputs;
  readonly #stage: BlockStage;
  readonly #initQuanta: PredictedQuantum[];
  readonly #files: ScanFiles;
  readonly #ownFiles: Disposable | null;
  readonly #logBuffer = new ReusableBuffer();
  readonly #metadataBuffer = new ReusableBuffer();
  readonly #text = new ByteBuilder();
  readonly #log: WorkerLog;
  #converters: ReadonlyMap<string, MetadataConverter> = new Map();
  readonly #digest: DocumentDigest;
  readonly #rows: ShareRows;
  /** Batches that have come and wait for the one in hand. */
  readonly #announced: { quanta: Uint32Array; turns: Turns }[] = [];

  private constructor(
    setup: ScannerSetup,
    { graph, zstd }: OpenedGraph,
    digest: DocumentDigest,
    { files, isOwn }: { files: ScanFiles; isOwn: boolean },
  ) {
    this.#ownFiles = isOwn ? { [Symbol.dispose]: () => files.close() } : null;
    this.#setup = setup;
    this.#digest = digest;
    this.#graph = graph;
    this.#index = new GraphIndex(setup.index, setup.indexSeed);
    this.#log = WorkerLog.open(setup.workerLog, setup.name);
    this.#files = files;
    this.#outputs = new PlannedOutputs(setup, graph, files.exists);
    this.#stage = new BlockStage(
      blockCompressors(zstd, setup.dictionary, setup.zstdLevel),
      graph.header.int_size,
    );
    this.#initQuanta = parseInitQuanta(graph.initQuantaText);
    this.#rows = new ShareRows(setup.table, setup.index, {
      decompressor: zstd.decompressor(setup.dictionary),
      intSize: graph.header.int_size,
    });
  }

  /**
   * Opens the graph; everything else is in `setup`.
   *
   * @param opened The graph, if it is open already: the scanner closes it in the end.
   * @param files Files of quanta, if somebody has them at hand: they stay open.
   */
  static async open(
    setup: ScannerSetup,
    opened: OpenedGraph | null = null,
    files: ScanFiles | null = null,
  ): Promise<Scanner> {
    const isOpened = opened?.graph.path === setup.graphPath;
    const scanner = new Scanner(
      setup,
      isOpened ? opened! : await OpenedGraph.open(setup.graphPath),
      new DocumentDigest(await ContentDigest.load()),
      { files: files ?? await openScanFiles(setup), isOwn: files === null },
    );
    await scanner.#loadConverters();
    return scanner;
  }

  async #loadConverters(): Promise<void> {
    try {
      const pipeline = this.#graph.pipelineGraph();
      this.#converters = await metadataConverters(pipeline, this.#outputs.planOf);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Reads metadata in whatever form its dataset type is stored; the bytes are those it was read from. */
  #parseMetadata(
    bytes: Uint8Array,
    label: string,
    typeName: string,
  ): { bytes: Uint8Array; parsed: TaskMetadata } {
    const text = this.#converters.get(typeName)?.(bytes) ?? bytes;
    return { bytes: text, parsed: parseTaskMetadata(text, label) };
  }

  /** Tells of quanta that will be scanned after what is in hand, so that their files can be read ahead. */
  announce(quanta: Uint32Array): void {
    this.#announced.push({ quanta, turns: this.#turnsOf(quanta) });
  }

  #turnsOf(quanta: Uint32Array): Turns {
    return this.#files.turns(quanta.length, (i) => this.#wantedFiles(quanta[i]));
  }

  /**
   * Scans quanta none of whose predecessors is known to have failed.
   *
   * @param behindUnreadable Those that follow a quantum of which that isn't known, as its metadata can't
   *   be read: they are blocked if they left nothing.
   */
  scan(batch: number, quanta: Uint32Array, behindUnreadable: Uint32Array): Promise<ScanResult> {
    const turns = this.#announced[0]?.quanta === quanta
      ? this.#announced.shift()!.turns
      : this.#turnsOf(quanta);
    return this.#run(batch, quanta, (q, state) => {
      if (this.#reuse(q, state)) {
        return [ScanStatus.SUCCESSFUL, this.#setup.reuse!.table.lastAttemptStatus[q]];
      }
      const quantum = this.#read(q);
      const outputs = this.#outputs.of(quantum);
      return this.#scanOne(q, quantum, outputs, state, behindUnreadable.includes(q));
    }, { turns });
  }

  /** Makes the blocks of quanta that can't have run. */
  blocked(batch: number, quanta: Uint32Array): Promise<ScanResult> {
    return this.#run(batch, quanta, (q, state) => {
      const quantum = this.#read(q);
      const outputs = this.#outputs.of(quantum);
      return this.#appendBlocked(q, quantum, outputs, state);
    });
  }

  #appendBlocked(
    q: number,
    quantum: PredictedQuantum,
    outputs: readonly Output[],
    state: BatchState,
  ): [ScanStatus, number] {
    if (outputs.some((output) => this.#outputs.hasAnything(output))) state.nBlockedWithFiles++;
    this.#append(q, quantum, BLOCKED_QUANTUM, outputs, () => false, null, {
      type: ChunkType.BLOCKED,
      flags: 0,
      log: NO_FILE,
      metadata: NO_FILE,
      proofs: null,
    }, state);
    return [ScanStatus.BLOCKED, AttemptStatus.BLOCKED];
  }

  /** Looks for the outputs of all init quanta. */
  init(batch: number): Promise<ScanResult> {
    return this.#run(batch, new Uint32Array(0), null, { whole: (state) => this.#scanInit(state) });
  }

  /** Without `turns`, or where files are quick, this is done when it returns. */
  async #run(
    batch: number,
    quanta: Uint32Array,
    each: ((q: number, state: BatchState) => [ScanStatus, number]) | null,
    { turns, whole }: { turns?: Turns; whole?: (state: BatchState) => void } = {},
  ): Promise<ScanResult> {
    const startMs = performance.now();
    const state = new BatchState();
    const scanStatuses = new Uint8Array(quanta.length);
    const lastAttemptStatuses = new Int8Array(quanta.length);
    for (let i = 0; each !== null && i < quanta.length; i++) {
      const areRead = turns?.reach(i) ?? null;
      const [next] = this.#announced;
      if (next !== undefined) turns?.beginNext(i, next.turns);
      if (areRead !== null) await areRead;
      let outcome = this.#attempt(quanta[i], state, each);
      while (outcome === null) {
        await this.#files.missing();
        outcome = this.#attempt(quanta[i], state, each);
      }
      [scanStatuses[i], lastAttemptStatuses[i]] = outcome;
      if (this.#stage.isFull) this.#flush(state);
      if (this.#log.isEnabled("DEBUG")) {
        const status = attemptStatusName(lastAttemptStatuses[i]);
        this.#log.log("DEBUG", `Quantum ${this.#index.quantumIdText(quanta[i])}: ${status}.`);
      }
    }
    turns?.end(quanta.length - 1);
    if (whole !== undefined) {
      if (this.#files.mayMiss) await untilKnown(this.#files, () => this.#lookForInit());
      whole(state);
    }
    this.#files.endBatch();
    this.#flush(state);
    const scanSeconds = (performance.now() - startMs) / 1000;
    this.#log.log(
      "VERBOSE",
      `Scanned ${quanta.length} quanta in ${
        scanSeconds.toFixed(3)
      } s: ${state.nFilesRead} files, ` +
        `${state.nBytesRead} bytes.`,
    );
    return {
      kind: "scanned",
      batch,
      quanta,
      scanStatuses,
      lastAttemptStatuses,
      chunks: this.#setup.isWriting && state.chunks.length > 0 ? state.chunks.take() : null,
      reused: Uint32Array.from(state.reused),
      unreadable: Uint32Array.from(state.unreadable),
      rows: state.rows.take(),
      nKnown: state.nKnown,
      problems: state.problems,
      nBlockedWithFiles: state.nBlockedWithFiles,
      hasFiles: state.hasFiles,
      nFilesRead: state.nFilesRead,
      nBytesRead: state.nBytesRead,
      scanSeconds,
      compressSeconds: state.compressSeconds,
    };
  }

  /** Null if it has to be done once more: something that it asked for wasn't known yet. */
  #attempt(
    q: number,
    state: BatchState,
    each: (q: number, state: BatchState) => [ScanStatus, number],
  ): [ScanStatus, number] | null {
    if (!this.#files.mayMiss) return each(q, state);
    const mark = state.mark();
    try {
      const outcome = each(q, state);
      if (!this.#files.isMissing) return outcome;
    } catch (error) {
      if (!this.#files.isMissing) throw error;
    }
    state.goBack(mark);
    return null;
  }

  /** Asks for all that the scan of init quanta will want to know. */
  #lookForInit(): void {
    for (const quantum of this.#initQuanta) {
      for (const output of this.#outputs.of(quantum)) this.#outputs.hasAnything(output);
    }
  }

  /** Effects begin: if something isn't known yet, there must be none. */
  #requireKnown(): void {
    if (this.#files.isMissing) throw new Error("Something that was asked for isn't known yet");
  }

  #read(q: number): PredictedQuantum {
    const { blockOffset, blockSize } = this.#index.arrays;
    const text = this.#graph.readBlock(blockOffset[q], blockSize[q]);
    try {
      return parsePredictedQuantum(text);
    } catch (error) {
      throw new InvalidQuantumGraphFileError(
        `Cannot read quantum ${this.#index.quantumIdText(q)} of "${this.#graph.path}": ${
          (error as Error).message
        }`,
        { cause: error },
      );
    }
  }

  #scanOne(
    q: number,
    quantum: PredictedQuantum,
    outputs: readonly Output[],
    state: BatchState,
    isBehindUnreadable: boolean,
  ): [ScanStatus, number] {
    let flags = 0;
    let logIdentity = NO_FILE;
    let metadataIdentity = NO_FILE;
    let log: LogSource | null = null;
    let metadata: MetadataSource | null = null;
    const proofs = new Uint8Array(QUANTUM_PROOFS_SIZE);
    const logOutput = this.#outputs.only(quantum, outputs, LOG_CONNECTION);
    const metadataOutput = this.#outputs.only(quantum, outputs, METADATA_CONNECTION)!;
    const open = <T>(
      output: Output | null,
      buffer: ReusableBuffer,
      which: 0 | 1,
      parse: (b: Uint8Array, typeName: string) => { bytes: Uint8Array; parsed: T },
    ) => {
      if (output === null || output.path === null) return null;
      const file = this.#readFile(quantum, output.path, buffer, state);
      if (file === null) return null;
      state.hasFiles = true;
      if (file === "unusable") return { identity: NO_FILE, value: null };
      state.nFilesRead++;
      state.nBytesRead += file.size;
      const identity: FileIdentity = { sizeBytes: file.size, mtimeNs: file.mtimeNs };
      try {
        const value = parse(file.bytes, output.dataset.typeName);
        if (this.#setup.isWriting) {
          writeFileProof(proofs, which, file, file.bytes, this.#digest);
        }
        return { identity, value };
      } catch (error) {
        this.#problem(state, quantum, output.path, brokenFileReason(file.bytes, error), true);
        return { identity, value: null };
      }
    };
    const label = quantum.taskLabel;
    const logFile = open(
      logOutput,
      this.#logBuffer,
      ProofOf.LOG,
      (bytes) => ({ bytes, parsed: parseLogFile(bytes, label) }),
    );
    if (logFile !== null) {
      logIdentity = logFile.identity;
      if (logFile.value === null) flags |= BROKEN_LOG;
      else log = { bytes: logFile.value.bytes, file: logFile.value.parsed };
    }
    const metadataFile = open(
      metadataOutput,
      this.#metadataBuffer,
      ProofOf.METADATA,
      (bytes, typeName) => this.#parseMetadata(bytes, label, typeName),
    );
    if (metadataFile !== null) {
      metadataIdentity = metadataFile.identity;
      if (metadataFile.value === null) flags |= BROKEN_METADATA;
      else {
        metadata = { bytes: metadataFile.value.bytes, document: metadataFile.value.parsed };
      }
    }
    const isIncomplete = this.#setup.isIncomplete;
    if (isBehindUnreadable && !isIncomplete && logFile === null && metadataFile === null) {
      return this.#appendBlocked(q, quantum, outputs, state);
    }
    if ((flags & BROKEN_METADATA) !== 0) state.unreadable.push(q);
    let scanned: ScannedQuantum;
    try {
      scanned = assembleAttempts(log, metadata, isIncomplete, logOutput !== null);
    } catch (error) {
      this.#problem(state, quantum, logOutput?.path ?? "", (error as Error).message, true);
      flags |= BROKEN_LOG;
      log = null;
      clearFileProof(proofs, ProofOf.LOG);
      scanned = assembleAttempts(null, metadata, isIncomplete, logOutput !== null);
    }
    refuseUnpredicted(scanned, outputs, {
      graphPath: this.#setup.graphPath,
      quantum,
      path: (metadata === null ? logOutput?.path : metadataOutput.path) ?? "",
    });
    for (const remark of scanned.remarks) {
      this.#problem(state, quantum, metadataOutput.path ?? "", remark, false);
    }
    if (scanned.outputs === null) flags |= LOOKED_FOR_OUTPUTS;
    const lastStatus = scanned.attempts[scanned.attempts.length - 1].status;
    if (scanned.scanStatus === ScanStatus.ABANDONED) return [scanned.scanStatus, lastStatus];
    const wasProduced = (output: Output): boolean => {
      if (output === logOutput) return log !== null;
      if (output === metadataOutput) return metadata !== null;
      if (scanned.outputs !== null) return scanned.outputs.has(output.idText);
      return this.#exists(quantum, output, state);
    };
    this.#append(q, quantum, scanned, outputs, wasProduced, log?.bytes ?? null, {
      type: ChunkType.SCAN,
      flags,
      log: logIdentity,
      metadata: metadataIdentity,
      proofs,
    }, state);
    return [scanned.scanStatus, lastStatus];
  }

  /** A whole file; null if nothing is there. What can't be a file is told as a broken one. */
  #readFile(
    quantum: PredictedQuantum,
    path: string,
    buffer: ReusableBuffer,
    state: BatchState,
  ): WholeFile | "unusable" | null {
    try {
      return this.#files.read(this.#outputs.absolute(path), buffer);
    } catch (error) {
      if (!(error instanceof UnusableFileError)) throw error;
      this.#problem(state, quantum, path, error.state, true);
      return "unusable";
    }
  }

  /** Whether an output is there. What can't be a file was not written, and is told as a broken one. */
  #exists(quantum: PredictedQuantum, output: Output, state: BatchState): boolean {
    try {
      return this.#outputs.exists(output);
    } catch (error) {
      if (!(error instanceof UnusableFileError)) throw error;
      this.#problem(state, quantum, output.path ?? "", error.state, true);
      return false;
    }
  }

  #problem(
    state: BatchState,
    quantum: PredictedQuantum,
    path: string,
    reason: string,
    isBroken: boolean,
  ): void {
    state.problems.push({
      quantumId: quantum.quantumId,
      taskLabel: quantum.taskLabel,
      path,
      reason,
      isBroken,
    });
  }

  /** Rows and chunk of one quantum. */
  #append(
    q: number,
    quantum: PredictedQuantum,
    scanned: ScannedQuantum,
    outputs: readonly Output[],
    wasProduced: (output: Output) => boolean,
    logBytes: Uint8Array | null,
    chunk: Pick<ChunkSubject, "type" | "flags" | "log" | "metadata" | "proofs">,
    state: BatchState,
  ): void {
    const produced = outputs.map(wasProduced);
    this.#requireKnown();
    outputs.forEach((output, i) => {
      if (produced[i] && !this.#isPromised(output.connection)) this.#addRow(output, state);
    });
    if (!this.#setup.isWriting) return;
    const stage = this.#stage;
    const { attempts } = scanned;
    stage.begin({
      ...chunk,
      quantumId: this.#index.quantumId(q),
      scanStatus: scanned.scanStatus,
      lastAttemptStatus: attempts.at(-1)?.status ?? AttemptStatus.BLOCKED,
    });
    stage.add(
      BlockKind.QUANTUM,
      (out) => writeQuantumBlock(out, quantum, attempts, logBytes),
    );
    const nProduced = produced.filter((was) => was).length;
    this.#rows.addScanned(q, quantum, attempts, logBytes, nProduced);
    if (attempts.length > 0) {
      stage.add(BlockKind.METADATA, (out) => writeMetadataBlock(out, attempts));
      stage.add(BlockKind.LOG, (out) => writeLogBlock(out, attempts, logBytes));
    }
    outputs.forEach((output, i) => this.#stageOutput(quantum, output, produced[i]));
    this.#stageOwnedInputs(q, quantum);
  }

  #stageOutput(quantum: PredictedQuantum, output: Output, wasProduced: boolean): void {
    this.#stage.addDataset(
      output.id,
      wasProduced,
      roleOf(output.connection),
      (out) =>
        writeDatasetBlock(
          out,
          quantum.text,
          output.dataset,
          wasProduced,
          quantum.quantumId,
          this.#consumers(output.id),
        ),
    );
  }

  /** Makes chunks of what is staged. */
  #flush(state: BatchState): void {
    state.compressSeconds += this.#stage.flush(state.chunks);
  }

  #consumers(id: Uint8Array): string[] {
    return this.#index.consumerTexts(this.#index.findDataset(id));
  }

  /** Blocks of the overall inputs that this quantum is the first to read. */
  #stageOwnedInputs(q: number, quantum: PredictedQuantum): void {
    let nLeft = this.#index.arrays.nOwnedInputs[q];
    const seen = new Set<number>();
    for (const list of nLeft === 0 ? [] : quantum.inputs.values()) {
      for (const dataset of list) {
        if (nLeft === 0) return;
        const id = new Uint8Array(UUID_SIZE);
        writeUuidText(dataset.idText, id, 0);
        const d = this.#index.findDataset(id);
        if (seen.has(d) || !this.#index.ownsInput(q, d)) continue;
        seen.add(d);
        nLeft--;
        const consumers = this.#index.consumerTexts(d);
        this.#stage.addDataset(
          id,
          true,
          DatasetRole.INPUT,
          (out) => writeDatasetBlock(out, quantum.text, dataset, true, null, consumers),
        );
      }
    }
  }

  #isPromised(connection: string): boolean {
    return this.#setup.promiseIngestGraph &&
      (connection === METADATA_CONNECTION || connection === LOG_CONNECTION);
  }

  #addRow(output: Output, state: BatchState): void {
    const d = this.#index.findDataset(output.id);
    const isKnown = d >= 0
      ? this.#setup.known[d] !== 0
      : containsUuid(this.#setup.knownOutside, output.id);
    if (isKnown) {
      state.nKnown++;
      return;
    }
    const { group } = this.#outputs.types.types[output.typeIndex];
    state.rows.add(
      output.id,
      output.typeIndex,
      output.values.slice(0, group.required.length),
      output.places?.records ?? [output.path],
    );
  }

  /**
   * Whether the chunk of an earlier run still holds: a successful quantum, its files unchanged. If so,
   * what it produced is registered now if that wasn't done then.
   */
  #reuse(q: number, state: BatchState): boolean {
    if (!this.#hasChunk(q)) return false;
    const { table, wasProduced } = this.#setup.reuse!;
    const matches = (path: string | null, which: 0 | 1): boolean => {
      const now = path === null ? null : this.#identity(path);
      const at = q * 4 + which * 2;
      if (
        BigInt(now?.size ?? -1) !== table.identities[at] ||
        (now?.mtimeNs ?? 0n) !== table.identities[at + 1]
      ) return false;
      // Times of modification can be set: what was changed since shows by its stamp.
      const stamp = BigInt.asUintN(64, table.stamps[q * 2 + which]);
      return now === null || stamp === 0n || stamp === stampFound(now);
    };
    const { log, metadata } = this.#filesOf(q);
    if (!matches(log, ProofOf.LOG) || !matches(metadata, ProofOf.METADATA)) return false;
    // Mostly all is registered: then it needn't be known where the other outputs are.
    const { outputStart, outputs: all } = this.#index.arrays;
    const datasets = all.subarray(outputStart[q], outputStart[q + 1]);
    const isMissing = datasets.some((d) => wasProduced[d] !== 0 && this.#setup.known[d] === 0);
    if (isMissing || this.#setup.promiseIngestGraph) {
      const planned = this.#outputs.of(this.#read(q));
      this.#requireKnown();
      planned.forEach((output, i) => {
        if (wasProduced[datasets[i]] !== 0 && !this.#isPromised(output.connection)) {
          this.#addRow(output, state);
        }
      });
    } else {
      for (const d of datasets) state.nKnown += wasProduced[d];
    }
    state.reused.push(q);
    return true;
  }

  /** As it would be if nothing were there, for what can't be a file. */
  #identity(path: string): FileVersion | null {
    try {
      return this.#files.identity(this.#outputs.absolute(path));
    } catch (error) {
      if (error instanceof UnusableFileError) return null;
      throw error;
    }
  }

  /** Whether an earlier run has left a chunk of a quantum that succeeded. */
  #hasChunk(q: number): boolean {
    const table = this.#setup.reuse?.table;
    return table !== undefined && table.chunkOffset[q] >= 0 &&
      table.scanStatus[q] === ScanStatus.SUCCESSFUL;
  }

  /** Files that a scan of a quantum begins with; none if its block is wrong, which the scan tells. */
  #wantedFiles(q: number): WantedFile[] {
    try {
      const isContentWanted = !this.#hasChunk(q);
      const { log, metadata } = this.#filesOf(q);
      return [log, metadata].filter((path) => path !== null)
        .map((path) => ({ path: this.#outputs.absolute(path), isContentWanted }));
    } catch (error) {
      if (error instanceof ProvgraphError) return [];
      throw error;
    }
  }

  /** Where log and metadata of a quantum must be; its block is read only if nothing else tells. */
  #filesOf(q: number): QuantumFiles {
    const { taskFiles, taskIndex, coordinateStart, coordinates } = this.#index.arrays;
    // Copied, as the decoder of texts takes no shared memory.
    const coordinate = coordinates.slice(coordinateStart[q], coordinateStart[q + 1]);
    const task = taskFiles[taskIndex[q]];
    const found = task === null || coordinate.length === 0
      ? null
      : this.#outputs.filesOf(task, coordinate);
    if (found !== null) return found;
    const quantum = this.#read(q);
    const path = (connection: string) => {
      const outputs = this.#outputs.of(quantum, connection);
      return this.#outputs.only(quantum, outputs, connection)?.path ?? null;
    };
    return { log: path(LOG_CONNECTION), metadata: path(METADATA_CONNECTION) };
  }

  #scanInit(state: BatchState): void {
    if (this.#setup.isWriting) {
      this.#stage.begin({
        type: ChunkType.INIT,
        quantumId: new Uint8Array(UUID_SIZE),
        scanStatus: ScanStatus.SUCCESSFUL,
        lastAttemptStatus: AttemptStatus.SUCCESSFUL,
        flags: 0,
        log: NO_FILE,
        metadata: NO_FILE,
        proofs: null,
      });
    }
    let q = this.#index.nQuanta;
    for (const quantum of this.#initQuanta) {
      const isTask = quantum.taskLabel !== "";
      for (const output of this.#outputs.of(quantum)) {
        const wasProduced = this.#exists(quantum, output, state);
        const isPromised = this.#setup.promiseIngestGraph &&
          output.connection === CONFIG_CONNECTION && isTask;
        if (wasProduced && !isPromised) this.#addRow(output, state);
        if (this.#setup.isWriting && isTask) this.#stageOutput(quantum, output, wasProduced);
      }
      if (isTask) {
        if (this.#setup.isWriting) this.#stageOwnedInputs(q, quantum);
        q++;
      }
    }
  }

  /**
   * Uncompressed blocks of a quantum as they would be now, for a dictionary; nothing is recorded.
   */
  sample(q: number): SampleBlocks {
    const quantum = this.#read(q);
    const outputs = this.#outputs.of(quantum);
    const parse = <T>(
      connection: string,
      buffer: ReusableBuffer,
      parser: (bytes: Uint8Array, typeName: string) => { bytes: Uint8Array; parsed: T },
    ): { bytes: Uint8Array; parsed: T } | null => {
      const output = this.#outputs.only(quantum, outputs, connection);
      if (output === null || output.path === null) return null;
      try {
        const file = this.#files.read(this.#outputs.absolute(output.path), buffer);
        return file && parser(file.bytes, output.dataset.typeName);
      } catch (error) {
        const isBroken = error instanceof UnusableFileError || !(error instanceof ProvgraphError);
        if (!isBroken) throw error;
        return null; // told when it is scanned
      }
    };
    const label = quantum.taskLabel;
    const log = parse(
      LOG_CONNECTION,
      this.#logBuffer,
      (bytes) => ({ bytes, parsed: parseLogFile(bytes, label) }),
    );
    const metadata = parse(
      METADATA_CONNECTION,
      this.#metadataBuffer,
      (bytes, typeName) => this.#parseMetadata(bytes, label, typeName),
    );
    const scanned = assembleAttempts(
      log && { bytes: log.bytes, file: { ...log.parsed, previousAttempts: [], extra: null } },
      metadata && { bytes: metadata.bytes, document: metadata.parsed },
      false,
      true,
    );
    refuseUnpredicted(scanned, outputs, {
      graphPath: this.#setup.graphPath,
      quantum,
      path: this.#outputs.only(quantum, outputs, METADATA_CONNECTION)?.path ?? "",
    });
    const logBytes = log?.bytes ?? null;
    const text = (write: (out: ByteBuilder) => void): Uint8Array => {
      this.#text.reset();
      write(this.#text);
      return this.#text.take();
    };
    return {
      quantum: text((out) => writeQuantumBlock(out, quantum, scanned.attempts, logBytes)),
      metadata: metadata && text((out) => writeMetadataBlock(out, scanned.attempts)),
      log: log && text((out) => writeLogBlock(out, scanned.attempts, logBytes)),
      datasets: outputs.map((output) =>
        text((out) =>
          writeDatasetBlock(
            out,
            quantum.text,
            output.dataset,
            true,
            quantum.quantumId,
            this.#consumers(output.id),
          )
        )
      ),
    };
  }

  /** Copies a share of the blocks into the graph, see `copyShare`. */
  copy(
    share: CopyShare,
    stopFlag: Int32Array,
    onCopied: (nQuanta: number) => void,
  ): CopiedShare | null {
    const isStopped = () => Atomics.load(stopFlag, 0) !== 0;
    return copyShare(share, this.#index, this.#rows, isStopped, onCopied);
  }

  /** Closes its files. */
  close(): void {
    this.#log[Symbol.dispose]();
    this.#graph[Symbol.dispose]();
    this.#ownFiles?.[Symbol.dispose]();
  }
}

function roleOf(connection: string): number {
  if (connection === METADATA_CONNECTION) return DatasetRole.METADATA;
  return connection === LOG_CONNECTION ? DatasetRole.LOG : DatasetRole.OTHER;
}
