/**
 * What `grep` prints: records below the name of their quantum, or JSON lines
 * (`schema/json/grep.schema.json`).
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import { visibleCell, visibleText } from "../../base/text/visible_text.ts";
import { uuidFromText } from "../../base/uuid.ts";
import type { GrepHit, GrepSummary } from "../../grep/grep.ts";
import { readQuantum } from "../../provenance/documents/quantum.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { lastStatusName } from "../../sources/quantum_text.ts";
import { dataIdObject, type RowDimensions, type RowKind } from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { Style } from "../terminal/color.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { statusText } from "../terminal/status_text.ts";

/** Whose log it is. */
interface Owner {
  quantumId: string | null;
  task: string;
  dataId: { [dimension: string]: JsonValue };
  required: readonly string[];
  status: string | null;
}

/** How it is printed. */
interface GrepLayout {
  isJson: boolean;
  /** Whether records are only counted. */
  isCounting: boolean;
  style: Style;
}

/** Prints what is found. */
export class GrepWriter {
  readonly #source: DocumentSource;
  readonly #write: (text: string) => void;
  readonly #layout: GrepLayout;
  #dimensions: Promise<RowDimensions> | null = null;

  constructor(source: DocumentSource, write: (text: string) => void, layout: GrepLayout) {
    this.#source = source;
    this.#write = write;
    this.#layout = layout;
  }

  /** Prints what was found in one log. */
  async add(hit: GrepHit): Promise<void> {
    const owner = await this.#owner(hit);
    if (this.#layout.isJson) this.#addJson(hit, owner);
    else this.#addText(hit, owner);
  }

  /** Prints what is told at the end. */
  end({ nLogs, nBytes, nLogsFound, nRecords, problems }: GrepSummary): void {
    if (!this.#layout.isJson) return;
    this.#write(jsonLine("summary", {
      command: "grep",
      n_logs: nLogs,
      n_bytes: nBytes,
      n_logs_found: nLogsFound,
      n_records: nRecords,
      problems: problems.map(({ quantumId, reason }) => ({ quantum_id: quantumId, reason })),
    }));
  }

  #addText({ n, records }: GrepHit, owner: Owner): void {
    const { style, isCounting } = this.#layout;
    const words = [
      style.bold(visibleCell(owner.task)),
      visibleCell(dataIdText(owner.dataId, owner.required)),
      owner.status === null ? "" : statusText(owner.status, style),
    ].filter((word) => word !== "").join(" ");
    const id = owner.quantumId === null ? "" : `  ${style.dim(owner.quantumId)}`;
    if (isCounting) return this.#write(`${String(n).padStart(8)}  ${words}${id}\n`);
    this.#write(`${words}${id}\n`);
    const hasSeveral = records.some(({ attempt }) => attempt > 0);
    for (const { attempt, line } of records) {
      const text = visibleText(line).replaceAll("\n", "\n    ");
      this.#write(`  ${hasSeveral ? `[${attempt}] ` : ""}${text}\n`);
    }
    if (n > records.length) this.#write(`  ... ${n - records.length} more\n`);
  }

  #addJson({ n, records }: GrepHit, owner: Owner): void {
    const common = {
      quantum_id: owner.quantumId,
      task: owner.task,
      data_id: owner.dataId,
      status: owner.status,
    };
    if (this.#layout.isCounting) return this.#write(jsonLine("count", { ...common, n }));
    for (const { attempt, levelno, line } of records) {
      this.#write(jsonLine("match", { ...common, attempt, levelno, text: line }));
    }
    if (n > records.length) {
      this.#write(jsonLine("more", { ...common, n: n - records.length }));
    }
  }

  async #owner({ log: { quantumId, owner } }: GrepHit): Promise<Owner> {
    if (quantumId === null) {
      const { label, dataCoordinate } = owner!;
      const { groups } = await this.#dimensionsOf("datasets");
      const group = groups.get(`${label}_log`);
      const dataId = dataIdObject(group, dataCoordinate);
      return { quantumId, task: label, dataId, required: group?.required ?? [], status: null };
    }
    const id = uuidFromText(quantumId);
    const text = await this.#source.quantum({ kind: "id", id, words: [quantumId] });
    const what = `quantum ${quantumId} in ${this.#source.name}`;
    const quantum = parseStored(what, () => readQuantum(text));
    const group = (await this.#dimensionsOf("quanta")).groups.get(quantum.taskLabel);
    return {
      quantumId,
      task: quantum.taskLabel,
      dataId: dataIdObject(group, quantum.dataCoordinate),
      required: group?.required ?? [],
      status: lastStatusName(quantum),
    };
  }

  #dimensionsOf(kind: RowKind): Promise<RowDimensions> {
    return this.#dimensions ??= this.#source.rowDimensions(kind);
  }
}
