/**
 * From a quantum's predicted block, log and metadata to its attempts, status and provenance blocks.
 * Pure: files are read and written elsewhere. Nothing is parsed in order to be written again: all
 * that users wrote is copied as text. Source: `schema/quantum-graph.md`, section 8;
 * `schema/run-files.md`, section 4.
 *
 * @module
 */

import type { ByteBuilder } from "../base/bytes.ts";
import type { PredictedDatasetText, PredictedQuantum } from "../qg/predicted/predicted_quantum.ts";
import type { AttemptExtra, LogFile, Range } from "./documents/log_records.ts";
import { AttemptStatus, KNOWN_CAVEATS, ScanStatus } from "./quantum_status.ts";
import type { ResourceUsage } from "./documents/quantum.ts";
import { recordedUsage, type TaskMetadata } from "./documents/task_metadata.ts";

/** A document found, with the bytes it was read from. */
export interface LogSource {
  readonly bytes: Uint8Array;
  readonly file: LogFile;
}

/** A metadata document found, with the bytes it was read from. */
export interface MetadataSource {
  readonly bytes: Uint8Array;
  readonly document: TaskMetadata;
}

/** One try at executing a quantum. */
export interface Attempt {
  status: AttemptStatus;
  caveats: number | null;
  /**
   * ExceptionInfo as text or as a range of the log file; null for none. NaN and infinities in its
   * metadata stay: the reference writes null for them, and its reader takes both.
   */
  exception: string | Range | null;
  /** What it took, as JSON text and as read; null for both if it isn't known. */
  resourceUsage: string | null;
  usage: ResourceUsage | null;
  previousProcessQuanta: Range | null;
  /** Pieces of the array of records, in the log file; null when there is no log. */
  log: readonly Range[] | null;
  /** Range of the metadata in `metadataBytes`; null when there is none. */
  metadata: Range | null;
  metadataBytes: Uint8Array | null;
}

/** What is known about a quantum after its files were read. */
export interface ScannedQuantum {
  scanStatus: ScanStatus;
  /** Chronological; empty for a blocked quantum. */
  attempts: Attempt[];
  /** Ids, as text, of the outputs that were written; null when nothing tells, and one must look. */
  outputs: ReadonlySet<string> | null;
  /** What was dropped or odd, for the summary; empty almost always. */
  remarks: string[];
}

/**
 * Assembles the attempts of one quantum.
 *
 * @param log Its log file, or null if there is none (or it is broken).
 * @param metadata Its metadata file, or null likewise.
 * @param isIncomplete Whether execution may still be going on.
 * @param hasLogOutput Whether the task saves logs at all; without, none can be missing.
 * @throws {SyntaxError} if the log's extra holds log records of its own at the top level.
 */
export function assembleAttempts(
  log: LogSource | null,
  metadata: MetadataSource | null,
  isIncomplete: boolean,
  hasLogOutput = true,
): ScannedQuantum {
  const scanStatus = metadata !== null
    ? ScanStatus.SUCCESSFUL
    : isIncomplete
    ? ScanStatus.ABANDONED
    : ScanStatus.FAILED;
  const attempts: Attempt[] = [];
  const remarks: string[] = [];
  const last: Attempt = {
    status: AttemptStatus.FAILED,
    caveats: null,
    exception: null,
    resourceUsage: null,
    usage: null,
    previousProcessQuanta: null,
    log: null,
    metadata: null,
    metadataBytes: null,
  };
  let lastMetadata: TaskMetadata | null = null;
  if (log !== null) {
    for (const extra of log.file.previousAttempts) {
      attempts.push(earlierAttempt(extra, log.bytes));
    }
    last.log = log.file.records;
    const extra = log.file.extra;
    if (extra !== null) {
      if (extra.logs !== null && !isEmptyArray(log.bytes, extra.logs)) {
        throw new SyntaxError("Cannot parse log file: its extra holds log records of its own");
      }
      last.previousProcessQuanta = extra.previousProcessQuanta;
      last.exception = extra.exception;
      // With a metadata file the copy in the log is stale: an executor that does not clear it on
      // success would otherwise give the attempt two.
      if (metadata === null && extra.metadata !== null) {
        lastMetadata = extra.metadata;
        last.metadata = extra.metadata.range;
        last.metadataBytes = log.bytes;
      }
    }
  }
  if (metadata !== null) {
    lastMetadata = metadata.document;
    last.status = log === null && hasLogOutput
      ? AttemptStatus.ABORTED_SUCCESS
      : AttemptStatus.SUCCESSFUL;
    last.metadata = metadata.document.range;
    last.metadataBytes = metadata.bytes;
    last.exception = metadata.document.failureText ?? last.exception;
    const caveats = metadata.document.quantum?.caveats;
    if (caveats !== undefined && Number.isFinite(caveats)) {
      last.caveats = Math.trunc(caveats) & KNOWN_CAVEATS;
      if (last.caveats !== Math.trunc(caveats)) {
        remarks.push(`caveats ${caveats} has unknown bits, which were dropped`);
      }
    }
  }
  const recorded = recordedUsage(lastMetadata);
  if (recorded !== null) {
    last.resourceUsage = recorded.text;
    last.usage = recorded.usage;
  }
  attempts.push(last);
  const outputs = lastMetadata?.quantum?.outputs;
  return {
    scanStatus,
    attempts,
    outputs: outputs === undefined ? null : new Set(outputs),
    remarks,
  };
}

function earlierAttempt(extra: AttemptExtra, bytes: Uint8Array): Attempt {
  const recorded = recordedUsage(extra.metadata);
  return {
    status: AttemptStatus.FAILED,
    caveats: null,
    exception: extra.exception,
    resourceUsage: recorded?.text ?? null,
    usage: recorded?.usage ?? null,
    previousProcessQuanta: extra.previousProcessQuanta,
    log: extra.logs === null || isEmptyArray(bytes, extra.logs)
      ? []
      : [[extra.logs[0] + 1, extra.logs[1] - 1]],
    metadata: extra.metadata?.range ?? null,
    metadataBytes: extra.metadata === null ? null : bytes,
  };
}

function isEmptyArray(bytes: Uint8Array, [start, end]: Range): boolean {
  for (let at = start + 1; at < end - 1; at++) if (bytes[at] > 0x20) return false;
  return true;
}

/** A quantum that was never looked at because one upstream failed. */
export const BLOCKED_QUANTUM: ScannedQuantum = {
  scanStatus: ScanStatus.BLOCKED,
  attempts: [],
  outputs: new Set(),
  remarks: [],
};

/** Writes the ProvenanceQuantum document. */
export function writeQuantumBlock(
  out: ByteBuilder,
  quantum: PredictedQuantum,
  attempts: readonly Attempt[],
  logBytes: Uint8Array | null,
): void {
  out.text(
    `{"quantum_id":"${quantum.quantumId}","task_label":${
      JSON.stringify(quantum.taskLabel)
    },"data_coordinate":`,
  );
  const [start, end] = quantum.dataCoordinateRange;
  if (end > start) out.bytes(quantum.text, start, end);
  else out.text("[]");
  out.text(`,"inputs":${edgesText(quantum.inputs)},"outputs":${edgesText(quantum.outputs)}`);
  out.text(',"attempts":[');
  attempts.forEach((attempt, i) => {
    out.text(`${i === 0 ? "" : ","}{"attempt":${i},"status":${attempt.status}`);
    out.text(`,"caveats":${attempt.caveats},"exception":`);
    if (attempt.exception === null || typeof attempt.exception === "string") {
      out.text(attempt.exception ?? "null");
    } else if (logBytes !== null) {
      out.bytes(logBytes, attempt.exception[0], attempt.exception[1]);
    }
    out.text(`,"resource_usage":${attempt.resourceUsage},"previous_process_quanta":`);
    if (attempt.previousProcessQuanta !== null && logBytes !== null) {
      out.bytes(logBytes, attempt.previousProcessQuanta[0], attempt.previousProcessQuanta[1]);
    } else out.text("[]");
    out.text("}");
  });
  out.text("]}");
}

function edgesText(edges: ReadonlyMap<string, readonly PredictedDatasetText[]>): string {
  let text = "{";
  for (const [connection, datasets] of edges) {
    if (text.length > 1) text += ",";
    text += `${JSON.stringify(connection)}:[`;
    for (let i = 0; i < datasets.length; i++) {
      text += `${i === 0 ? "" : ","}"${datasets[i].idText}"`;
    }
    text += "]";
  }
  return text + "}";
}

/** Writes the block of `metadata.mb`: one TaskMetadata or null for each attempt. */
export function writeMetadataBlock(out: ByteBuilder, attempts: readonly Attempt[]): void {
  out.text('{"attempts":[');
  attempts.forEach((attempt, i) => {
    if (i > 0) out.text(",");
    if (attempt.metadata === null || attempt.metadataBytes === null) out.text("null");
    else out.bytes(attempt.metadataBytes, attempt.metadata[0], attempt.metadata[1]);
  });
  out.text("]}");
}

/** Writes the block of `logs.mb`: an array of records or null for each attempt. */
export function writeLogBlock(
  out: ByteBuilder,
  attempts: readonly Attempt[],
  logBytes: Uint8Array | null,
): void {
  out.text('{"attempts":[');
  attempts.forEach((attempt, i) => {
    if (i > 0) out.text(",");
    if (attempt.log === null || logBytes === null) {
      out.text("null");
      return;
    }
    out.text("[");
    attempt.log.forEach(([start, end], k) => {
      if (k > 0) out.text(",");
      out.bytes(logBytes, start, end);
    });
    out.text("]");
  });
  out.text("]}");
}

/**
 * Writes a ProvenanceDataset document: the predicted object with three keys added.
 *
 * @param source Text in which `dataset`'s range lies.
 * @param producer Quantum id as text, or null for an overall input.
 * @param consumers Quantum ids as text.
 */
export function writeDatasetBlock(
  out: ByteBuilder,
  source: Uint8Array,
  dataset: PredictedDatasetText,
  wasProduced: boolean,
  producer: string | null,
  consumers: readonly string[],
): void {
  out.bytes(source, dataset.start, dataset.end - 1);
  out.text(`,"produced":${wasProduced},"producer":${producer === null ? "null" : `"${producer}"`}`);
  out.text(`,"consumers":[${consumers.map((id) => `"${id}"`).join(",")}]}`);
}
