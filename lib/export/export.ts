/**
 * Writes tables of sources into files: each complete or absent.
 *
 * @module
 */

import type { DocumentSource } from "../sources/source.ts";
import { DurableWriter } from "../storage/durable_writer.ts";
import type { ExportFormat, ExportTable } from "./export_names.ts";
import { type ExportColumn, TableOfSources } from "./export_tables.ts";
import { csvSink, ecsvSink, ndjsonSink, type TableSink } from "./text_formats.ts";

/**
 * Writes one table. Memory: a row, for Parquet 32,768 of them.
 *
 * @returns how many rows.
 * @throws {RefusedError} if a source doesn't know what the table is of; no file is left then.
 * @throws {EnvironmentError} if the file can't be written.
 */
export async function exportTable(
  table: ExportTable,
  sources: readonly DocumentSource[],
  format: ExportFormat,
  path: string,
): Promise<number> {
  const rows = await TableOfSources.open(table, sources);
  using file = DurableWriter.create(path);
  const sink = await makeSink(format, rows.columns, (content) => file.write(content));
  let nRows = 0;
  for await (const row of rows.rows()) {
    sink.write(row);
    nRows++;
  }
  sink.end();
  file.commit();
  return nRows;
}

async function makeSink(
  format: ExportFormat,
  columns: readonly ExportColumn[],
  emit: (content: Uint8Array | string) => void,
): Promise<TableSink> {
  switch (format) {
    case "csv":
      return csvSink(columns, emit);
    case "ecsv":
      return ecsvSink(columns, emit);
    case "ndjson":
      return ndjsonSink(columns, emit);
    case "parquet": {
      const { parquetSink } = await import(
        import.meta.resolve("./parquet_format.ts")
      ) as typeof import("./parquet_format.ts");
      return parquetSink(columns, emit);
    }
  }
}
