/**
 * What quanta used, as CSV: the columns of the reference's resource usage tables.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";
import {
  attemptRanges,
  lastAttempt,
  type QuantumDocument,
  quantumStatus,
} from "../../provenance/documents/quantum.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

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
   *
   * @param text The document of the quantum.
   */
  line(quantum: QuantumDocument, text: Uint8Array): string {
    const attempt = lastAttempt(quantum);
    const columns = this.#columns.get(quantum.taskLabel);
    if (attempt === null || attempt.usage === null || columns === undefined) return "";
    const dataId: string[] = new Array(this.#nDimensions).fill("");
    quantum.dataCoordinate.forEach((value, i) => {
      if (columns[i] !== undefined) dataId[columns[i]] = String(value);
    });
    let usage: Record<string, string> = {};
    const cursor = new JsonCursor(text, ...attemptRanges(text).at(-1)!);
    cursor.beginObject();
    while (cursor.nextMember()) {
      if (cursor.key === "resource_usage") usage = readUsage(cursor);
      else cursor.skip();
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

/** The values of an object: texts, and numbers as they are written. */
function readUsage(cursor: JsonCursor): Record<string, string> {
  const usage: Record<string, string> = {};
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (cursor.kind() === "string") usage[key] = cursor.readString();
    else usage[key] = String.fromCharCode(...cursor.bytes.subarray(...cursor.skipRange()));
  }
  return usage;
}

/** Source: RFC 4180. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
