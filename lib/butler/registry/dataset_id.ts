/**
 * Dataset IDs as databases have them: SQLite as 32 digits, PostgreSQL with dashes.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import { uuidFromText, uuidToHex, writeUuidText } from "../../base/uuid.ts";

/** 32 digits of a dataset ID. */
export function hexOf(idText: string): string {
  return idText.length === 32 ? idText : uuidToHex(uuidFromText(idText));
}

/**
 * Writes 16 bytes of a dataset ID at `at`.
 *
 * @param registry How messages name the registry.
 * @throws {RepositoryError} if the text is none.
 */
export function packDatasetId(
  idText: string,
  target: Uint8Array,
  at: number,
  registry: string,
): void {
  if (writeUuidText(idText, target, at)) return;
  throw new RepositoryError(`Cannot read registry "${registry}": "${idText}" is no dataset ID`);
}
