/**
 * Quanta to be compared, out of the table in a graph.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import { uuidToText } from "../base/uuid.ts";
import type { QuantaTable } from "../provenance/table/quanta_table.ts";
import type { RowDimensions } from "../sources/rows.ts";

/** What is compared of a quantum. */
export interface ComparedQuantum {
  readonly taskLabel: string;
  /** Name of the last attempt's status; empty for a plan. */
  readonly status: string;
  /** Type of the last attempt's exception. */
  readonly exception: string | null;
  /** Seconds and bytes of the last attempt, NaN for what isn't recorded. */
  readonly runTime: number;
  readonly memory: number;
  /** Values of required, then implied dimensions. */
  readonly dataCoordinate: JsonValue[];
  readonly quantumId: string;
  /** Ascends with the place of its document among those of the source. */
  readonly order: number;
}

/** Columns besides those of dimensions. */
const COLUMNS = [
  "quantum_id",
  "task",
  "status",
  "exception",
  "run_time",
  "memory",
  "document_offset",
];

/** All quanta, in the order of the table. Memory: a group of rows. */
export async function* tabledQuanta(
  table: QuantaTable,
  { groups }: RowDimensions,
): AsyncGenerator<ComparedQuantum> {
  const names = new Map<string, string[]>();
  for (const [label, { required, implied }] of groups) {
    names.set(
      label,
      [...required, ...implied].map((name) => table.dimensionColumn(name))
        .filter((name) => name !== null),
    );
  }
  const columns = [...new Set([...COLUMNS, ...[...names.values()].flat()])];
  for await (const batch of table.readValues(columns)) {
    const text = (name: string) => {
      const { codes, values } = batch.coded(name);
      return (row: number) => (values[codes[row]] ?? null) as JsonValue;
    };
    const [task, status, exception] = ["task", "status", "exception"].map(text);
    const dimensions = new Map([...names].map(([label, list]) => [label, list.map(text)]));
    const ids = batch.ids("quantum_id");
    const [runTime, memory, offset] = ["run_time", "memory", "document_offset"]
      .map((name) => batch.numbers(name));
    for (let row = 0; row < batch.nRows; row++) {
      const taskLabel = String(task(row));
      const at = ids.at[row];
      yield {
        taskLabel,
        status: String(status(row)),
        exception: exception(row) as string | null,
        runTime: runTime[row],
        memory: memory[row],
        dataCoordinate: (dimensions.get(taskLabel) ?? []).map((value) => value(row)),
        get quantumId() {
          return uuidToText(ids.bytes.subarray(at, at + 16));
        },
        order: offset[row],
      };
    }
  }
}
