/**
 * What quanta used, as CSV: the columns of the reference's resource usage tables.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimensions.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";
import {
  coordinateValues,
  lastAttempt,
  quantumStatus,
  type ReportQuantum,
} from "../../provenance/documents/quantum_report.ts";

/** Members of a resource usage, in the order of columns. */
const USAGE = ["memory", "start", "prep_time", "init_time", "run_time", "run_time_cpu"] as const;

/** Writes the lines of the table, for quanta of all tasks. */
export class ResourceUsageTable {
  /** First line: names of columns. */
  readonly heading: string;
  readonly #columns: ReadonlyMap<string, readonly number[]>;
  readonly #nDimensions: number;

  /**
   * @param groups Dimensions of each task's quanta.
   * @param names All dimensions in the order of the universe.
   */
  constructor(groups: ReadonlyMap<string, DimensionGroup>, names: readonly string[]) {
    const used = names.filter((name) =>
      [...groups.values()].some((group) => group.names.includes(name))
    );
    this.heading = `${
      ["task", "quantum_id", ...used, "status", "attempts", ...USAGE].join(",")
    }\r\n`;
    this.#nDimensions = used.length;
    this.#columns = new Map(
      [...groups].map(([label, group]) => [
        label,
        [...group.required, ...group.implied].map((name) => used.indexOf(name)),
      ]),
    );
  }

  /**
   * Line of a quantum, empty text if nothing is recorded of its last attempt. Numbers are as the graph
   * has them: bytes and seconds; `start` is UTC, ISO 8601.
   */
  line(quantum: ReportQuantum): string {
    const attempt = lastAttempt(quantum);
    const columns = this.#columns.get(quantum.taskLabel);
    if (attempt === null || attempt.usage === null || columns === undefined) return "";
    const dataId: string[] = new Array(this.#nDimensions).fill("");
    coordinateValues(quantum).forEach((value, i) => {
      if (columns[i] !== undefined) dataId[columns[i]] = String(value);
    });
    const usage: Record<string, string> = {};
    const cursor = new JsonCursor(quantum.text, ...attempt.usage.range);
    cursor.beginObject();
    while (cursor.nextMember()) {
      const key: string = cursor.key;
      if (cursor.kind() === "string") {
        usage[key] = cursor.readString();
      } else {
        const [start, end] = cursor.skipRange();
        usage[key] = String.fromCharCode(...quantum.text.subarray(start, end));
      }
    }
    const cells = [
      quantum.taskLabel,
      quantum.quantumId,
      ...dataId,
      attemptStatusName(quantumStatus(quantum)),
      String(quantum.attempts.length),
      ...USAGE.map((key) => usage[key] ?? ""),
    ];
    return `${cells.map(csvCell).join(",")}\r\n`;
  }
}

/** Source: RFC 4180. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
