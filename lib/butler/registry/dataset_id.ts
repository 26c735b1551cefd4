/**
 * Dataset IDs as databases have them: SQLite as 32 digits, PostgreSQL with dashes.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import { UUID_SIZE, uuidFromText, uuidToHex, writeUuidText } from "../../base/uuid.ts";

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

const DIGITS = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const decoder = new TextDecoder();

/**
 * Packed dataset IDs as SQLite registries store them: 32 hexadecimal digits each. All are parts of one
 * text, which takes a quarter of the time of making each by itself.
 */
export function hexIdsOf(ids: Uint8Array): string[] {
  const digits = new Uint8Array(2 * ids.length);
  for (let i = 0; i < ids.length; i++) {
    digits[2 * i] = DIGITS[ids[i] >>> 4];
    digits[2 * i + 1] = DIGITS[ids[i] & 15];
  }
  const text = decoder.decode(digits);
  const hexIds: string[] = [];
  for (let at = 0; at < text.length; at += 2 * UUID_SIZE) {
    hexIds.push(text.slice(at, at + 2 * UUID_SIZE));
  }
  return hexIds;
}
