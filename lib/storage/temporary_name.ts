/**
 * Names for what isn't finished: random, so that no other process has the same one on whichever host or in
 * whichever container, nor a killed one before. They must be created exclusively nevertheless.
 *
 * @module
 */

/** Bytes of randomness: two of a million names are equal once in 10^7 times, and then refused. */
const N_BYTES = 8;

/** A word of 16 hexadecimal digits that nobody else has. */
export function randomWord(): string {
  let word = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(N_BYTES))) {
    word += byte.toString(16).padStart(2, "0");
  }
  return word;
}

/** Where a file is written before it gets its final name: beside it, a new name with each call. */
export function temporaryName(finalPath: string): string {
  return `${finalPath}.tmp-${randomWord()}`;
}

/** Where a lock file is written before it gets its name. */
export function lockDraftName(lockPath: string): string {
  return `${lockPath}.${randomWord()}`;
}

/** What a name says of a file that isn't finished. */
interface UnfinishedName {
  /** Name of the file that it would have become, or whose lock. */
  owner: string;
  /**
   * Whether who writes it keeps the advisory lock on it. Earlier releases named temporary files after
   * their process and kept none.
   */
  keepsAdvisory: boolean;
}

const TEMPORARY = /^(.+)\.tmp-(?:([0-9a-f]{16})|\d{1,10}(?:-blocks)?)$/s;
const LOCK_DRAFT = /^(.+)\.lock\.(?:[0-9a-f]{16}|\d{1,10}-[0-9a-f]{8})$/s;

/** Reads the name of a file, without directories; null if it is none of the names made here. */
export function parseUnfinishedName(name: string): UnfinishedName | null {
  const temporary = TEMPORARY.exec(name);
  if (temporary !== null) {
    return { owner: temporary[1], keepsAdvisory: temporary[2] !== undefined };
  }
  const draft = LOCK_DRAFT.exec(name);
  return draft === null ? null : { owner: draft[1], keepsAdvisory: true };
}
