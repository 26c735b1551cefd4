/**
 * Writing a predicted quantum graph: quanta one by one, the documents at the end.
 *
 * Source: `schema/quantum-graph.md`, sections 1 to 7.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import { writeBigEndian } from "../../base/bytes.ts";
import { encodeUtf8 } from "../../base/json_text.ts";
import { compareUuids, UUID_SIZE } from "../../base/uuid.ts";
import type { ZstdCompressor } from "../../codec/codecs.ts";
import { StoredZipWriter } from "../../codec/zip_writer.ts";
import { linkTarget } from "../../storage/durable_file.ts";
import { FileSource } from "../../storage/file_source.ts";
import { TemporaryFile } from "../../storage/temporary_file.ts";
import type { QuantumGraphHeader } from "../header.ts";
import {
  DICTIONARY_MEMBER,
  DIMENSION_DATA_MEMBER,
  HEADER_MEMBER,
  INIT_QUANTA_MEMBER,
  PIPELINE_GRAPH_MEMBER,
  QUANTA_ADDRESS_MEMBER,
  QUANTUM_DATASETS_MEMBER,
  THIN_GRAPH_MEMBER,
} from "../member_names.ts";
import { describeSystemError } from "../../storage/file_errors.ts";
import {
  addressFileSize,
  addressHeaderSize,
  addressRowSize,
  writeAddressHeader,
  writeAddressRow,
} from "../address_rows.ts";

const INT_SIZE = 8;
const N_ADDRESSES = 1;
/** Bytes gathered before they are written, and copied at once. */
const BUFFER_SIZE = 2 ** 20;
const ROWS_PER_WRITE = 4096;

/**
 * JSON texts of the documents of a predicted graph (`schema/quantum-graph.md`, sections 6 and 7).
 */
export interface PredictedGraphDocuments {
  pipelineGraph: Uint8Array;
  thinGraph: Uint8Array;
  dimensionData: Uint8Array;
  initQuanta: Uint8Array;
}

/**
 * Writes one predicted graph. The sizes of all members must be known before an archive is laid out, so
 * blocks go to a file of their own first.
 *
 * On disk: until {@linkcode PredictedGraphWriter.finish} returns, only temporary files beside the
 * graph; afterwards only the graph, durable. Memory: 1 MiB, and 28 bytes a quantum.
 */
export class PredictedGraphWriter implements Disposable {
  readonly #path: string;
  readonly #compressor: ZstdCompressor;
  readonly #dictionary: Uint8Array | null;
  readonly #blocks: TemporaryFile;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #nBuffered = 0;
  #size = 0;
  #nQuanta = 0;
  readonly #ids = new Grower<Uint8Array>(Uint8Array);
  readonly #offsets = new Grower<Float64Array>(Float64Array);
  readonly #sizes = new Grower<Uint32Array>(Uint32Array);

  /**
   * Begins a graph.
   *
   * @param path of the finished graph; a file there is replaced.
   * @param compressor made with `dictionary`.
   * @param dictionary raw or trained; null for none.
   * @throws {NotFoundError} if there is no such folder; {EnvironmentError} if the temporary file can't be made.
   */
  constructor(path: string, compressor: ZstdCompressor, dictionary: Uint8Array | null) {
    this.#path = linkTarget(path);
    this.#compressor = compressor;
    this.#dictionary = dictionary;
    this.#blocks = TemporaryFile.create(this.#path);
  }

  /** Quanta written so far. */
  get nQuanta(): number {
    return this.#nQuanta;
  }

  /**
   * Appends a regular quantum.
   *
   * @param ids its UUID is the 16 bytes from `idOffset` on; no two quanta may have the same.
   * @param text JSON of `schema/quantum-graph.md`, section 7.1.
   * @throws {EnvironmentError} if the file can't be written.
   */
  addQuantum(ids: Uint8Array, idOffset: number, text: Uint8Array): void {
    const frame = this.#compressor.compress(text);
    const size = INT_SIZE + frame.length;
    const n = this.#nQuanta++;
    const id = ids.subarray(idOffset, idOffset + UUID_SIZE);
    this.#ids.reach((n + 1) * UUID_SIZE - 1).set(id, n * UUID_SIZE);
    this.#offsets.reach(n)[n] = this.#size;
    this.#sizes.reach(n)[n] = size;
    this.#size += size;
    if (this.#nBuffered + size > BUFFER_SIZE) this.#flush();
    if (size > BUFFER_SIZE) {
      const prefix = new Uint8Array(INT_SIZE);
      writeBigEndian(prefix, 0, INT_SIZE, frame.length);
      this.#write(prefix);
      this.#write(frame);
      return;
    }
    writeBigEndian(this.#buffer, this.#nBuffered, INT_SIZE, frame.length);
    this.#buffer.set(frame, this.#nBuffered + INT_SIZE);
    this.#nBuffered += size;
  }

  /**
   * Completes the graph under its final name. The writer can't be used any more.
   *
   * @param header `graph_type`, `int_size` and `n_quanta` are put right.
   * @returns bytes of the file.
   * @throws {EnvironmentError} if it can't be written; then there is no file under the final name,
   *   or the one that was there before.
   */
  finish(header: QuantumGraphHeader, documents: PredictedGraphDocuments): number {
    this.#flush();
    const complete: QuantumGraphHeader = {
      ...header,
      graph_type: "predicted",
      int_size: INT_SIZE,
      n_quanta: this.#nQuanta,
    };
    const texts: [string, Uint8Array][] = [
      [HEADER_MEMBER, encodeUtf8(JSON.stringify(complete))],
      [PIPELINE_GRAPH_MEMBER, documents.pipelineGraph],
      [THIN_GRAPH_MEMBER, documents.thinGraph],
      [DIMENSION_DATA_MEMBER, documents.dimensionData],
      [INIT_QUANTA_MEMBER, documents.initQuanta],
    ];
    const members = texts.map(([name, text]): [string, Uint8Array] => [
      name,
      this.#compressor.compress(text),
    ]);
    if (this.#dictionary !== null) members.splice(1, 0, [DICTIONARY_MEMBER, this.#dictionary]);
    using temporary = TemporaryFile.create(this.#path);
    let size = 0;
    try {
      this.#attempt(() => {
        const zip = new StoredZipWriter(temporary.file, [
          ...members.map(([name, bytes]) => ({ name, size: bytes.length })),
          { name: QUANTUM_DATASETS_MEMBER, size: this.#size },
          {
            name: QUANTA_ADDRESS_MEMBER,
            size: addressFileSize(this.#nQuanta, N_ADDRESSES, INT_SIZE),
          },
        ], this.#path);
        for (const [name, bytes] of members) zip.write(name, bytes);
        this.#copyBlocks(zip);
        this.#writeAddresses(zip);
        size = zip.finish();
        temporary.file.syncSync();
      });
    } finally {
      this[Symbol.dispose]();
    }
    temporary.publish();
    return size;
  }

  /** Gives up what isn't finished: removes the temporary file. A second call does nothing. */
  [Symbol.dispose](): void {
    this.#blocks[Symbol.dispose]();
  }

  #copyBlocks(zip: StoredZipWriter): void {
    using source = FileSource.open(this.#blocks.path);
    for (let at = 0; at < this.#size; at += BUFFER_SIZE) {
      const piece = this.#buffer.subarray(0, Math.min(BUFFER_SIZE, this.#size - at));
      source.readInto(piece, at);
      zip.write(QUANTUM_DATASETS_MEMBER, piece);
    }
  }

  #writeAddresses(zip: StoredZipWriter): void {
    const [ids, offsets, sizes] = [this.#ids.array, this.#offsets.array, this.#sizes.array];
    const order = Uint32Array.from({ length: this.#nQuanta }, (_, i) => i).sort((a, b) =>
      compareUuids(ids, a * UUID_SIZE, ids, b * UUID_SIZE)
    );
    const header = new Uint8Array(addressHeaderSize(INT_SIZE));
    writeAddressHeader(header, 0, INT_SIZE, this.#nQuanta, N_ADDRESSES);
    zip.write(QUANTA_ADDRESS_MEMBER, header);
    const rows = new Uint8Array(ROWS_PER_WRITE * addressRowSize(N_ADDRESSES, INT_SIZE));
    let at = 0;
    order.forEach((quantum, row) => {
      const address = [offsets[quantum], sizes[quantum]];
      at = writeAddressRow(rows, at, INT_SIZE, ids, quantum * UUID_SIZE, row, address);
      if (at < rows.length) return;
      zip.write(QUANTA_ADDRESS_MEMBER, rows);
      at = 0;
    });
    zip.write(QUANTA_ADDRESS_MEMBER, rows.subarray(0, at));
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#nBuffered));
    this.#nBuffered = 0;
  }

  #write(bytes: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length;) {
        done += this.#blocks.file.writeSync(bytes.subarray(done));
      }
    });
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw describeSystemError(`write graph "${this.#path}"`, error);
    }
  }
}
