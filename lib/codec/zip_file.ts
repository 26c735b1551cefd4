/**
 * One member of a ZIP file, read whole.
 *
 * @module
 */

import { inflateRaw } from "./inflate.ts";
import { FileSource } from "../storage/file_source.ts";
import { ZipReader } from "./zip_reader.ts";

/**
 * Content of a member; null if the archive has none of that name.
 *
 * @param maxSize Largest content accepted, in bytes.
 * @throws {NotFoundError} if there is no such file.
 * @throws {InvalidQuantumGraphFileError} if it isn't a ZIP file, or the member is damaged or too large.
 */
export async function readZipMember(
  path: string,
  name: string,
  maxSize: number,
): Promise<Uint8Array | null> {
  using source = FileSource.open(path);
  const zip = await ZipReader.open(source, inflateRaw);
  return zip.members.has(name) ? await zip.readMember(name, { maxSize }) : null;
}
