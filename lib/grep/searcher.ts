/**
 * What a searching worker does: reads logs, or gets them, and looks for the pattern.
 *
 * @module
 */

import { EnvironmentError, InvalidQuantumGraphFileError } from "../base/errors.ts";
import { Zstd } from "../codec/zstd.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import type { LogFile } from "../sources/logs/log_store.ts";
import { FileSource } from "../storage/file_source.ts";
import { type FoundInLog, LogSearch, type SearchOptions } from "./log_search.ts";

/** What the worker works with. */
export interface SearcherSetup {
  options: SearchOptions;
  /** Null if every log comes with its text. */
  file: LogFile | null;
  /**
   * Shared with the owner, who sees by it whether a pattern takes for ever: at 0 how many records were
   * looked at, at 1 of which log of its batch the last one is, -1 while nothing is matched.
   */
  pulse: Int32Array;
}

/** A log to search: where it is, or its text; neither if it can't be read. */
export interface LogToSearch {
  place: { offset: number; size: number } | null;
  text: Uint8Array | null;
}

/** What a worker is asked. */
export type SearcherRequest =
  | { kind: "setup"; setup: SearcherSetup }
  | { kind: "search"; batch: number; logs: LogToSearch[] }
  | { kind: "end" };

/** What was found in one log. */
export interface SearchedLog extends FoundInLog {
  /** Bytes of its text. */
  nBytes: number;
  /** Why it can't be read; null if it can. */
  problem: string | null;
}

/** What it answers. */
export interface SearcherReply {
  kind: "searched";
  batch: number;
  logs: SearchedLog[];
}

/** A worker's search. */
export class Searcher {
  readonly #search: LogSearch;
  readonly #graph: ProvenanceGraph | null;
  readonly #pulse: Int32Array;
  /** Of the log in its batch. */
  #position = -1;

  private constructor(setup: SearcherSetup, graph: ProvenanceGraph | null) {
    this.#graph = graph;
    this.#pulse = setup.pulse;
    this.#search = new LogSearch(setup.options, () => {
      Atomics.add(this.#pulse, 0, 1);
      Atomics.store(this.#pulse, 1, this.#position);
    });
  }

  /**
   * Opens the graph.
   *
   * @throws {EnvironmentError} if it is another one by now.
   */
  static async open(setup: SearcherSetup): Promise<Searcher> {
    if (setup.file === null) return new Searcher(setup, null);
    const { path, sizeBytes, headerText } = setup.file;
    const graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
    const isSame = graph.sizeBytes === sizeBytes && graph.headerText.length === headerText.length &&
      graph.headerText.every((byte, i) => byte === headerText[i]);
    if (isSame) return new Searcher(setup, graph);
    graph.close();
    throw new EnvironmentError(`Cannot search "${path}": it was replaced meanwhile`, {
      hint: "run the same command again",
    });
  }

  /** Searches the logs of a batch, one after the other. */
  async search(logs: readonly LogToSearch[]): Promise<SearchedLog[]> {
    const found: SearchedLog[] = [];
    for (const [i, log] of logs.entries()) found.push(await this.#searchLog(log, i));
    return found;
  }

  async #searchLog({ place, text }: LogToSearch, i: number): Promise<SearchedLog> {
    try {
      const document = text ?? (place === null ? null : await this.#graph!.readLog(place));
      if (document === null) return { n: 0, records: [], nBytes: 0, problem: null };
      this.#position = i;
      try {
        return { ...this.#search.search(document), nBytes: document.length, problem: null };
      } finally {
        Atomics.store(this.#pulse, 1, -1);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof InvalidQuantumGraphFileError)) {
        throw error;
      }
      return { n: 0, records: [], nBytes: 0, problem: error.message };
    }
  }
}
