/** Graphs with one document that can't be read, and the commands that read it. */

import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { buildZip, loadZstd, type TestMember, zipMembers } from "../qg/support.ts";

/** What is wrong with a document, as what takes the place of its frame. */
export const DAMAGES: Record<string, (compress: (text: string) => Uint8Array) => Uint8Array> = {
  "is empty": () => new Uint8Array(0),
  "is no frame": () => encodeUtf8("no frame at all"),
  "is no JSON": (compress) => compress('{"quantum_id": '),
  "is null": (compress) => compress("null"),
  "is an empty object": (compress) => compress("{}"),
  "is an array of empty objects": (compress) => compress("[{}]"),
  "is nested too deeply": (compress) => compress("[".repeat(100_000)),
};

/** A graph with one member replaced. */
export async function withDocument(
  path: string,
  member: string,
  damage: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const compressor = (await loadZstd()).compressor(null, 3);
  const data = DAMAGES[damage]((text) => compressor.compress(encodeUtf8(text)));
  const members: TestMember[] = zipMembers(Deno.readFileSync(path)).map((one) =>
    one.name === member ? { name: one.name, data } : { name: one.name, data: one.data }
  );
  return buildZip(members);
}
