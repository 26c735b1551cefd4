/**
 * Where a repository keeps what a quantum left behind.
 *
 * @module
 */

import type { ByteSource } from "../../storage/byte_source.ts";
import type { RecordedFile } from "../../butler/datastore/recorded_file.ts";
import type { StoredAs } from "../../provenance/documents/document_forms.ts";
import type { DataIdValue } from "../../butler/dimensions/data_id_value.ts";

/** A task and, but for configs, the quantum that is meant. */
export interface Target {
  run: string;
  label: string;
  required: DataIdValue[];
}

/** A file, or a member of one, that holds a dataset, and how it is to be read. */
export interface FilePlace extends RecordedFile, StoredAs {
  readonly kind: "file";
}

/** Where the stored form of a dataset is. */
export type Place =
  | FilePlace
  | { kind: "graph"; id: Uint8Array; path: string }
  | { kind: "none" };

/** Files at places, on local disks or in remote stores. */
export interface PlacedFiles extends Disposable {
  /** Whether a file is there. */
  has(path: string): Promise<boolean>;
  /** Content of a file, or of a member of one; null if it is absent. */
  read(file: RecordedFile): Promise<Uint8Array | null>;
  /** A file by ranges. */
  open(path: string): Promise<ByteSource>;
}
