/**
 * Damaged graph files, for tests that read them.
 *
 * @module
 */

import type { Zstd } from "../../lib/codec/zstd.ts";
import { block, buildZip, type TestMember } from "../qg/support.ts";
import { mutate, mutateJson } from "./mutate.ts";
import type { Random } from "./random.ts";

/**
 * A damaged graph file: blindly, which checksums nearly always find; or one of its members, with the
 * checksums made right; or the JSON text in a member.
 */
export function damagedGraph(
  members: readonly TestMember[],
  zstd: Zstd,
  random: Random,
): Uint8Array {
  const way = random.next();
  if (way < 0.2) return mutate(buildZip(members), random);
  const names = members.filter(({ data }) => data.length > 0).map(({ name }) => name);
  const name = random.pick(names);
  const dictionary = members.find((member) => member.name === "compression_dict")?.data ?? null;
  const decompressor = zstd.decompressor(dictionary);
  const compressor = zstd.compressor(dictionary, 1);
  const change = (data: Uint8Array): Uint8Array => {
    const isText = name.endsWith(".zst") || name.endsWith(".mb");
    if (way < 0.4 || !isText) return mutate(data, random);
    const recompress = (frame: Uint8Array): Uint8Array => {
      const text = decompressor.decompress(frame, name);
      return compressor.compress((random.next() < 0.5 ? mutateJson : mutate)(text, random));
    };
    if (name.endsWith(".zst")) return recompress(data);
    // The first block gets other bytes and, most likely, another length; the addresses stay.
    const size = Number(new DataView(data.buffer, data.byteOffset).getBigUint64(0));
    const rest = data.subarray(8 + size);
    const changed = block(recompress(data.subarray(8, 8 + size)), 8);
    const result = new Uint8Array(changed.length + rest.length);
    result.set(changed);
    result.set(rest, changed.length);
    return result;
  };
  return buildZip(
    members.map((member) => member.name === name ? { name, data: change(member.data) } : member),
  );
}
