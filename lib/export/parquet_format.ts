/**
 * Tables as Parquet, a row group at a time. A module of its own, loaded when Parquet is written: it brings
 * the package with it.
 *
 * @module
 */

import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { ExportColumn, ExportType, ExportValue } from "./export_tables.ts";
import type { TableSink } from "./text_formats.ts";

/** Rows of a group: what is in memory at a time. */
const GROUP_SIZE = 2 ** 15;

/** Writes Parquet: any column may be null, times are microseconds in UTC. */
export function parquetSink(
  columns: readonly ExportColumn[],
  emit: (bytes: Uint8Array) => void,
): TableSink {
  const writer = new ByteWriter(1 << 16);
  const flush = () => {
    emit(writer.getBytes());
    writer.index = 0;
  };
  const parquet = new ParquetWriter({
    writer: Object.assign(writer, { flush }),
    schema: [{ name: "table", num_children: columns.length }, ...columns.map(schemaElement)],
    createdBy: "provgraph",
  });
  let rows: (readonly ExportValue[])[] = [];
  const writeGroup = () => {
    if (rows.length === 0) return;
    const columnData = columns.map(({ name, type }, i): ColumnSource => ({
      name,
      data: rows.map((row) => stored(row[i], type)),
    }));
    parquet.write({ columnData, rowGroupSize: rows.length });
    rows = [];
  };
  return {
    write: (row) => {
      rows.push(row);
      if (rows.length >= GROUP_SIZE) writeGroup();
    },
    end: () => {
      writeGroup();
      parquet.finish();
      flush();
    },
  };
}

function schemaElement({ name, type }: ExportColumn): SchemaElement {
  const common = { name, repetition_type: "OPTIONAL" } as const;
  switch (type) {
    case "string":
      return { ...common, type: "BYTE_ARRAY", converted_type: "UTF8" };
    case "int":
      return { ...common, type: "INT64" };
    case "double":
      return { ...common, type: "DOUBLE" };
    case "boolean":
      return { ...common, type: "BOOLEAN" };
    case "time":
      return {
        ...common,
        type: "INT64",
        converted_type: "TIMESTAMP_MICROS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
      };
  }
}

function stored(value: ExportValue, type: ExportType): unknown {
  if (value === null) return null;
  return type === "int" || type === "time" ? BigInt(value) : value;
}
