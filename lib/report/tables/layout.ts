/**
 * The tables of the provenance report as text, in the reference's layout, and as JSON.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
import { type ReportCounts, sortedExceptions, STATUSES, type TaskCounts } from "../counts.ts";
import { CAVEAT_LEGEND, conciseCaveats } from "../../provenance/success_caveats.ts";

/** Columns that tables leave out when they are all zero. */
const RARE: ReadonlySet<number> = new Set([
  AttemptStatus.ABORTED,
  AttemptStatus.UNKNOWN,
  AttemptStatus.ABORTED_SUCCESS,
]);

/** Heading of a status: `Aborted success`. */
function statusTitle(status: number): string {
  const name = attemptStatusName(status);
  return name[0] + name.slice(1).toLowerCase().replaceAll("_", " ");
}

/**
 * Table of quanta by status with the legend of the caveats, ending in an empty line; empty text if no
 * task has quanta.
 */
export function quantumTableText({ tasks }: ReportCounts): string {
  if (tasks.length === 0) return "";
  const shown = STATUSES.filter((status) =>
    !RARE.has(status) || tasks.some(({ nByStatus }) => (nByStatus.get(status) ?? 0) > 0)
  );
  const headings = ["Task", "Caveats", ...shown.map(statusTitle), "TOTAL", "EXPECTED"];
  const rows = tasks.map((task) => [
    task.label,
    caveatsCell(task),
    ...shown.map((status) => String(task.nByStatus.get(status) ?? 0)),
    String(task.nQuanta),
    String(task.nExpected),
  ]);
  const legend = Object.entries(CAVEAT_LEGEND).map(([sign, text]) => `${sign}: ${text}\n`).join("");
  return `${alignedTable(headings, rows)}\nCaveats\n-------\n${legend}\n`;
}

/** Table of exception types, ending in an empty line; empty text if there are none. */
export function exceptionTableText({ tasks }: ReportCounts): string {
  const rows = tasks.flatMap((task) =>
    sortedExceptions(task).map(([typeName, { nSuccesses, nFailures }]) => [
      task.label,
      typeName,
      String(nSuccesses),
      String(nFailures),
    ])
  );
  if (rows.length === 0) return "";
  return `${alignedTable(["Task", "Exception", "Successes", "Failures"], rows)}\n`;
}

function caveatsCell({ nByCaveats }: TaskCounts): string {
  if (nByCaveats.size > 1) return "(multiple)";
  for (const [caveats, n] of nByCaveats) {
    const { token, code } = conciseCaveats(caveats);
    return `${token ?? ""}${code ?? ""}(${n})`;
  }
  return "";
}

/**
 * Both tables as one JSON object, spaced as the reference spaces it. Unlike there, caveats without a
 * letter (`+` or `*` alone) keep their count.
 *
 * @param parts which tables; one that is not wanted, or empty, is null.
 */
export function reportJson(
  counts: ReportCounts,
  parts: { quantumTable: boolean; exceptionTable: boolean },
): string {
  const { tasks } = counts;
  const exceptions = tasks.flatMap((task) =>
    sortedExceptions(task).map(([typeName, { nSuccesses, nFailures }]) => ({
      Task: task.label,
      Exception: typeName,
      Successes: nSuccesses,
      Failures: nFailures,
    }))
  );
  return pythonJson({
    tasks: parts.quantumTable && tasks.length > 0 ? tasks.map(taskRow) : null,
    exceptions: parts.exceptionTable && exceptions.length > 0 ? exceptions : null,
    legend: { ...CAVEAT_LEGEND },
  });
}

function taskRow(task: TaskCounts): JsonValue {
  const caveats = [...task.nByCaveats].map(([bits, n]) => ({
    ...conciseCaveats(bits),
    count: String(n),
  }));
  const statuses: { [key: string]: JsonValue } = {};
  for (const status of STATUSES) statuses[statusTitle(status)] = task.nByStatus.get(status) ?? 0;
  return {
    Task: task.label,
    Caveats: caveats.length === 0 ? [null] : caveats,
    ...statuses,
    TOTAL: task.nQuanta,
    EXPECTED: task.nExpected,
  };
}

/** Columns one blank apart, values to the right, headings in the middle, as Astropy prints tables. */
function alignedTable(headings: readonly string[], rows: readonly string[][]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = headings.map((heading, i) =>
    Math.max(nCodePoints(heading), ...cells.map((row) => nCodePoints(row[i])))
  );
  const lines = [
    headings.map((heading, i) => centred(heading, widths[i])).join(" "),
    widths.map((width) => "-".repeat(width)).join(" "),
    ...cells.map((row) =>
      row.map((cell, i) => " ".repeat(widths[i] - nCodePoints(cell)) + cell).join(" ")
    ),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** As Python centres text: an odd blank goes to the left if the width is odd, too. */
function centred(text: string, width: number): string {
  const blanks = width - nCodePoints(text);
  const left = (blanks >> 1) + (blanks & width & 1);
  return " ".repeat(left) + text + " ".repeat(blanks - left);
}

function nCodePoints(text: string): number {
  return Array.from(text).length;
}

/** Text from a file must not move the cursor or end a line. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\r") return "\\r";
    if (c === "\t") return "\\t";
    return `\\x${c.codePointAt(0)!.toString(16).padStart(2, "0")}`;
  });
}

/** ASCII only, with blanks behind `,` and `:`, as Python writes JSON by default. */
function pythonJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([key, member]) =>
      `${asciiString(key)}: ${pythonJson(member)}`
    );
    return `{${members.join(", ")}}`;
  }
  return typeof value === "string" ? asciiString(value) : String(value);
}

function asciiString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => unit === "\u007f" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
