/**
 * What to say of a log or metadata file that isn't the document it should be.
 *
 * @module
 */

/**
 * The reason why a document can't be used. What power cuts and full disks leave is named as such: an
 * empty file, or bytes whose content the file system has lost and gives back as NUL.
 *
 * @param bytes All of the file.
 * @param error What the parser said.
 */
export function brokenFileReason(bytes: Uint8Array, error: unknown): string {
  if (bytes.length === 0) return "it is empty (0 bytes)";
  let nKept = bytes.length;
  while (nKept > 0 && bytes[nKept - 1] === 0) nKept--;
  if (nKept === 0) {
    return `it holds only NUL bytes, ${bytes.length} of them: the file system lost its content`;
  }
  const reason = error instanceof Error ? error.message : String(error);
  const nLost = bytes.length - nKept;
  if (nLost === 0) return reason;
  return `its last ${nLost} of ${bytes.length} bytes are NUL: the file system lost them (${reason})`;
}
