/** The package that reads Parquet, loaded only when a table is read. @module */

import { parquetMetadataAsync, parquetRead } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import type { ParquetCodec } from "./parquet.ts";

/** See {@linkcode ParquetCodec}. */
export const PARQUET: ParquetCodec = {
  parquetMetadataAsync: parquetMetadataAsync as unknown as ParquetCodec["parquetMetadataAsync"],
  parquetRead: parquetRead as unknown as ParquetCodec["parquetRead"],
  readPageHeader: parquetHeader as unknown as ParquetCodec["readPageHeader"],
  readHybrid: readRleBitPackedHybrid as unknown as ParquetCodec["readHybrid"],
  readDeltas: deltaBinaryUnpack as unknown as ParquetCodec["readDeltas"],
};
