/**
 * The header block of a quantum graph file: reading it with the format version gate, and making the
 * header of a provenance graph out of the predicted one (`schema/quantum-graph.md`, section 5).
 *
 * @module
 */

import { InvalidQuantumGraphFileError, RefusedError } from "../base/errors.ts";
import { type JsonValue, parseJson } from "../base/json_text.ts";
import { isUuidText } from "../base/uuid.ts";

/** Newest format version that is read. */
export const MAX_FORMAT_VERSION = 1;

/** Largest `int_size` that is read: the reference accepts 16. */
const MAX_INT_SIZE = 16;

/** Fields of `header.json.zst`, named as on the wire; absent ones have the reference's defaults. */
export interface QuantumGraphHeader {
  /** Format version, 0 or 1. */
  version: number;
  /** `"predicted"` or `"provenance"`. */
  graph_type: string;
  /** Input collections as given when the graph was built; may be CHAINED. */
  inputs: string[];
  /** Output CHAINED collection, null for none. */
  output: string | null;
  /**
   * Output RUN collection; safe as a relative path. Empty in graphs that were made without one, see
   * {@linkcode requireOutputRun}.
   */
  output_run: string;
  /** Who built the predicted graph, empty when unknown. */
  user: string;
  /** When it was built: ISO, naive local time, empty when unknown. */
  timestamp: string;
  /** Command that built it, empty when unknown. */
  command: string;
  /** Free-form build metadata. */
  metadata: { [key: string]: JsonValue };
  /** Bytes of every integer in multi-block and address files, 1 to 16. */
  int_size: number;
  /** Regular quanta, init quanta not counted. */
  n_quanta: number;
  /** Distinct datasets of all quanta, inputs and outputs, `packages` included. */
  n_datasets: number;
  /** Task label to number of quanta, labels without quanta included. */
  n_task_quanta: Record<string, number>;
  /** Dataset ID for the ingested provenance graph, lower case with dashes; empty when absent. */
  provenance_dataset_id: string;
}

/** Which graph type {@linkcode parseHeader} accepts. */
type ExpectedGraphType = "predicted" | "provenance" | "any";

/**
 * Parses and checks the decoded text of `header.json.zst`.
 *
 * @throws {RefusedError} for the wrong graph type or a newer format version.
 * @throws {InvalidQuantumGraphFileError} for anything else that doesn't fit.
 *
 * Source: `schema/quantum-graph.md`, section 5. Unlike the reference, versions above 1 are
 * refused: it reads any version as if it were 1.
 */
export function parseHeader(
  text: Uint8Array,
  fileName: string,
  expected: ExpectedGraphType,
): QuantumGraphHeader {
  const invalid: MakeError = (state, options) =>
    new InvalidQuantumGraphFileError(`Cannot read header of "${fileName}": ${state}`, options);
  const fields = parseFields(text, invalid);
  const version = integerField(fields, "version", 1, invalid);
  const graphType = readGraphType(fields, fileName, expected, invalid);
  if (version > MAX_FORMAT_VERSION) {
    throw new RefusedError(
      `Cannot read "${fileName}": format version is ${version}, newest known is ${MAX_FORMAT_VERSION}`,
      { hint: "Use a newer provgraph, or the tools of the release that wrote the file" },
    );
  }
  const intSize = integerField(fields, "int_size", 8, invalid);
  if (intSize < 1 || intSize > MAX_INT_SIZE) {
    throw invalid(`int_size is ${intSize}, expected 1 to ${MAX_INT_SIZE}`);
  }
  const outputRun = textField(fields, "output_run", invalid);
  if (outputRun !== "") checkCollectionName(outputRun, "output_run", invalid);
  const output = fields.output === null ? "" : textField(fields, "output", invalid);
  if (output !== "") checkCollectionName(output, "output", invalid);
  const provenanceId = textField(fields, "provenance_dataset_id", invalid);
  if (provenanceId !== "" && !isUuidText(provenanceId)) {
    throw invalid(`provenance_dataset_id is ${quote(provenanceId)}, which is no UUID`);
  }
  return {
    version,
    graph_type: graphType,
    inputs: readInputs(fields, invalid),
    output: output === "" ? null : output,
    output_run: outputRun,
    user: textField(fields, "user", invalid),
    timestamp: textField(fields, "timestamp", invalid),
    command: textField(fields, "command", invalid),
    metadata: objectField(fields, "metadata", invalid),
    int_size: intSize,
    n_quanta: integerField(fields, "n_quanta", 0, invalid),
    n_datasets: integerField(fields, "n_datasets", 0, invalid),
    n_task_quanta: readTaskQuanta(fields, invalid),
    provenance_dataset_id: normalUuid(provenanceId),
  };
}

/** Fields of a header. */
type Fields = { [key: string]: JsonValue };
/** Makes the error for a header that is as said. */
type MakeError = (state: string, options?: ErrorOptions) => Error;

function parseFields(text: Uint8Array, invalid: MakeError): Fields {
  let document: JsonValue;
  try {
    document = parseJson(text);
  } catch (cause) {
    throw invalid("it is not JSON", { cause });
  }
  if (document === null || typeof document !== "object" || Array.isArray(document)) {
    throw invalid("it is not a JSON object");
  }
  return document;
}

function readGraphType(
  fields: Fields,
  fileName: string,
  expected: ExpectedGraphType,
  invalid: MakeError,
): "predicted" | "provenance" {
  const graphType = textField(fields, "graph_type", invalid);
  if (graphType !== "predicted" && graphType !== "provenance") {
    throw invalid(
      graphType === "" ? "graph_type is missing" : `graph_type is ${quote(graphType)}`,
    );
  }
  if (expected === "any" || graphType === expected) return graphType;
  throw new RefusedError(
    `Cannot use "${fileName}" as a ${expected} graph: it is a ${graphType} graph`,
    {
      hint: expected === "predicted"
        ? "Pass the graph that the quanta were run from"
        : "Pass the graph that aggregate-graph wrote",
    },
  );
}

function readInputs({ inputs = [] }: Fields, invalid: MakeError): string[] {
  if (inputs === null) return [];
  if (!Array.isArray(inputs)) throw invalid("inputs is not an array");
  for (const name of inputs) {
    if (typeof name !== "string" || name === "" || name.includes("\0")) {
      throw invalid("inputs has an element that is no collection name");
    }
  }
  return inputs as string[];
}

function readTaskQuanta(fields: Fields, invalid: MakeError): Record<string, number> {
  const counts = objectField(fields, "n_task_quanta", invalid);
  const nTaskQuanta: Record<string, number> = Object.create(null);
  for (const label of Object.keys(counts)) {
    nTaskQuanta[label] = integerField(counts, label, 0, invalid);
  }
  return nTaskQuanta;
}

/**
 * The RUN of a graph, where something is to be done in it. Graphs have none if they were made by
 * `SeparablePipelineExecutor` from an empty graph, or before an output collection was chosen; they can be
 * read all the same.
 *
 * @throws {RefusedError} if the graph has none.
 */
export function requireOutputRun(header: QuantumGraphHeader, fileName: string): string {
  if (header.output_run !== "") return header.output_run;
  throw new RefusedError(`Cannot use "${fileName}": it has no output RUN`, {
    hint: "build the graph with an output collection (pipetask qgraph -o or --output-run)",
  });
}

function objectField(fields: Fields, key: string, invalid: MakeError): Fields {
  const value = fields[key] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(`${key} is not an object`);
  return value;
}

function textField(fields: Fields, key: string, invalid: MakeError): string {
  const value = fields[key];
  if (value === undefined) return "";
  if (typeof value !== "string") throw invalid(`${key} is not a string`);
  return value;
}

function integerField(
  fields: Fields,
  key: string,
  defaultValue: number,
  invalid: MakeError,
): number {
  const value = fields[key];
  if (value === undefined) return defaultValue;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${key} is not a non-negative integer`);
  }
  return value;
}

/**
 * A RUN becomes the first directories of every path below the datastore root, so a name must not be
 * able to lead out of it.
 */
function checkCollectionName(name: string, key: string, invalid: MakeError): void {
  if (name.includes("\0")) throw invalid(`${key} has a NUL character`);
  if (name.startsWith("/")) throw invalid(`${key} ${quote(name)} begins with "/"`);
  if (name.split("/").includes("..")) throw invalid(`${key} ${quote(name)} has a part ".."`);
}

function normalUuid(text: string): string {
  const h = text.toLowerCase();
  if (h.length !== 32) return h;
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
