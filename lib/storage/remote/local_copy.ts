/**
 * Copies of remote files on this machine, for what must be read at any place and often.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { join } from "../../base/paths.ts";
import type { ByteSource } from "../byte_source.ts";
import { fileError } from "../file_errors.ts";
import { makeCopyFolder } from "./copy_folder.ts";

/** Bytes that are copied at once. */
const PIECE_SIZE = 2 ** 25;

/** A copy; disposing of it removes it. */
export type LocalCopy = Disposable & { path: string };

/** The folder for temporary files: `LSST_RESOURCES_TMPDIR`, else `TMPDIR`; undefined for the system's. */
export function temporaryFolder(env: Environment): string | undefined {
  const folder = env.get("LSST_RESOURCES_TMPDIR") ?? env.get("TMPDIR");
  return folder === "" ? undefined : folder;
}

/**
 * Copies a file into a folder for temporary files.
 *
 * @param name of the copy.
 * @throws {EnvironmentError} if it can't be read, or the disk is too small.
 */
export async function copyHere(
  source: ByteSource,
  name: string,
  env: Environment,
): Promise<LocalCopy> {
  using made = new DisposableStack();
  const folder = made.use(makeCopyFolder(temporaryFolder(env)));
  const path = join(folder.path, name);
  await copyInto(path, source);
  const undo = made.move();
  return { path, [Symbol.dispose]: () => undo[Symbol.dispose]() };
}

async function copyInto(path: string, source: ByteSource): Promise<void> {
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (let at = 0; at < source.size; at += PIECE_SIZE) {
    const piece = await source.read(at, Math.min(PIECE_SIZE, source.size - at));
    try {
      for (let done = 0; done < piece.length;) done += file.writeSync(piece.subarray(done));
    } catch (error) {
      throw fileError("write file", path, error);
    }
  }
}
