/**
 * What says that nobody has touched the blocks of a provenance graph since they were checked: a member of
 * our own with the checksums that the multi-block members had then. Whoever replaces a block with another
 * tool gives the member a new checksum in the archive's directory, but not here.
 *
 * Source: `schema/quantum-graph.md`, section 4.4.
 *
 * @module
 */

import { encodeUtf8, parseJson } from "../base/json_text.ts";
import { NODES_ADDRESS_COLUMNS } from "./member_names.ts";

/** Size and CRC-32 of a member. */
interface MemberSeal {
  size: number;
  crc32: number;
}

/** Bytes of the member, whatever is in it: the archive is laid out before checksums are known. */
export const CHECKED_BLOCKS_SIZE = 512;

/** Largest member that is read. */
const MAX_SIZE = 4096;

/**
 * Text of the member.
 *
 * @param sealOf gives each of the multi-block members as it was written.
 */
export function checkedBlocksText(sealOf: (name: string) => MemberSeal): Uint8Array<ArrayBuffer> {
  const seals = Object.fromEntries(NODES_ADDRESS_COLUMNS.map((name) => {
    const { size, crc32 } = sealOf(name);
    return [name, { size, crc32 }];
  }));
  return encodeUtf8(JSON.stringify(seals).padEnd(CHECKED_BLOCKS_SIZE));
}

/**
 * Whether the member's text says the same of all multi-block members as the archive does.
 *
 * @param sealOf gives each of them as the archive has it, undefined if it has none.
 */
export function isCheckedAsWritten(
  text: Uint8Array,
  sealOf: (name: string) => MemberSeal | undefined,
): boolean {
  if (text.length > MAX_SIZE) return false;
  let seals: unknown;
  try {
    seals = parseJson(text);
  } catch {
    return false;
  }
  return NODES_ADDRESS_COLUMNS.every((name) => {
    const found = sealOf(name);
    const written = (seals as Record<string, Partial<MemberSeal> | undefined> | null)?.[name];
    return found !== undefined && written?.size === found.size && written.crc32 === found.crc32;
  });
}
