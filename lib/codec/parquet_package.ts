/**
 * The package that reads Parquet, loaded only when a table is read. Its main module brings Node's files with
 * it, which take longer to load than a table's end to read.
 *
 * @module
 */

import { parquetHeader } from "hyparquet/src/column.js";
import { parquetMetadataAsync } from "hyparquet/src/metadata.js";
import { parquetRead } from "hyparquet/src/read.js";
import type { ParquetCodec } from "./parquet.ts";

/** See {@linkcode ParquetCodec}. */
export const PARQUET: ParquetCodec = {
  parquetMetadataAsync: parquetMetadataAsync as unknown as ParquetCodec["parquetMetadataAsync"],
  parquetRead: parquetRead as unknown as ParquetCodec["parquetRead"],
  readPageHeader: parquetHeader as unknown as ParquetCodec["readPageHeader"],
};
