/**
 * Attempts of a quantum out of the files that they left: needed until `ingest-graph`.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError, NotFoundError } from "../base/errors.ts";
import { basename } from "../base/paths.ts";
import {
  metadataConverter,
  metadataForm,
  requireLogForm,
} from "../provenance/documents/document_forms.ts";
import { parseLogFile } from "../provenance/documents/log_records.ts";
import {
  assembleAttempts,
  type LogSource,
  type MetadataSource,
  writeLogBlock,
  writeMetadataBlock,
} from "../provenance/scan_quantum.ts";
import { parseTaskMetadata } from "../provenance/documents/task_metadata.ts";
import type { FilePlace, Place, Target } from "./repository/place.ts";
import type { RecordedFile } from "../butler/datastore/recorded_file.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import { type AttemptDocuments, attemptDocuments } from "./source.ts";
import { missingReason } from "./quantum_text.ts";

/** Where the files are found. */
interface StoredFiles {
  /** How messages call it. */
  readonly name: string;
  place(typeName: string, run: string, required: readonly DataIdValue[]): Promise<Place>;
  readFile(file: RecordedFile): Promise<Uint8Array | null>;
}

/**
 * Logs or metadata of all attempts, as the aggregator would record them.
 *
 * @throws {NotFoundError} if there is neither a log nor a metadata file.
 * @throws {InvalidQuantumGraphFileError} if one can't be parsed.
 */
export async function attemptsInFiles(
  store: StoredFiles,
  kind: "log" | "metadata",
  { run, label, required }: Target,
): Promise<AttemptDocuments> {
  const paths: string[] = [];
  const read = async <T>(
    suffix: "log" | "metadata",
    parse: (bytes: Uint8Array, place: FilePlace) => Promise<{ bytes: Uint8Array; parsed: T }>,
  ): Promise<{ bytes: Uint8Array; parsed: T } | null> => {
    const place = await store.place(`${label}_${suffix}`, run, required);
    if (place.kind !== "file") return null;
    paths.push(nameOf(place));
    const bytes = await store.readFile(place);
    return bytes && await parsing(nameOf(place), () => parse(bytes, place));
  };
  const logFile = await read("log", (bytes, place) => {
    requireLogForm(place);
    return Promise.resolve({ bytes, parsed: parseLogFile(bytes, label) });
  });
  const metadataFile = await read("metadata", async (bytes, place) => {
    const convert = await metadataConverter(metadataForm(place));
    const text = convert === null ? bytes : convert(bytes);
    return { bytes: text, parsed: parseTaskMetadata(text, label) };
  });
  if (logFile === null && metadataFile === null) {
    throw new NotFoundError(
      `Cannot read ${kind} of "${label}" in RUN "${run}" of ${store.name}: there is neither a log ` +
        `nor a metadata file${paths.map((path) => `\n${path}`).join("")}`,
      { hint: "the quantum was blocked or not run, or it died before it could write" },
    );
  }
  const log: LogSource | null = logFile && { bytes: logFile.bytes, file: logFile.parsed };
  const metadata: MetadataSource | null = metadataFile &&
    { bytes: metadataFile.bytes, document: metadataFile.parsed };
  const { attempts } = await parsing(
    paths[0],
    () => Promise.resolve(assembleAttempts(log, metadata, false)),
  );
  const out = new ByteBuilder();
  if (kind === "log") writeLogBlock(out, attempts, log?.bytes ?? null);
  else writeMetadataBlock(out, attempts);
  const views = attempts.map(({ status }) => ({
    status,
    caveats: 0,
    exception: null,
    usage: null,
  }));
  return attemptDocuments(
    out.take(),
    `${kind} of "${label}" in ${store.name}`,
    (attempt) => Promise.resolve(missingReason(kind, { attempts: views }, attempt)),
  );
}

/** How messages call a file. */
function nameOf({ path, zipMember }: FilePlace): string {
  return zipMember === null ? path : `${path}: ${zipMember}`;
}

async function parsing<T>(path: string, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new InvalidQuantumGraphFileError(
      `Cannot use file "${path}": ${cause.message}`,
      { cause, hint: `look at ${basename(path)} itself; aggregate-graph records it as absent` },
    );
  }
}
