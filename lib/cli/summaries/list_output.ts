/** How the rows of `ls` look: JSON lines, values between tabs, a table. @module */

import type { JsonValue } from "../../base/json_text.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import { visibleCell } from "../../base/text/visible_text.ts";
import type { Style } from "../terminal/color.ts";
import { jsonLine, OutputBuffer } from "../terminal/ndjson.ts";
import type { PagedOutput } from "../terminal/pager.ts";
import { statusText } from "../terminal/status_text.ts";
import { TableWriter } from "../terminal/table.ts";
import type { LIST_KINDS } from "../values.ts";
import type { ListedRow } from "../../inspect/list/listed_row.ts";

/** What can be listed. */
export type ListKind = typeof LIST_KINDS[number];

/** Fields of quanta that the table for people has. */
export const TABLE_FIELDS = ["quantum_id", "task", "status", "data_id", "exception"];

/** Writes rows in one layout. */
interface RowWriter {
  add(row: ListedRow): void;
  end(): void;
}

const MESSAGE_TYPES = { quanta: "quantum", datasets: "dataset", attempts: "attempt" } as const;

/** JSON lines. */
export function jsonWriter(
  kind: ListKind,
  fields: readonly string[],
  output: PagedOutput,
): RowWriter {
  const buffer = new OutputBuffer(output);
  const messageType = MESSAGE_TYPES[kind];
  return {
    add: (row) => {
      const entries = fields.map((name) => [name, row.fields[name] ?? null] as const);
      buffer.write(jsonLine(messageType, Object.fromEntries(entries)));
    },
    end: () => buffer.flush(),
  };
}

/** Values between tabs, for `cut` and `awk`. */
export function tabWriter(fields: readonly string[], output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  return {
    add: (row) => buffer.write(`${fields.map((name) => cell(row, name)).join("\t")}\n`),
    end: () => buffer.flush(),
  };
}

const TITLES: Readonly<Record<ListKind, readonly string[]>> = {
  quanta: ["quantum ID", "task", "status", "data ID", "exception"],
  datasets: ["dataset ID", "dataset type", "produced", "data ID"],
  attempts: ["quantum ID", "task", "attempt", "status", "data ID", "exception"],
};

/** Columns for people. */
export function tableWriter(kind: ListKind, style: Style, output: PagedOutput): RowWriter {
  const buffer = new OutputBuffer(output);
  const table = new TableWriter(
    TITLES[kind].map((title) => ({
      title,
      isElastic: title === "exception",
      align: title === "attempt" ? "right" : "left",
    })),
    (line) => buffer.write(line),
    { style },
  );
  return {
    add: (row) => table.add(tableCells(kind, row, style)),
    end: () => {
      table.end();
      buffer.flush();
    },
  };
}

function tableCells(kind: ListKind, row: ListedRow, style: Style): string[] {
  const { exception, produced } = row.fields;
  const dataId = cell(row, "data_id");
  if (kind === "datasets") {
    const isProduced = produced === null ? "-" : produced ? "yes" : style.yellow("no");
    return [cell(row, "dataset_id"), cell(row, "dataset_type"), isProduced, dataId];
  }
  return [
    cell(row, "quantum_id"),
    cell(row, "task"),
    ...(kind === "attempts" ? [cell(row, "attempt")] : []),
    statusText(cell(row, "status"), style),
    dataId,
    typeof exception === "string" ? exception.slice(exception.lastIndexOf(".") + 1) : "",
  ];
}

function cell(row: ListedRow, name: string): string {
  const value = row.fields[name];
  if (name === "data_id") {
    const dataId = value as { [dimension: string]: JsonValue };
    return visibleCell(dataIdText(dataId, row.requiredDimensions)) || "-";
  }
  if (value == null || (Array.isArray(value) && value.length === 0)) return "-";
  const text = Array.isArray(value) ? value.join(",") : String(value);
  // One row is one line.
  return visibleCell(text);
}
