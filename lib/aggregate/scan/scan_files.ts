/**
 * How a scanner gets at the files of quanta: on disks at once, in remote stores by asking for what it will
 * need. The scan itself is the same code: where it meets a file that hasn't been asked for, it is done once
 * more when that has come.
 *
 * @module
 */

import { hasRegularFile } from "../../storage/file_source.ts";
import type { FileVersion, ReusableBuffer, WholeFile } from "../../storage/file_source.ts";
import type { Turns, WantedFile } from "../../storage/whole_files.ts";
import type { WholeFiles } from "../../storage/whole_files.ts";

/** Whether a file is at a path. @throws {UnusableFileError} if something else is. */
export type LookForFile = (path: string) => boolean;

/** Files of quanta. */
export interface ScanFiles {
  /** Whether what is asked for may not have come yet; see {@linkcode ScanFiles.missing}. */
  readonly mayMiss: boolean;
  /** As `readWholeFile()`. */
  read(path: string, buffer: ReusableBuffer): WholeFile | null;
  /** As `fileIdentity()`. */
  identity(path: string): FileVersion | null;
  readonly exists: LookForFile;
  /** As `WholeFiles.turns()`. */
  turns(n: number, wantedAt: (turn: number) => readonly WantedFile[]): Turns;
  /**
   * What must be awaited because something was asked for that isn't known yet: all answers since the last
   * call may be wrong. Null if they are right.
   */
  missing(): Promise<void> | null;
  /** Whether something was asked for that isn't known yet. */
  readonly isMissing: boolean;
  /** Forgets what was only needed for the quanta before. */
  endBatch(): void;
  close(): void;
}

/** Files on disks. */
export class LocalScanFiles implements ScanFiles {
  readonly mayMiss = false;
  readonly isMissing = false;
  readonly exists: LookForFile = hasRegularFile;
  readonly #files: WholeFiles;

  constructor(files: WholeFiles) {
    this.#files = files;
  }

  read(path: string, buffer: ReusableBuffer): WholeFile | null {
    return this.#files.read(path, buffer);
  }

  identity(path: string): FileVersion | null {
    return this.#files.identity(path);
  }

  turns(n: number, wantedAt: (turn: number) => readonly WantedFile[]): Turns {
    return this.#files.turns(n, wantedAt);
  }

  missing(): null {
    return null;
  }

  endBatch(): void {}
  close(): void {}
}

/** Does something until all that it has asked for was known. It must have no effects before that. */
export async function untilKnown<T>(files: ScanFiles, work: () => T): Promise<T> {
  for (;;) {
    let failure: { error: unknown } | null = null;
    let result: T | undefined;
    try {
      result = work();
    } catch (error) {
      failure = { error };
    }
    const missing = files.missing();
    if (missing !== null) {
      await missing;
      continue;
    }
    if (failure !== null) throw failure.error;
    return result as T;
  }
}
