/**
 * Tables as text: CSV (RFC 4180), ECSV (of astropy, version 1.0) and JSON lines.
 *
 * @module
 */

import { formatIsoTime } from "../base/iso_time.ts";
import { type JsonValue, stringifyJson } from "../base/json_text.ts";
import type { ExportColumn, ExportType, ExportValue } from "./export_tables.ts";

/** What rows are written to. */
export interface TableSink {
  write(row: readonly ExportValue[]): void;
  /** Writes what is left. */
  end(): void;
}

/** Types as ECSV calls them; times are text there. */
const ECSV_TYPES: Record<ExportType, string> = {
  string: "string",
  int: "int64",
  double: "float64",
  boolean: "bool",
  time: "string",
};

/** Writes CSV with a line of names. Null is nothing between commas. */
export function csvSink(
  columns: readonly ExportColumn[],
  emit: (text: string) => void,
): TableSink {
  emit(line(columns.map(({ name }) => name)));
  return {
    write: (row) => emit(line(row.map((value, i) => cellText(value, columns[i].type)))),
    end: () => {},
  };
}

/** Writes ECSV: CSV behind a heading with the types. */
export function ecsvSink(
  columns: readonly ExportColumn[],
  emit: (text: string) => void,
): TableSink {
  const types = columns.map(({ name, type }) =>
    `# - {name: ${JSON.stringify(name)}, datatype: ${ECSV_TYPES[type]}}\n`
  );
  emit(
    `# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n${types.join("")}# schema: astropy-2.0\n`,
  );
  const text = (value: ExportValue, type: ExportType): string => {
    if (value !== null && type === "boolean") return value ? "True" : "False";
    // Its readers take a line for a row.
    return cellText(value, type).replaceAll(/[\r\n]+/g, " ");
  };
  emit(line(columns.map(({ name }) => name)));
  return {
    write: (row) => emit(line(row.map((value, i) => text(value, columns[i].type)))),
    end: () => {},
  };
}

/** Writes an object a line. */
export function ndjsonSink(
  columns: readonly ExportColumn[],
  emit: (text: string) => void,
): TableSink {
  return {
    write: (row) => {
      const entries = row.map((value, i): [string, JsonValue] => [
        columns[i].name,
        columns[i].type === "time" && value !== null ? timeText(value) : value,
      ]);
      emit(`${stringifyJson(Object.fromEntries(entries))}\n`);
    },
    end: () => {},
  };
}

function line(cells: readonly string[]): string {
  return `${cells.map(quoted).join(",")}\n`;
}

/** Quoted where it must be. */
function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$|^#/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function cellText(value: ExportValue, type: ExportType): string {
  if (value === null) return "";
  return type === "time" ? timeText(value) : String(value);
}

function timeText(value: ExportValue): string {
  return formatIsoTime(Number(value));
}
