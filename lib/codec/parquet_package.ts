/** The package that reads Parquet, loaded only when a table is read. @module */

import { parquetMetadataAsync, parquetRead } from "hyparquet";
import type { ParquetCodec } from "./parquet.ts";

/** See {@linkcode ParquetCodec}. */
export const PARQUET: ParquetCodec = {
  parquetMetadataAsync: parquetMetadataAsync as unknown as ParquetCodec["parquetMetadataAsync"],
  parquetRead: parquetRead as unknown as ParquetCodec["parquetRead"],
};
