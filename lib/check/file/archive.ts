/**
 * The container of a quantum graph file under examination: members, checksums, and where each block
 * of a multi-block member begins. Goes on after damage.
 *
 * @module
 */

import { lowerBound } from "../../base/sort_ids.ts";
import { crc32 } from "../../base/crc32.ts";
import { ProvgraphError } from "../../base/errors.ts";
import { JsonCursor } from "../../base/json_text.ts";
import type { ZstdDecompressor } from "../../codec/codecs.ts";
import { ZipReader } from "../../codec/zip_reader.ts";
import type { Zstd } from "../../codec/zstd.ts";
import { documentLimit } from "../../qg/document_limits.ts";
import { decodeHeader, MAX_HEADER_SIZE, readDictionary } from "../../qg/graph_file.ts";
import { parseHeader, type QuantumGraphHeader } from "../../qg/header.ts";
import { HEADER_MEMBER } from "../../qg/member_names.ts";
import { MultiblockPass, PASS_READ_SIZE } from "../../qg/multiblock.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import { type Advice, fileAdvice } from "../advice.ts";
import type { FileProblemKind, Findings, ProblemKind } from "../findings.ts";

/** Kinds of problems that writing a new address file can mend. */
const REBUILDABLE: ReadonlySet<ProblemKind> = new Set<FileProblemKind>([
  "address-header",
  "address-order",
  "address-index",
  "address-range",
  "address-target",
  "empty-row",
  "orphan-block",
  "shared-block",
  "unfiled-block",
  "fences",
  "misfiled-block",
]);

/** Whether writing a new address file can mend a kind of problem. */
export function isRebuildable(kind: ProblemKind): boolean {
  return REBUILDABLE.has(kind);
}

/** What a check of a file reports to, and what it advises. */
export class FileReport {
  readonly findings: Findings;
  /** The file as the user wrote it. */
  readonly argument: string;
  /** Whether addresses can be rebuilt: only those of provenance graphs. */
  canRebuild = false;
  /** What to do about damage that can't be mended. */
  replacement: Advice;

  constructor(findings: Findings, argument: string) {
    this.findings = findings;
    this.argument = argument;
    this.replacement = fileAdvice.restore(argument);
  }

  /**
   * Adds a problem.
   *
   * @param place member and place in it; empty for the file as a whole.
   * @param canMend overrides what the kind says.
   */
  add(kind: FileProblemKind, place: string, what: string, canMend = isRebuildable(kind)): void {
    if (!this.findings.count(kind)) return;
    const isRepairable = this.canRebuild && canMend;
    this.findings.list({
      kind,
      where: place === "" ? this.argument : `${this.argument}: ${place}`,
      what,
      advice: isRepairable ? fileAdvice.repair(this.argument) : this.replacement,
      isRepairable,
    });
  }

  /** Adds a problem that was thrown; errors of the machine are thrown again. */
  addError(kind: FileProblemKind, place: string, error: unknown, canMend?: boolean): void {
    this.add(kind, place, describeDamage(error), canMend);
  }
}

/**
 * What an error says about damaged content.
 *
 * @throws the error itself, if it isn't about content (an I/O error, a bug).
 */
export function describeDamage(error: unknown): string {
  const isDamage = error instanceof SyntaxError || error instanceof RangeError ||
    (error instanceof ProvgraphError && error.exitCode === 2);
  if (!isDamage) throw error;
  // "Cannot read X: state" loses nothing by its first half: the place is told anyway.
  return error.message.replace(/^Cannot [^"]*"[^"]*"(?: of "[^"]*")?: /, "");
}

/** Where the blocks of a multi-block member begin. Memory: 8 bytes a block. */
export interface BlockTable {
  member: string;
  /** Offsets of the blocks, ascending, and then the end of the last one. */
  offsets: Float64Array;
  nBlocks: number;
  /** Whether the blocks fill the member: false if the framing is damaged behind them. */
  isWhole: boolean;
}

/** Number of the block that begins at an offset, or -1. */
export function findBlock({ offsets, nBlocks }: BlockTable, offset: number): number {
  const at = lowerBound(nBlocks, (block) => offsets[block] < offset);
  return at < nBlocks && offsets[at] === offset ? at : -1;
}

/** An opened file. */
export class Archive {
  readonly source: ByteSource;
  readonly zip: ZipReader;
  readonly decompressor: ZstdDecompressor;
  readonly headerText: Uint8Array;
  readonly header: QuantumGraphHeader;

  private constructor(
    source: ByteSource,
    zip: ZipReader,
    decompressor: ZstdDecompressor,
    headerText: Uint8Array,
    header: QuantumGraphHeader,
  ) {
    this.source = source;
    this.zip = zip;
    this.decompressor = decompressor;
    this.headerText = headerText;
    this.header = header;
  }

  /**
   * Opens a graph of either type. The source stays the caller's.
   *
   * @returns null, the problem reported, if directory, dictionary or header can't be read.
   * @throws {RefusedError} for a newer format.
   */
  static async open(source: ByteSource, zstd: Zstd, report: FileReport): Promise<Archive | null> {
    let zip: ZipReader;
    try {
      zip = await ZipReader.open(source, zstd.inflate);
    } catch (error) {
      report.addError("damaged-archive", "", error);
      return null;
    }
    let headerText: Uint8Array;
    let decompressor: ZstdDecompressor;
    let header: QuantumGraphHeader;
    try {
      ({ decompressor } = await readDictionary(zip, source.name, zstd));
      const frame = await zip.readMember(HEADER_MEMBER, { maxSize: MAX_HEADER_SIZE });
      headerText = decodeHeader(frame, source.name, decompressor);
      header = parseHeader(headerText, source.name, "any");
    } catch (error) {
      if (error instanceof ProvgraphError && error.name === "RefusedError") throw error;
      report.addError("damaged-document", HEADER_MEMBER, error);
      // Without the header nothing is known of the blocks, but checksums say what else is damaged.
      for (const name of zip.members.keys()) {
        if (name !== HEADER_MEMBER) await checkChecksum(zip, name, report);
      }
      return null;
    }
    return new Archive(source, zip, decompressor, headerText, header);
  }

  /** Reports each of these members that isn't there; whether all are. */
  requireMembers(names: readonly string[], report: FileReport, isRebuildable = false): boolean {
    let hasAll = true;
    for (const name of names) {
      if (this.zip.members.has(name)) continue;
      report.add("missing-member", name, "it isn't there", isRebuildable);
      hasAll = false;
    }
    return hasAll;
  }

  /** Decodes a single document; null, reported, if that fails. */
  async document<T>(
    name: string,
    report: FileReport,
    parse: (text: Uint8Array) => T,
  ): Promise<T | null> {
    if (!this.zip.members.has(name)) return null;
    try {
      // The checksum is compared for all members alike.
      const limit = documentLimit(name, this.zip.members);
      const frame = await this.zip.readMember(name, { maxSize: 2 * limit, checkCrc: false });
      const what = `"${this.source.name}: ${name}"`;
      return parse(this.decompressor.decompress(frame, what, limit));
    } catch (error) {
      report.addError("damaged-document", name, error);
      return null;
    }
  }

  /**
   * Reads a multi-block member once: its checksum and the places of its blocks.
   *
   * @returns null, reported, if it isn't there or can't be read by range.
   */
  async multiblock(name: string, report: FileReport): Promise<BlockTable | null> {
    if (!this.zip.members.has(name)) return null;
    let member: ByteSource;
    try {
      member = await this.zip.memberSource(name);
    } catch (error) {
      report.addError("damaged-archive", name, error);
      return null;
    }
    const offsets = new OffsetList();
    const pass = new MultiblockPass(member.size, this.header.int_size, member.name, "block");
    let crc = 0;
    let crcEnd = 0;
    let isWhole = true;
    try {
      for (let r = pass.request(); r !== null; r = pass.request()) {
        const bytes = await member.read(r.offset, r.length);
        // A block that a read cut in two is read again with the next.
        if (r.offset + r.length > crcEnd) {
          report.findings.steps.advance("read", r.offset + r.length - crcEnd);
          crc = crc32(bytes.subarray(crcEnd - r.offset), crc);
          crcEnd = r.offset + r.length;
        }
        for (const { offset, size } of pass.feed(bytes)) offsets.push(offset, offset + size);
      }
    } catch (error) {
      isWhole = false;
      report.addError("block-framing", `${name}, byte ${offsets.end}`, error);
    }
    for (; crcEnd < member.size; crcEnd += PASS_READ_SIZE) {
      const length = Math.min(PASS_READ_SIZE, member.size - crcEnd);
      crc = crc32(await member.read(crcEnd, length), crc);
    }
    const expected = this.zip.members.get(name)!.crc32;
    if (crc !== expected) {
      report.add("checksum", name, `CRC-32 is ${hex32(crc)}, expected ${hex32(expected)}`);
    }
    return { member: name, ...offsets.take(), isWhole };
  }

  /**
   * Passes over the blocks of a member and decodes them. What can't be decoded is reported and
   * left out. Memory: one read of 1 MiB or the largest block.
   */
  async *blocks(
    table: BlockTable,
    report: FileReport,
  ): AsyncGenerator<{ block: number; text: Uint8Array }> {
    const { offsets, nBlocks, member } = table;
    report.findings.steps.end("read");
    report.findings.steps.begin("decode", null);
    const source = await this.zip.memberSource(member);
    const intSize = this.header.int_size;
    for (let first = 0; first < nBlocks;) {
      let last = first + 1;
      while (last < nBlocks && offsets[last + 1] - offsets[first] <= PASS_READ_SIZE) last++;
      const bytes = await source.read(offsets[first], offsets[last] - offsets[first]);
      report.findings.steps.advance("decode", bytes.length);
      for (let block = first; block < last; block++) {
        const start = offsets[block] - offsets[first];
        const end = offsets[block + 1] - offsets[first];
        let text: Uint8Array;
        try {
          text = this.decompressor.decompress(
            bytes.subarray(start + intSize, end),
            "block",
            documentLimit(member, this.zip.members),
          );
        } catch (error) {
          report.addError("damaged-block", blockPlace(table, block), error);
          continue;
        }
        yield { block, text };
      }
      first = last;
    }
  }
}

/** Compares the checksum of a member and reports a difference. */
export async function checkChecksum(
  zip: ZipReader,
  name: string,
  report: FileReport,
  isRebuildable = false,
): Promise<void> {
  report.findings.steps.advance("read", zip.members.get(name)?.size ?? 0);
  try {
    await zip.checkMember(name);
  } catch (error) {
    report.addError("checksum", name, error, isRebuildable);
  }
}

/** How messages name a block. */
export function blockPlace({ member, offsets }: BlockTable, block: number): string {
  return `${member}, block at byte ${offsets[block]}`;
}

/** Checks that a text is JSON, without keeping any of it. */
export function requireJson(text: Uint8Array): void {
  const cursor = new JsonCursor(text);
  cursor.skip();
  cursor.finish();
}

/** Growing list of block offsets. */
class OffsetList {
  #offsets = new Float64Array(1024);
  #n = 0;
  /** Behind the last block. */
  end = 0;

  push(offset: number, end: number): void {
    if (this.#n + 1 >= this.#offsets.length) {
      const larger = new Float64Array(this.#offsets.length * 2);
      larger.set(this.#offsets);
      this.#offsets = larger;
    }
    this.#offsets[this.#n++] = offset;
    this.#offsets[this.#n] = end;
    this.end = end;
  }

  take(): { offsets: Float64Array; nBlocks: number } {
    return { offsets: this.#offsets.subarray(0, this.#n + 1), nBlocks: this.#n };
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}
