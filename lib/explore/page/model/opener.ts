/**
 * Opens runs for the page: with codecs that are compiled once, and counted requests.
 *
 * @module
 */

import { inflateSync } from "fflate";
import type { GrowingLogDocuments } from "../../../browser/growing_log_source.ts";
import { openRunDocuments } from "../../../browser/open_documents.ts";
import { wasmCodecs } from "../../../codec/wasm_codecs.ts";
import type { GraphDocuments } from "../../../sources/graph_source.ts";
import { PARQUET } from "../../../codec/parquet_package.ts";
import type { GraphCodecs } from "../../../codec/codecs.ts";
import { Traffic } from "./traffic.ts";

/** Bytes of quanta that are read without asking, of a host elsewhere. */
const REMOTE_BUDGET = 8 * 2 ** 20;

/** What was opened. */
interface Opened {
  documents: GraphDocuments | GrowingLogDocuments;
  traffic: Traffic;
  /** Bytes of quanta that may be read without asking. */
  budget: number;
}

/** Opens graphs and chunk logs. */
export class Opener {
  readonly #wasm: Uint8Array<ArrayBuffer>;
  #codecs: Promise<GraphCodecs> | null = null;

  /** @param wasm Zstandard, `zstd.wasm` of "@bokuweb/zstd-wasm". */
  constructor(wasm: Uint8Array<ArrayBuffer>) {
    this.#wasm = wasm;
  }

  /**
   * Opens what is at a URL, relative to the page, or in a dropped file.
   *
   * @param isRemote Whether reading takes time, though the URL is near: somebody passes it on.
   * @throws {ProvgraphError} that says what is wrong, and what to do.
   */
  async open(place: string | Blob, isRemote = false): Promise<Opened> {
    this.#codecs ??= WebAssembly.compile(this.#wasm).then((module) => ({
      ...wasmCodecs(
        module,
        (bytes, maxSize) => new Uint8Array(inflateSync(bytes, { out: new Uint8Array(maxSize) })),
      ),
      parquet: () => Promise.resolve(PARQUET),
    }));
    const traffic = new Traffic();
    const url = typeof place === "string" ? new URL(place, document.baseURI) : null;
    const documents = await openRunDocuments(
      url === null ? place : url.href,
      await this.#codecs,
      { fetch: traffic.fetch },
    );
    const isNear = !isRemote &&
      (url === null || /^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname));
    return { documents, traffic, budget: isNear ? Infinity : REMOTE_BUDGET };
  }
}
