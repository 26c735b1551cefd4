/**
 * Original files made again out of a provenance graph. The graph has every document byte by byte,
 * but of a log file not what stood between and around its records: that is put together as
 * executors write it, in each of the forms that there are, and the recorded digest tells which of
 * them the file had. Of metadata that a site keeps as YAML the graph has the content, as JSON: they
 * are written as YAML that says the same, in other words perhaps. Source: `schema/quantum-graph.md`, section 8.5; `schema/run-files.md`,
 * section 2.
 *
 * @module
 */

import { concatBytes, equalBytes } from "../../base/bytes.ts";
import { encodeUtf8, JsonCursor } from "../../base/json_text.ts";
import { isUuidText, uuidFromText } from "../../base/uuid.ts";
import {
  metadataForm,
  requireConfigForm,
  requireLogForm,
  type StoredAs,
} from "../../provenance/documents/document_forms.ts";
import { metadataAsYaml } from "../../provenance/documents/metadata_as_yaml.ts";
import { readDataset } from "../../provenance/documents/dataset.ts";
import { attemptRanges } from "../../provenance/documents/quantum.ts";
import { digestAt } from "../../provenance/originals/file_digests.ts";
import type { Original } from "../../provenance/originals/original_proof.ts";
import { AttemptStatus } from "../../provenance/quantum_status.ts";
import type { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import type { ContentDigest } from "../../storage/content_digest.ts";
import { splitAttempts } from "../../qg/attempts.ts";

/** A file made again. */
interface RestoredOriginal {
  bytes: Uint8Array;
  /** Whether its digest is that of the file that was recorded: it is the same, byte for byte. */
  isProven: boolean;
}

const text = encodeUtf8;
const NULL = text("null");
const COMMA = text(",");

/**
 * Checks that originals of a type can be made again as they are read.
 *
 * @throws {RepositoryError} if its formatter or storage class isn't one whose files are known.
 */
export function requireRestorable(kind: Original["kind"], stored: StoredAs): void {
  if (kind === "metadata") metadataForm(stored);
  else if (kind === "log") requireLogForm(stored);
  else requireConfigForm(stored);
}

/**
 * Makes an original again.
 *
 * @param stored How its file is read.
 * @returns null if the graph has no content of it.
 * @throws {InvalidQuantumGraphFileError} if the graph is damaged.
 */
export async function restoreOriginal(
  graph: ProvenanceGraph,
  original: Original,
  stored: StoredAs,
  digest: ContentDigest,
): Promise<RestoredOriginal | null> {
  const forms = await formsOf(graph, original, stored);
  if (forms.length === 0) return null;
  const expected = digestAt(original.proof, 0);
  const proven = expected === null
    ? undefined
    : forms.find((bytes) => equalBytes(digest.of(bytes), expected));
  return { bytes: proven ?? forms[0], isProven: proven !== undefined };
}

/** What the file may have been, the likeliest first. */
async function formsOf(
  graph: ProvenanceGraph,
  { kind, label, id }: Original,
  stored: StoredAs,
): Promise<Uint8Array[]> {
  if (kind === "config") {
    const task = (await graph.pipelineGraph()).tasks.get(label);
    return task === undefined ? [] : [text(task.configText())];
  }
  const node = await graph.find(id);
  if (node === null) return [];
  if (kind === "metadata") {
    if (node.metadata.size === 0) return [];
    const last = attemptsIn(await graph.readMetadata(node.metadata)).at(-1) ?? null;
    if (last === null) return [];
    return metadataForm(stored) === "json"
      ? [last, concatBytes([last, text("\n")])]
      : [metadataAsYaml(last, stored.storageClass)];
  }
  if (node.log.size === 0) return [];
  const logs = attemptsIn(await graph.readLog(node.log));
  const last = logs.at(-1) ?? null;
  if (last === null) return [];
  const parts = await quantumParts(graph, id);
  return [
    ...extendedForms(last, logs.slice(0, -1), parts),
    ...(logs.length > 1 ? [] : [last, lines(last)]),
  ];
}

/** The documents of a block's attempts. */
function attemptsIn(block: Uint8Array): (Uint8Array | null)[] {
  return splitAttempts(block).map((range) => range && block.subarray(range[0], range[1]));
}

/** What a log file tells of one attempt besides its records. */
interface AttemptParts {
  isFailed: boolean;
  exception: Uint8Array;
  previousQuanta: Uint8Array;
  metadata: Uint8Array;
}

/** The parts of all attempts of the quantum that wrote a log. */
async function quantumParts(graph: ProvenanceGraph, logId: Uint8Array): Promise<AttemptParts[]> {
  const node = await graph.find(logId);
  const producer = node === null || node.dataset.size === 0
    ? null
    : readDataset(await graph.readDataset(node.dataset)).producer;
  if (producer === null || !isUuidText(producer)) return [];
  const quantum = await graph.find(uuidFromText(producer));
  if (quantum === null || quantum.quantum.size === 0) return [];
  const attempts = readAttemptParts(await graph.readQuantum(quantum.quantum));
  if (quantum.metadata.size > 0) {
    attemptsIn(await graph.readMetadata(quantum.metadata)).forEach((metadata, i) => {
      if (attempts[i]?.isFailed) attempts[i].metadata = metadata ?? NULL;
    });
  }
  return attempts;
}

function readAttemptParts(document: Uint8Array): AttemptParts[] {
  return attemptRanges(document).map((range) => readAttempt(new JsonCursor(document, ...range)));
}

function readAttempt(cursor: JsonCursor): AttemptParts {
  const part = { isFailed: false, exception: NULL, previousQuanta: text("[]"), metadata: NULL };
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (key === "status") part.isFailed = cursor.readNumber() === AttemptStatus.FAILED;
    else {
      const value = cursor.bytes.slice(...cursor.skipRange());
      if (key === "exception") part.exception = value;
      if (key === "previous_process_quanta") part.previousQuanta = value;
    }
  }
  return part;
}

/**
 * The form that has the extra: with the exception, and without, as partial successes have it elsewhere.
 */
function extendedForms(
  last: Uint8Array,
  earlier: readonly (Uint8Array | null)[],
  parts: readonly AttemptParts[],
): Uint8Array[] {
  const own = parts.at(-1);
  if (own === undefined || parts.length !== earlier.length + 1) return [];
  const previous: Uint8Array[] = [];
  earlier.forEach((logs, i) => {
    if (i > 0) previous.push(COMMA);
    previous.push(
      text("{"),
      ...extra(parts[i], logs ?? text("[]")),
      text(',"previous_attempts":[]}'),
    );
  });
  const form = (part: AttemptParts) =>
    concatBytes([
      text('{"extended":true,"version":2,"records":'),
      last,
      COMMA,
      ...extra(part, text("[]")),
      text(',"previous_attempts":['),
      ...previous,
      text("]}"),
    ]);
  return own.isFailed ? [form(own)] : [form(own), form({ ...own, exception: NULL })];
}

function extra(
  { exception, metadata, previousQuanta }: AttemptParts,
  logs: Uint8Array,
): Uint8Array[] {
  return [
    text('"exception":'),
    exception,
    text(',"metadata":'),
    metadata,
    text(',"previous_process_quanta":'),
    previousQuanta,
    text(',"logs":'),
    logs,
  ];
}

/** The records, one a line. */
function lines(records: Uint8Array): Uint8Array {
  const cursor = new JsonCursor(records);
  const parts: Uint8Array[] = [];
  cursor.beginArray();
  while (cursor.nextElement()) {
    parts.push(records.subarray(...cursor.skipRange()), text("\n"));
  }
  return concatBytes(parts);
}
