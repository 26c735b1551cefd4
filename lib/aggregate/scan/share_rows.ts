/**
 * The rows of the table of quanta that one scanner makes: of what it has just scanned, while it has it at
 * hand, and of chunks of an earlier run when it copies them.
 *
 * @module
 */

import { encodeUtf8, parseJson } from "../../base/json_text.ts";
import type { ZstdDecompressor } from "../../codec/codecs.ts";
import { arrayOf } from "../../provenance/documents/fields.ts";
import { attemptOfParts } from "../../provenance/documents/quantum.ts";
import type { Attempt } from "../../provenance/scan_quantum.ts";
import {
  type RowSource,
  rowSource,
  type RowsShare,
  TableCollector,
  type TableTexts,
} from "../../provenance/table/table_rows.ts";
import type { GraphArrays } from "../../qg/predicted/graph_arrays.ts";
import type { PredictedQuantum } from "../../qg/predicted/predicted_quantum.ts";
import { DatasetRole, type ScanHead } from "../../chunks/scan_head.ts";

/** What reads the documents of quanta in a chunk log. */
interface QuantumDocuments {
  decompressor: ZstdDecompressor;
  /** Width of the length before each block, bytes. */
  intSize: number;
}

/** See the module. */
export class ShareRows {
  /** Null if there is to be no table, or a document had no place in one: then there is none. */
  #collector: TableCollector | null;
  readonly #documents: QuantumDocuments;

  /** @param share Null if there is to be no table. */
  constructor(share: RowsShare | null, arrays: GraphArrays, documents: QuantumDocuments) {
    this.#collector = share && new TableCollector(share.rows, share.number, arrays);
    this.#documents = documents;
  }

  /**
   * Makes the row of a quantum that was just scanned.
   *
   * @param attempts None for a blocked one.
   * @param logBytes What ranges of exceptions are in.
   * @param nProduced How many of its outputs were written.
   */
  addScanned(
    q: number,
    quantum: PredictedQuantum,
    attempts: readonly Attempt[],
    logBytes: Uint8Array | null,
    nProduced: number,
  ): void {
    this.#add(q, () => {
      const read = attempts.map((attempt) =>
        attemptOfParts({
          status: attempt.status,
          caveats: attempt.caveats,
          exception: exceptionText(attempt, logBytes),
          usage: attempt.usage,
        })
      );
      const [start, end] = quantum.dataCoordinateRange;
      return {
        nAttempts: attempts.length,
        last: read.at(-1) ?? null,
        earlier: read.slice(0, -1),
        nProduced,
        coordinate: end > start ? { text: quantum.text, range: quantum.dataCoordinateRange } : null,
        dataCoordinate: () =>
          end > start
            ? arrayOf(parseJson(quantum.text.subarray(start, end)), "data_coordinate")
            : [],
      };
    });
  }

  /**
   * Makes the row of a quantum that was scanned by an earlier run.
   *
   * @param block Of its document.
   */
  addChunk(q: number, head: ScanHead, block: Uint8Array): void {
    if (this.#collector === null || this.#collector.has(q)) return;
    const { decompressor, intSize } = this.#documents;
    let nProduced = 0;
    for (let i = 0; i < head.nDatasets; i++) {
      if (head.wasProduced(i) && head.datasetRole(i) !== DatasetRole.INPUT) nProduced++;
    }
    const text = decompressor.decompress(block.subarray(intSize), "a quantum's document");
    this.#add(q, () => rowSource(text, nProduced));
  }

  #add(q: number, source: () => RowSource): void {
    try {
      this.#collector?.add(q, source());
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#collector = null;
    }
  }

  /** The texts of all rows; null if there can be no table. */
  take(): TableTexts | null {
    return this.#collector?.take() ?? null;
  }
}

function exceptionText({ exception }: Attempt, logBytes: Uint8Array | null): Uint8Array | null {
  if (exception === null || exception === "null") return null;
  if (typeof exception === "string") return encodeUtf8(exception);
  return logBytes && logBytes.subarray(exception[0], exception[1]);
}
