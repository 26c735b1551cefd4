/**
 * What our scanner makes of log and metadata files given as golden cases: the same for the program
 * that makes the golden data and the test that uses them.
 *
 * @module
 */

import { ByteBuilder } from "../../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import { parseLogFile } from "../../../lib/provenance/documents/log_records.ts";
import { ScanStatus } from "../../../lib/provenance/quantum_status.ts";
import {
  assembleAttempts,
  type ScannedQuantum,
  writeLogBlock,
  writeMetadataBlock,
  writeQuantumBlock,
} from "../../../lib/provenance/scan_quantum.ts";
import { parseTaskMetadata } from "../../../lib/provenance/documents/task_metadata.ts";
import { parsePredictedQuantum } from "../../../lib/qg/predicted/predicted_quantum.ts";

/** One case of `testdata/provenance/documents.json`. Every character of a document is one byte. */
export interface DocumentCase {
  name: string;
  log: string | null;
  metadata: string | null;
  incomplete: boolean;
}

/** Names of the blocks of a quantum. */
export type BlockName = "quantum" | "metadata" | "logs";

/** What we make of a case: blocks, or the reason why a file is refused. */
export type OwnAnswer =
  | { scanned: ScannedQuantum; blocks: Record<BlockName, Uint8Array> | null }
  | { refused: string };

/** Bytes of a document. */
export function documentBytes(document: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(document, (c) => c.charCodeAt(0));
}

/** Reads the files of a case, assembles attempts and writes blocks, as a scanner does. */
export function answerCase(
  { log, metadata, incomplete }: DocumentCase,
  predicted: unknown,
  label: string,
): OwnAnswer {
  try {
    const logBytes = log === null ? null : documentBytes(log);
    const metadataBytes = metadata === null ? null : documentBytes(metadata);
    const scanned = assembleAttempts(
      logBytes === null ? null : { bytes: logBytes, file: parseLogFile(logBytes, label) },
      metadataBytes === null
        ? null
        : { bytes: metadataBytes, document: parseTaskMetadata(metadataBytes, label) },
      incomplete,
    );
    if (scanned.scanStatus === ScanStatus.ABANDONED) return { scanned, blocks: null };
    const quantum = parsePredictedQuantum(encodeUtf8(JSON.stringify(predicted)));
    const text = (write: (out: ByteBuilder) => void) => {
      const out = new ByteBuilder();
      write(out);
      return out.take();
    };
    const { attempts } = scanned;
    return {
      scanned,
      blocks: {
        quantum: text((out) => writeQuantumBlock(out, quantum, attempts, logBytes)),
        metadata: text((out) => writeMetadataBlock(out, attempts)),
        logs: text((out) => writeLogBlock(out, attempts, logBytes)),
      },
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { refused: error.message };
  }
}
