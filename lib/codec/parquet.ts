/**
 * What reading Parquet takes: the part of the package `hyparquet` that is used. Readers are handed it, as
 * they are handed codecs.
 *
 * @module
 */

/** A file that is read by ranges. */
export interface ParquetFile {
  /** Bytes of the file. */
  byteLength: number;
  /** The bytes of a half-open range, in a buffer of their own. */
  slice(startByte: number, endByte?: number): Promise<ArrayBuffer>;
}

/** The end of a file, which tells what is in it. */
export interface ParquetMetadata {
  /** Rows of the file. */
  num_rows: bigint;
  /** Rows that are stored together, with what is told of their columns. */
  row_groups: {
    num_rows: bigint;
    columns: {
      meta_data?: {
        codec: string;
        path_in_schema: string[];
        type: string;
        data_page_offset: bigint;
        dictionary_page_offset?: bigint;
        total_compressed_size: bigint;
        statistics?: { min_value?: unknown; max_value?: unknown };
      };
    }[];
  }[];
  /** The root and all columns. */
  schema: { name: string; type?: string; repetition_type?: string; type_length?: number }[];
  /** What the writer noted. */
  key_value_metadata?: { key: string; value?: string }[];
}

/** Values of a column from a row on. */
export interface ParquetChunk {
  /** Name of the column. */
  columnName: string;
  /** Its values. */
  columnData: ArrayLike<unknown>;
  /** Number of the first row. */
  rowStart: number;
  /** Number of the row behind the last. */
  rowEnd: number;
}

/** What is asked of {@linkcode ParquetCodec.parquetRead}. */
export interface ParquetReadRequest {
  /** What is read. */
  file: ParquetFile;
  /** What is in it. */
  metadata: ParquetMetadata;
  /** Names of columns. */
  columns: string[];
  /** Number of the first row. */
  rowStart: number;
  /** Number of the row behind the last. */
  rowEnd: number;
  /** Called with the values of each column. */
  onChunk(chunk: ParquetChunk): void;
  /** Readings of what isn't plain. */
  parsers: {
    uuidFromBytes(bytes: Uint8Array | undefined): unknown;
    timestampFromMicroseconds(micros: bigint): unknown;
  };
}

/** Bytes that are read one part after another. */
export interface ParquetReader {
  /** The bytes. */
  view: DataView;
  /** Where the next part begins. */
  offset: number;
}

/** What stands in front of a page. */
export interface ParquetPageHeader {
  /** Kind of the page. */
  type: string | undefined;
  /** Bytes of the page behind this. */
  compressed_page_size: number;
  /** Of a dictionary. */
  dictionary_page_header?: { num_values: number };
  /** Of values. */
  data_page_header_v2?: {
    num_values: number;
    num_nulls: number;
    encoding: string;
    definition_levels_byte_length: number;
    repetition_levels_byte_length: number;
  };
}

/** The package. */
export interface ParquetCodec {
  /** Reads the end of a file. */
  parquetMetadataAsync(
    file: ParquetFile,
    options: { initialFetchSize: number },
  ): Promise<ParquetMetadata>;
  /** Reads columns. */
  parquetRead(request: ParquetReadRequest): Promise<void>;
  /** Leaves the reader at the page. */
  readPageHeader(reader: ParquetReader): ParquetPageHeader;
}
