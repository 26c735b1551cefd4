/**
 * The table of quanta as a graph gives it.
 *
 * @module
 */

import type { ParquetCodec } from "../codec/parquet.ts";
import type { ByteSource } from "../storage/byte_source.ts";

/** See {@linkcode ProvenanceGraph.quantaTable}. */
export interface QuantaTableMember {
  source: ByteSource;
  parquet: ParquetCodec;
  quanta: { size: number; crc32: number };
}

/** A graph that may have a table of quanta. */
export interface TabledGraph {
  readonly header: { readonly n_quanta: number };
  /** The member with the table; null if there is none, or nothing to read it with. */
  quantaTable(): Promise<QuantaTableMember | null>;
}
