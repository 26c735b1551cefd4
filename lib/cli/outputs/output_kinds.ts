/**
 * What commands write, and how a file that is there already is seen to be such a thing: by its beginning,
 * never by its name.
 *
 * @module
 */

import { DICTIONARY_MEMBER, HEADER_MEMBER } from "../../qg/member_names.ts";
import { Zstd } from "../../codec/zstd.ts";
import { CHUNK_LOG_MAGIC } from "../../chunks/chunk_format.ts";

/** Bytes of a file that are looked at. */
export const HEAD_SIZE = 2 ** 18;

/** What an option names. */
export interface OutputKind {
  /** With its article, for messages. */
  name: string;
  form: "file" | "log" | "directory";
  /** Whether the directory above it must be there: else the command makes it. */
  needsDirectory: boolean;
  /** Whether its content tells it from every dataset that a repository may hold. */
  isUnmistakable: boolean;
  /** What helps where something else is there. */
  hint: string;
  /**
   * Looks at a file that is not empty.
   *
   * @param head Its beginning.
   * @param path Its path.
   * @returns why it is not such a thing, to be put behind a colon; null if it is.
   */
  refusal(head: Uint8Array, path: string): Promise<string | null> | string | null;
}

const FORCE_HINT = "give another file, or --force to replace this one";

/** Header fields of a quantum graph file that decide whether it may be replaced. */
interface GraphBeginning {
  type: string;
  run: string;
}

const LOCAL_HEADER_SIZE = 30;

/** A member of an archive that is stored as it is, read by its local header. */
interface StoredMember {
  name: string;
  bytes: Uint8Array;
  end: number;
}

/** Source: ZIP application note, section 4.3.7; null if there is none. */
function storedMember(head: Uint8Array, at: number): StoredMember | null {
  if (at + LOCAL_HEADER_SIZE > head.length) return null;
  const view = new DataView(head.buffer, head.byteOffset + at);
  if (view.getUint32(0, true) !== 0x04034b50) return null;
  const nameEnd = at + LOCAL_HEADER_SIZE + view.getUint16(26, true);
  const start = nameEnd + view.getUint16(28, true);
  const end = start + view.getUint32(18, true);
  const name = text(head.subarray(at + LOCAL_HEADER_SIZE, nameEnd));
  return end > head.length ? null : { name, bytes: head.subarray(start, end), end };
}

/**
 * Reads the header at the beginning of a quantum graph file, whatever the rest of the file is.
 *
 * @returns null if the file doesn't begin like a quantum graph: with its header, and behind it the
 *   dictionary that the header may be compressed with.
 */
export async function graphBeginning(head: Uint8Array): Promise<GraphBeginning | null> {
  const header = storedMember(head, 0);
  if (header?.name !== HEADER_MEMBER) return null;
  const second = storedMember(head, header.end);
  const dictionary = second?.name === DICTIONARY_MEMBER ? second.bytes : null;
  try {
    const zstd = Zstd.forFewReads();
    await zstd.prepare();
    const json = zstd.decompressor(dictionary).decompress(header.bytes, "header");
    const { graph_type: type, output_run: run } = JSON.parse(text(json));
    return typeof type === "string" ? { type, run: typeof run === "string" ? run : "" } : null;
  } catch {
    return null;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/**
 * A provenance graph.
 *
 * @param runOfInput RUN of the predicted graph that is being aggregated, null if that can't be known.
 */
export function provenanceGraphKind(runOfInput: () => Promise<string | null>): OutputKind {
  return {
    name: "a provenance graph",
    form: "file",
    needsDirectory: false,
    isUnmistakable: true,
    hint: FORCE_HINT,
    async refusal(head) {
      const found = await graphBeginning(head);
      if (found === null) return "it exists and is no provenance graph";
      if (found.type !== "provenance") return `it exists and is a ${found.type} graph`;
      const run = await runOfInput();
      return run === null || run === found.run
        ? null
        : `it exists and is the provenance graph of another RUN, "${found.run}"`;
    },
  };
}

/** A kind of text that is told by how it begins. */
function textKind(name: string, beginning: RegExp, isUnmistakable: boolean): OutputKind {
  return {
    name,
    form: "file",
    needsDirectory: true,
    isUnmistakable,
    hint: FORCE_HINT,
    refusal: (head) => beginning.test(text(head)) ? null : `it exists and is not ${name}`,
  };
}

/** Of `scan` and, beside its output, of `aggregate-graph`. */
export const CHUNK_LOG_KIND: OutputKind = {
  name: "a chunk log",
  form: "file",
  needsDirectory: false,
  isUnmistakable: true,
  hint: "give another file, or move this one elsewhere",
  refusal: (head) =>
    CHUNK_LOG_MAGIC.every((byte, i) => i >= head.length || head[i] === byte)
      ? null
      : "it exists and is no chunk log",
};

/** Of `report`. */
export const PAGE_KIND: OutputKind = textKind(
  "a report page of this tool",
  /^<!DOCTYPE html>\n(?:.*\n){1,12}<meta name="generator" content="provgraph /,
  true,
);

/** Of `explore`. */
export const EXPLORER_KIND: OutputKind = textKind(
  "an explorer page of this tool",
  /^<!doctype html>\n(?:.*\n){1,4}<meta name="generator" content="provgraph explorer">/,
  true,
);

/** Of `report`. */
export const MARKDOWN_KIND: OutputKind = textKind(
  "a report in Markdown of this tool",
  /^# Run .*\n\n(?:.*\n){1,12}\n## Status\n/,
  true,
);

/** Of `provenance-report`, also as the reference writes it, which makes directories for it too. */
export const STATUS_REPORT_KIND: OutputKind = {
  ...textKind(
    "a status report",
    /^\{\s*(?:\}\s*$|"(?:[^"\\]|\\.)*":\s*\{\s*(?:\}|"(?:SUCCESSFUL|FAILED|ABORTED|ABORTED_SUCCESS|BLOCKED|UNKNOWN)"))/,
    false,
  ),
  needsDirectory: false,
};

/** Of `provenance-report`. */
export const RESOURCE_USAGE_KIND: OutputKind = textKind(
  "a table of resource usage",
  /^task,quantum_id,(?:\w+,)*status,attempts,memory,/,
  false,
);

/** Of `export`: any program may have written a table, so none is replaced unasked. */
export const EXPORTED_TABLE_KIND: OutputKind = {
  name: "a table",
  form: "file",
  needsDirectory: true,
  isUnmistakable: false,
  hint: FORCE_HINT,
  refusal: () => "it exists",
};

/** Of commands with `--metrics-file`. */
export const METRICS_KIND: OutputKind = {
  ...textKind("a metrics file of this tool", /^# TYPE provgraph_info gauge\n/, true),
  hint: "give another file, or move this one elsewhere",
};

/**
 * Of `provenance-report`, whose tables are looked at when they are written, of `simulate` and of worker logs;
 * made with all directories above it.
 */
export const DIRECTORY_KIND: OutputKind = {
  name: "a directory",
  form: "directory",
  needsDirectory: false,
  isUnmistakable: false,
  hint: "give another directory",
  refusal: () => null,
};

/** What has such a name is data or a document, and lines behind its end would spoil it. */
const NO_LOG_NAME = /\.(?:ya?ml|qg|qgraph|html?|md|e?csv|py|sqlite3|db|chunks|lock|fits|parquet)$/i;

/** Of every command: `--log-file`, which is appended to. */
export const LOG_KIND: OutputKind = {
  name: "a log file",
  form: "log",
  needsDirectory: true,
  isUnmistakable: false,
  hint: "give another file",
  refusal(head, path) {
    const refused = "it exists and is no log file";
    const content = plainText(head);
    if (content === null || NO_LOG_NAME.test(path)) return refused;
    if (path.endsWith(".json")) return isLogRecord(content.split("\n", 1)[0]) ? null : refused;
    return /^\s*[[{<]/.test(content) ? refused : null;
  },
};

/** What a file begins with as text; null if it is none. */
function plainText(head: Uint8Array): string | null {
  if (head.includes(0)) return null;
  try {
    // The last letter may be cut.
    return new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
  } catch {
    return null;
  }
}

function isLogRecord(line: string): boolean {
  // A record longer than what is looked at is cut.
  if (line.length >= HEAD_SIZE - 4) return line.startsWith('{"name":');
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === "object" && record !== null && "levelname" in record &&
      "message" in record;
  } catch {
    return false;
  }
}
