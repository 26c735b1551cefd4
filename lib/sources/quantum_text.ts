/**
 * ProvenanceQuantum and ProvenanceDataset documents: the few values that inspection needs, and a
 * readable form. Source: format notes, sections 8.3 and 8.4.
 *
 * @module
 */

import { JsonCursor, type JsonValue } from "../base/json_text.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import { caveatNames } from "../provenance/success_caveats.ts";

/** One attempt of a quantum. */
export interface AttemptView {
  status: number;
  caveats: number;
  exception: { typeName: string; message: string } | null;
  usage: ResourceUsage | null;
}

/** What an attempt took: bytes and seconds. */
export interface ResourceUsage {
  memory: number;
  /** ISO, UTC. */
  start: string;
  prepTime: number;
  initTime: number;
  runTime: number;
  cpuSeconds: number;
}

/** A quantum as far as it is shown. */
export interface QuantumView {
  quantumId: string;
  taskLabel: string;
  dataCoordinate: JsonValue[];
  /** Dataset ids by connection. */
  inputs: Map<string, string[]>;
  outputs: Map<string, string[]>;
  attempts: AttemptView[];
  /** Half-open ranges of the attempts' objects. */
  attemptRanges: [startByte: number, endByte: number][];
}

/** Reads a quantum's document. @throws {SyntaxError} if it isn't one. */
export function parseQuantumView(text: Uint8Array): QuantumView {
  const view: QuantumView = {
    quantumId: "",
    taskLabel: "",
    dataCoordinate: [],
    inputs: new Map(),
    outputs: new Map(),
    attempts: [],
    attemptRanges: [],
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "quantum_id":
        view.quantumId = cursor.readString();
        break;
      case "task_label":
        view.taskLabel = cursor.readString();
        break;
      case "data_coordinate": {
        const value = cursor.readValue();
        if (Array.isArray(value)) view.dataCoordinate = value;
        break;
      }
      case "inputs":
        view.inputs = readEdges(cursor);
        break;
      case "outputs":
        view.outputs = readEdges(cursor);
        break;
      case "attempts":
        view.attempts = [];
        view.attemptRanges = [];
        cursor.beginArray();
        while (cursor.nextElement()) {
          cursor.kind();
          const start = cursor.position;
          view.attempts.push(attemptView(cursor.readValue()));
          view.attemptRanges.push([start, cursor.position]);
        }
        break;
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  return view;
}

/** Edges of provenance documents name ids, those of predicted ones hold objects. */
function readEdges(cursor: JsonCursor): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  cursor.beginObject();
  while (cursor.nextMember()) {
    const connection: string = cursor.key;
    const ids: string[] = [];
    cursor.beginArray();
    while (cursor.nextElement()) {
      const id = cursor.kind() === "string"
        ? cursor.readString()
        : text(member(cursor.readValue(), "dataset_id"));
      ids.push(id);
    }
    edges.set(connection, ids);
  }
  return edges;
}

function member(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value[key]
    : undefined;
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function number(value: JsonValue | undefined): number {
  return typeof value === "number" ? value : NaN;
}

function attemptView(value: JsonValue): AttemptView {
  const status = number(member(value, "status"));
  const exception = member(value, "exception") ?? null;
  const usage = member(value, "resource_usage") ?? null;
  return {
    status: Number.isNaN(status) ? AttemptStatus.UNKNOWN : status,
    caveats: number(member(value, "caveats")) || 0,
    exception: exception === null ? null : {
      typeName: text(member(exception, "type_name")),
      message: text(member(exception, "message")),
    },
    usage: usage === null ? null : {
      memory: number(member(usage, "memory")),
      start: text(member(usage, "start")),
      prepTime: number(member(usage, "prep_time")),
      initTime: number(member(usage, "init_time")),
      runTime: number(member(usage, "run_time")),
      cpuSeconds: number(member(usage, "run_time_cpu")),
    },
  };
}

/** Name of the last attempt's status; a quantum without any was blocked. */
export function lastStatusName({ attempts }: QuantumView): string {
  return attemptStatusName(attempts.at(-1)?.status ?? AttemptStatus.BLOCKED);
}

/** A quantum for people. */
export function quantumText(view: QuantumView): string {
  const lines = [
    `quantum    ${view.quantumId}`,
    `task       ${view.taskLabel}`,
    `data ID    ${view.dataCoordinate.map(String).join(", ") || "(empty)"}`,
    `status     ${attemptStatusName(view.attempts.at(-1)?.status ?? AttemptStatus.BLOCKED)}`,
    `attempts   ${view.attempts.length || "none: a quantum upstream failed"}`,
  ];
  view.attempts.forEach(({ status, caveats, exception, usage }, i) => {
    lines.push(
      `  ${i}  ${attemptStatusName(status)}` +
        (caveats === 0 ? "" : ` (${caveatNames(caveats).join(", ")})`),
    );
    if (usage !== null) {
      const seconds = usage.prepTime + usage.initTime + usage.runTime;
      lines.push(
        `     ${usage.start}, ${seconds.toFixed(3)} s, CPU ${usage.cpuSeconds.toFixed(3)} s, ` +
          `memory ${(usage.memory / 1e6).toFixed(1)} MB`,
      );
    }
    if (exception !== null) {
      const [first, ...rest] = exception.message.split("\n");
      lines.push(`     ${exception.typeName}: ${first}`, ...rest.map((line) => `       ${line}`));
    }
  });
  for (const [title, edges] of [["inputs", view.inputs], ["outputs", view.outputs]] as const) {
    lines.push(title);
    const width = Math.max(0, ...[...edges.keys()].map((name) => name.length));
    for (const [connection, ids] of edges) {
      ids.forEach((id, i) => lines.push(`  ${(i === 0 ? connection : "").padEnd(width)}  ${id}`));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Why an attempt of a quantum left no log, or no metadata: a clause. */
export function missingReason(
  kind: "log" | "metadata",
  view: Pick<QuantumView, "attempts">,
  attempt: number,
): string {
  const status = view.attempts[attempt]?.status;
  if (status === AttemptStatus.ABORTED_SUCCESS) {
    return `it is ABORTED_SUCCESS, that is, it ended before its log was written`;
  }
  if (status === undefined) return "nothing is known about it";
  const name = attemptStatusName(status);
  return kind === "log"
    ? `it is ${name} and ended without writing a log`
    : `it is ${name} and ended without writing metadata`;
}

/** What a dataset's document says about where it is from. */
export interface DatasetView {
  datasetId: string;
  typeName: string;
  dataCoordinate: JsonValue[];
  run: string;
  produced: boolean;
  /** Quantum id as text, or null for an overall input. */
  producer: string | null;
  nConsumers: number;
}

/** Reads a dataset's document. @throws {SyntaxError} if it isn't one. */
export function parseDatasetView(text: Uint8Array): DatasetView {
  const view: DatasetView = {
    datasetId: "",
    typeName: "",
    dataCoordinate: [],
    run: "",
    produced: false,
    producer: null,
    nConsumers: 0,
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "dataset_id":
        view.datasetId = cursor.readString();
        break;
      case "dataset_type_name":
        view.typeName = cursor.readString();
        break;
      case "data_coordinate": {
        const value = cursor.readValue();
        if (Array.isArray(value)) view.dataCoordinate = value;
        break;
      }
      case "run":
        view.run = cursor.readString();
        break;
      case "produced":
        view.produced = cursor.readBoolean();
        break;
      case "producer":
        view.producer = cursor.takeNull() ? null : cursor.readString();
        break;
      case "consumers":
        view.nConsumers = 0;
        cursor.beginArray();
        while (cursor.nextElement()) {
          cursor.skip();
          view.nConsumers++;
        }
        break;
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  return view;
}
