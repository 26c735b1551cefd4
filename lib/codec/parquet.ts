/**
 * What reading Parquet takes: the part of the package `hyparquet` that is used. Readers are handed it, as
 * they are handed codecs.
 *
 * @module
 */

/** A file that is read by ranges. */
export interface ParquetFile {
  byteLength: number;
  /** The bytes of a half-open range, in a buffer of their own. */
  slice(startByte: number, endByte?: number): Promise<ArrayBuffer>;
}

/** The end of a file, which tells what is in it. */
export interface ParquetMetadata {
  num_rows: bigint;
  row_groups: {
    num_rows: bigint;
    columns: {
      meta_data?: {
        codec: string;
        path_in_schema: string[];
        statistics?: { min_value?: unknown; max_value?: unknown };
      };
    }[];
  }[];
  schema: { name: string; type?: string }[];
  key_value_metadata?: { key: string; value?: string }[];
}

/** Values of a column from a row on. */
interface ParquetChunk {
  columnName: string;
  columnData: ArrayLike<unknown>;
  rowStart: number;
  rowEnd: number;
}

/** What is asked of {@linkcode ParquetCodec.parquetRead}. */
interface ParquetReadRequest {
  file: ParquetFile;
  metadata: ParquetMetadata;
  columns: string[];
  rowStart: number;
  rowEnd: number;
  onChunk(chunk: ParquetChunk): void;
  /** Readings of what isn't plain. */
  parsers: {
    uuidFromBytes(bytes: Uint8Array | undefined): unknown;
    timestampFromMicroseconds(micros: bigint): unknown;
  };
}

/** The package. */
export interface ParquetCodec {
  parquetMetadataAsync(
    file: ParquetFile,
    options: { initialFetchSize: number },
  ): Promise<ParquetMetadata>;
  parquetRead(request: ParquetReadRequest): Promise<void>;
}
