/**
 * Whether quanta were aggregated whose metadata have no record: metadata name the outputs that were
 * written, and these are registered or not.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import { containsUuid, sortedIds } from "../../base/sort_ids.ts";
import { uuidFromText } from "../../base/uuid.ts";
import type { Registry } from "../../butler/registry/registry.ts";
import { parseTaskMetadata } from "../../provenance/documents/task_metadata.ts";
import { readWholeFile, ReusableBuffer } from "../../storage/file_source.ts";

/** Files that are read; of more, every n-th. */
const MAX_FILES = 10_000;

/** A sample of original files. */
export class AggregatedQuanta {
  readonly #step: number;
  readonly #buffer = new ReusableBuffer();
  readonly #outputs: Uint8Array[] = [];
  #n = 0;

  /** @param nFiles how many files there are. */
  constructor(nFiles: number) {
    this.#step = Math.ceil(nFiles / MAX_FILES);
  }

  /** Reads a file, if it is one of the sample; what is no metadata says nothing. */
  sample(path: string): void {
    if (!this.isNextSampled()) return;
    try {
      this.see(readWholeFile(path, this.#buffer)?.bytes ?? null);
    } catch (error) {
      // Unreadable: others tell.
      if (!(error instanceof ProvgraphError)) throw error;
    }
  }

  /** Whether the next file is one of the sample. */
  isNextSampled(): boolean {
    return this.#n++ % this.#step === 0;
  }

  /** Takes the content of a file of the sample; what is no metadata says nothing. */
  see(bytes: Uint8Array | null): void {
    if (bytes === null) return;
    try {
      const outputs = parseTaskMetadata(bytes, "").quantum?.outputs ?? [];
      // Of each quantum one: they are registered together.
      if (outputs.length > 0) this.#outputs.push(uuidFromText(outputs[0]));
    } catch (error) {
      // No metadata of any task: others tell.
      if (!(error instanceof SyntaxError || error instanceof ProvgraphError)) throw error;
    }
  }

  /** Whether outputs are known, and all are registered in the RUN. */
  async areRegistered(registry: Registry, run: string): Promise<boolean> {
    if (this.#outputs.length === 0) return false;
    const ids = sortedIds(await registry.datasetIds(run));
    return this.#outputs.every((id) => containsUuid(ids, id));
  }
}
