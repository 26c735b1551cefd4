/**
 * Rebuilds `nodes.addr` of a provenance graph from its blocks: "the index can be rebuilt from the
 * data".
 *
 * Order of effects: a copy beside the file, synced and checked, takes its place by a rename. So there
 * is at any time one whole file under the name, the old one or the new one. Nothing else in it
 * changes, and where the address file keeps its size, neither does the graph: records of a repository
 * hold that size.
 *
 * @module
 */

import { writeLittleEndian } from "../../base/bytes.ts";
import { crc32 } from "../../base/crc32.ts";
import { InvalidQuantumGraphFileError, ProvgraphError } from "../../base/errors.ts";
import {
  NODES_ADDRESS_COLUMNS,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
} from "../../qg/member_names.ts";
import { PASS_READ_SIZE } from "../../qg/multiblock.ts";
import { LockFile } from "../../storage/lock_file.ts";
import { FileSource } from "../../storage/file_source.ts";
import { TemporaryFile } from "../../storage/temporary_file.ts";
import { StoredZipWriter } from "../../codec/zip_writer.ts";
import { Zstd } from "../../codec/zstd.ts";
import { Archive, FileReport, isRebuildable } from "./archive.ts";
import { checkFile } from "./file.ts";
import { Findings } from "../findings.ts";
import { Nodes, refusal } from "./rebuild_nodes.ts";
import { addressFileSize } from "../../qg/address_rows.ts";
import { fileError } from "../../storage/file_errors.ts";

const N_ADDRESSES = NODES_ADDRESS_COLUMNS.length;

/**
 * Rebuilds the address file of a graph.
 *
 * @param path Absolute path.
 * @param argument The path as messages call it.
 * @returns number of its rows.
 * @throws {InvalidQuantumGraphFileError} if the blocks themselves are damaged, or don't say whose they
 *   are; the file is as it was.
 * @throws {EnvironmentError} if it can't be read or written, or another process works on it.
 */
export async function rebuildAddresses(path: string, argument: string): Promise<number> {
  const zstd = await Zstd.load();
  let realPath: string;
  try {
    // What a link leads to is mended, not the link replaced.
    realPath = Deno.realPathSync(path);
  } catch (error) {
    throw fileError("rebuild addresses of", path, error);
  }
  using _lock = LockFile.acquire(realPath);
  using source = FileSource.open(realPath);
  const findings = new Findings(1);
  const archive = await Archive.open(source, zstd, new FileReport(findings, argument));
  const nodes = archive === null ? null : await Nodes.read(archive, argument, findings);
  refuseDamage(findings, argument);
  try {
    using temporary = TemporaryFile.create(realPath);
    await writeCopy(archive!, nodes!, realPath, temporary);
    await verifyCopy(temporary.path, argument);
    temporary.publish();
  } catch (error) {
    throw error instanceof ProvgraphError ? error : fileError("rewrite graph", realPath, error);
  }
  return nodes!.nRows;
}

function refuseDamage(findings: Findings, argument: string): void {
  const [first] = findings.problems;
  if (first === undefined) return;
  throw refusal(argument, `its blocks are damaged: ${first.where}: ${first.what}`);
}

/** Writes the graph with the new address file under a temporary name, synced. */
async function writeCopy(
  archive: Archive,
  nodes: Nodes,
  path: string,
  { path: temporary, file }: TemporaryFile,
): Promise<void> {
  const { members } = archive.zip;
  const intSize = archive.header.int_size;
  const size = addressFileSize(nodes.nRows, N_ADDRESSES, intSize);
  const addresses = members.get(NODES_ADDRESS_MEMBER);
  const oldFences = members.get(NODES_FENCES_MEMBER);
  // Fences are kept where there were some; a graph of the reference gets none.
  const fences = oldFences === undefined ? new Uint8Array(0) : nodes.fences();
  const hasSameLayout = addresses !== undefined && addresses.method === 0 &&
    addresses.size === size &&
    (oldFences === undefined || (oldFences.method === 0 && oldFences.size === fences.length));
  const info = Deno.statSync(path);
  if (hasSameLayout) {
    Deno.copyFileSync(path, temporary);
    const patch = new Patch(file, info.size);
    await patch.member(archive, NODES_ADDRESS_MEMBER, nodes.pieces(intSize));
    if (oldFences !== undefined) await patch.member(archive, NODES_FENCES_MEMBER, [fences]);
  } else {
    await rewrite(archive, nodes, fences, file, temporary);
  }
  file.syncSync();
  // Originals newer than the graph are told by its time, so it must not change.
  if (info.mtime !== null) Deno.utimeSync(temporary, info.mtime, info.mtime);
}

/** Overwrites members of a copy with content of the same size. */
class Patch {
  readonly #file: Deno.FsFile;
  readonly #size: number;

  constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  async member(archive: Archive, name: string, pieces: Iterable<Uint8Array>): Promise<void> {
    let at = await archive.zip.dataOffset(name);
    let crc = 0;
    for (const piece of pieces) {
      crc = crc32(piece, crc);
      this.#write(at, piece);
      at += piece.length;
    }
    const { headerOffset } = archive.zip.members.get(name)!;
    const bytes = new Uint8Array(4);
    writeLittleEndian(bytes, 0, 4, crc);
    this.#write(headerOffset + 14, bytes); // CRC-32 in the local header
    this.#write(await this.#directoryEntry(archive, name) + 16, bytes); // and in the directory
  }

  #write(at: number, bytes: Uint8Array): void {
    this.#file.seekSync(at, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }

  /** Place of a member's entry in the central directory, which lies behind all members. */
  async #directoryEntry(archive: Archive, name: string): Promise<number> {
    let start = 0;
    for (const member of archive.zip.members.values()) {
      start = Math.max(start, await archive.zip.dataOffset(member.name) + member.compressedSize);
    }
    const directory = await archive.source.read(start, this.#size - start);
    const nameBytes = new TextEncoder().encode(name);
    for (let at = 0; at + 46 + nameBytes.length <= directory.length; at++) {
      const isEntry = directory[at] === 0x50 && directory[at + 1] === 0x4b &&
        directory[at + 2] === 1 && directory[at + 3] === 2 &&
        (directory[at + 28] | directory[at + 29] << 8) === nameBytes.length &&
        nameBytes.every((byte, i) => directory[at + 46 + i] === byte);
      if (isEntry) return start + at;
    }
    throw new InvalidQuantumGraphFileError(`Cannot find the directory entry of "${name}"`);
  }
}

/** Writes all members anew, for an address file of another size. */
async function rewrite(
  archive: Archive,
  nodes: Nodes,
  fences: Uint8Array,
  file: Deno.FsFile,
  name: string,
): Promise<void> {
  const { zip } = archive;
  const intSize = archive.header.int_size;
  const replaced = new Set([NODES_ADDRESS_MEMBER, NODES_FENCES_MEMBER]);
  const kept = [...zip.members.values()].filter((member) => !replaced.has(member.name));
  const writer = new StoredZipWriter(file, [
    ...kept.map((member) => ({ name: member.name, size: member.size })),
    { name: NODES_ADDRESS_MEMBER, size: addressFileSize(nodes.nRows, N_ADDRESSES, intSize) },
    ...(fences.length === 0 ? [] : [{ name: NODES_FENCES_MEMBER, size: fences.length }]),
  ], name);
  for (const member of kept) {
    if (member.method !== 0) {
      writer.write(member.name, await zip.readMember(member.name));
      continue;
    }
    // Damage elsewhere must not get a new, right checksum.
    await zip.checkMember(member.name);
    const source = await zip.memberSource(member.name);
    for (let at = 0; at < source.size; at += PASS_READ_SIZE) {
      writer.write(
        member.name,
        await source.read(at, Math.min(PASS_READ_SIZE, source.size - at)),
      );
    }
  }
  for (const piece of nodes.pieces(intSize)) writer.write(NODES_ADDRESS_MEMBER, piece);
  if (fences.length > 0) writer.write(NODES_FENCES_MEMBER, fences);
  writer.finish();
}

/** The copy must be free of what rebuilding mends. */
async function verifyCopy(path: string, argument: string): Promise<void> {
  const findings = new Findings(1);
  await checkFile({ path, argument, readData: false }, findings);
  const left = findings.problems.find(({ kind }) => isRebuildable(kind));
  if (left !== undefined) throw refusal(argument, `${left.where}: ${left.what}`);
}
