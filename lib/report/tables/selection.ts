/**
 * The quanta that a status report lists, and the documents made of them.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";
import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
import {
  attemptRanges,
  lastAttempt,
  quantumStatus,
  readQuantum,
} from "../../provenance/documents/quantum.ts";
import type { AttemptFacts } from "../facts.ts";
import type { Address } from "../../qg/address_rows.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** What is selected. */
export interface SelectionRule {
  /** Statuses of last attempts. */
  statuses: ReadonlySet<number>;
  /** Bits of which successful quanta must have at least one; null for all successful ones. */
  caveats: number | null;
}

/** Reads a quantum's document again. */
export type ReadQuantum = (address: Address) => Promise<Uint8Array>;

/** Quanta of one task, status and exception type, in the order they were met. */
export class SelectedQuanta {
  /** Null without exception. */
  readonly exceptionType: string | null;
  #addresses = new Float64Array(32);
  #n = 0;

  constructor(exceptionType: string | null) {
    this.exceptionType = exceptionType;
  }

  add({ offset, size }: Address): void {
    if (2 * this.#n === this.#addresses.length) {
      const grown = new Float64Array(4 * this.#n);
      grown.set(this.#addresses);
      this.#addresses = grown;
    }
    this.#addresses[2 * this.#n] = offset;
    this.#addresses[2 * this.#n + 1] = size;
    this.#n++;
  }

  /** Texts of the quanta, one after another. */
  async *texts(read: ReadQuantum): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < this.#n; i++) {
      const [offset, size] = this.#addresses.subarray(2 * i, 2 * i + 2);
      yield await read({ offset, size });
    }
  }
}

/** What a selection looks at. */
interface SelectableQuantum {
  readonly taskLabel: string;
  readonly attempts: readonly Pick<AttemptFacts, "status" | "caveats" | "exceptionType">[];
}

/** All that is selected. Memory: 16 to 32 bytes for each quantum. */
export class StatusSelection {
  /** By task label in pipeline order, status and exception type as they were met. */
  readonly tasks: ReadonlyMap<string, Map<number, Map<string | null, SelectedQuanta>>>;
  readonly #rule: SelectionRule;

  constructor(labels: Iterable<string>, rule: SelectionRule) {
    this.tasks = new Map(Array.from(labels, (label) => [label, new Map()]));
    this.#rule = rule;
  }

  /** Whether a quantum is one of those. */
  wants(quantum: SelectableQuantum): boolean {
    const status = quantumStatus(quantum);
    if (!this.tasks.has(quantum.taskLabel) || !this.#rule.statuses.has(status)) return false;
    const { caveats } = this.#rule;
    return status !== AttemptStatus.SUCCESSFUL || caveats === null ||
      ((lastAttempt(quantum)?.caveats ?? 0) & caveats) !== 0;
  }

  /** Takes a quantum in, if it is one of those. */
  add(quantum: SelectableQuantum, address: Address): void {
    if (!this.wants(quantum)) return;
    const task = this.tasks.get(quantum.taskLabel)!;
    const status = quantumStatus(quantum);
    const attempt = lastAttempt(quantum);
    const typeName = attempt?.exceptionType ?? null;
    let byException = task.get(status);
    if (byException === undefined) task.set(status, byException = new Map());
    let group = byException.get(typeName);
    if (group === undefined) byException.set(typeName, group = new SelectedQuanta(typeName));
    group.add(address);
  }
}

/**
 * The status report: JSON by task, status name and exception type (`None` without), indented by two.
 *
 * @param groupOf Dimensions of a task's quanta.
 */
export async function* statusReportText(
  selection: StatusSelection,
  groupOf: (label: string) => DimensionGroup,
  read: ReadQuantum,
): AsyncGenerator<string> {
  const tasks = [...selection.tasks].filter(([, byStatus]) => byStatus.size > 0);
  if (tasks.length === 0) return yield "{}";
  yield "{";
  for (const [i, [label, byStatus]] of tasks.entries()) {
    yield `${i === 0 ? "" : ","}\n  ${JSON.stringify(label)}: {`;
    const group = groupOf(label);
    for (const [j, [status, byException]] of [...byStatus].entries()) {
      yield `${j === 0 ? "" : ","}\n    ${JSON.stringify(attemptStatusName(status))}: {`;
      for (const [k, quanta] of [...byException.values()].entries()) {
        yield `${k === 0 ? "" : ","}\n      ${JSON.stringify(quanta.exceptionType ?? "None")}: [`;
        let isFirst = true;
        for await (const text of quanta.texts(read)) {
          yield `${isFirst ? "" : ","}\n        ${quantumReport(text, group)}`;
          isFirst = false;
        }
        yield "\n      ]";
      }
      yield "\n    }";
    }
    yield "\n  }";
  }
  yield "\n}";
}

/** Levels of indentation of a quantum's members. */
const QUANTUM_DEPTH = 5;

function quantumReport(text: Uint8Array, group: DimensionGroup): string {
  const names = [...group.required, ...group.implied];
  const { quantumId, dataCoordinate } = readQuantum(text);
  const dataId = dataCoordinate.map((value, i) =>
    `${blanks(QUANTUM_DEPTH + 1)}${JSON.stringify(names[i] ?? `value${i}`)}: ${
      typeof value === "string" ? JSON.stringify(value) : String(value)
    }`
  );
  const attempts = attemptRanges(text).map((range, i) =>
    attemptReport(new JsonCursor(text, ...range), i)
  );
  return [
    "{",
    `${blanks(QUANTUM_DEPTH)}"quantum_id": ${JSON.stringify(quantumId)},`,
    `${blanks(QUANTUM_DEPTH)}"data_id": ${enclosed("{", dataId, "}", QUANTUM_DEPTH)},`,
    `${blanks(QUANTUM_DEPTH)}"attempts": ${
      enclosed(
        "[",
        attempts.map((text) => blanks(QUANTUM_DEPTH + 1) + text),
        "]",
        QUANTUM_DEPTH,
      )
    }`,
    `${blanks(QUANTUM_DEPTH - 1)}}`,
  ].join("\n");
}

/** Members of an attempt in the order that they are listed, and what stands for absent ones. */
const ATTEMPT_DEFAULTS: Readonly<Record<string, string>> = {
  attempt: "0",
  status: String(AttemptStatus.UNKNOWN),
  caveats: "null",
  exception: "null",
  resource_usage: "null",
  previous_process_quanta: "[]",
};

function attemptReport(cursor: JsonCursor, position: number): string {
  const depth = QUANTUM_DEPTH + 2;
  const texts: Record<string, string> = { ...ATTEMPT_DEFAULTS, attempt: String(position) };
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (Object.hasOwn(ATTEMPT_DEFAULTS, key)) {
      texts[key] = laidOut(cursor, depth, key === "resource_usage");
    } else cursor.skip();
  }
  const members = Object.keys(ATTEMPT_DEFAULTS).map((key) =>
    `${blanks(depth)}"${key}": ${texts[key]}`
  );
  return enclosed("{", members, "}", depth - 1);
}

/**
 * A value with one member or element a line. Numbers stay as they are written, but that those of
 * `isFloat` get a fraction; what is no number in strict JSON is null.
 */
function laidOut(cursor: JsonCursor, depth: number, isFloat: boolean): string {
  switch (cursor.kind()) {
    case "object": {
      const members: string[] = [];
      cursor.beginObject();
      while (cursor.nextMember()) {
        const key: string = cursor.key;
        members.push(
          `${blanks(depth + 1)}${JSON.stringify(key)}: ${laidOut(cursor, depth + 1, isFloat)}`,
        );
      }
      return enclosed("{", members, "}", depth);
    }
    case "array": {
      const elements: string[] = [];
      cursor.beginArray();
      while (cursor.nextElement()) {
        elements.push(blanks(depth + 1) + laidOut(cursor, depth + 1, isFloat));
      }
      return enclosed("[", elements, "]", depth);
    }
    case "string":
      return JSON.stringify(cursor.readString());
    case "number": {
      const [start, end] = cursor.skipRange();
      const text = String.fromCharCode(...cursor.bytes.subarray(start, end));
      if (!/^-?\d/.test(text)) return "null";
      return isFloat && /^-?\d+$/.test(text) ? `${text}.0` : text;
    }
    default: {
      const [start, end] = cursor.skipRange();
      return String.fromCharCode(...cursor.bytes.subarray(start, end));
    }
  }
}

function enclosed(open: string, lines: readonly string[], close: string, depth: number): string {
  if (lines.length === 0) return open + close;
  return `${open}\n${lines.join(",\n")}\n${blanks(depth)}${close}`;
}

function blanks(depth: number): string {
  return "  ".repeat(depth);
}

/**
 * A table of data IDs in ECSV, readable by Astropy and by the reference's graph builder.
 *
 * @param group Dimensions of the task's quanta; columns are the required ones.
 */
export async function* dataIdTableText(
  quanta: SelectedQuanta,
  group: DimensionGroup,
  read: ReadQuantum,
): AsyncGenerator<string> {
  const names = group.required;
  let isFirst = true;
  for await (const text of quanta.texts(read)) {
    const values = readQuantum(text).dataCoordinate.slice(0, names.length);
    if (isFirst) {
      const types = values.map((value, i) =>
        `# - {name: ${names[i]}, datatype: ${typeof value === "string" ? "string" : "int64"}}\n`
      );
      yield `# %ECSV 1.0\n# ---\n# datatype:${types.length === 0 ? " []" : ""}\n${types.join("")}` +
        `# schema: astropy-2.0\n${names.join(" ")}\n`;
      isFirst = false;
    }
    if (names.length > 0) yield `${values.map((value) => ecsvCell(String(value))).join(" ")}\n`;
  }
}

function ecsvCell(text: string): string {
  return text === "" || /[\s"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
