/** Graphs taken apart and put together again with damage. */

import { concatBytes, readBigEndian } from "../../../lib/base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../../lib/base/json_text.ts";
import { UUID_SIZE, uuidToText } from "../../../lib/base/uuid.ts";
import { type CheckedFile, checkFile } from "../../../lib/check/file/file.ts";
import { Findings } from "../../../lib/check/findings.ts";
import {
  addressFile,
  block,
  buildZip,
  loadZstd,
  type TestMember,
  type TestRow,
  withFile,
  zipMembers,
} from "../../qg/support.ts";

const INT_SIZE = 8;

/** Columns of `nodes.addr`. */
const COLUMNS = ["datasets.mb", "quanta.mb", "logs.mb", "metadata.mb"];

/** A row of an address file: its id, and the number of its block in each column. */
export interface EditedRow {
  id: string;
  blocks: (number | null)[];
}

/** A graph of the reference as texts: without dictionary, `int_size` 8. */
export class EditedGraph {
  /** Single documents by member. */
  readonly documents: Map<string, string>;
  /** Blocks of each multi-block member, in order. Bytes instead of text go in as they are. */
  readonly blocks: Map<string, (string | Uint8Array)[]>;
  /** Rows of the address file. */
  readonly rows: EditedRow[];
  readonly #columns: readonly string[];
  readonly #addressMember: string;
  readonly #names: string[];
  readonly #compress: (text: string) => Uint8Array;

  private constructor(
    names: string[],
    documents: Map<string, string>,
    blocks: Map<string, (string | Uint8Array)[]>,
    rows: EditedRow[],
    addressMember: string,
    columns: readonly string[],
    compress: (text: string) => Uint8Array,
  ) {
    this.#names = names;
    this.documents = documents;
    this.blocks = blocks;
    this.rows = rows;
    this.#addressMember = addressMember;
    this.#columns = columns;
    this.#compress = compress;
  }

  /** Takes a file apart. */
  static async read(path: string): Promise<EditedGraph> {
    const zstd = await loadZstd();
    const decompressor = zstd.decompressor(null);
    const compressor = zstd.compressor(null, 3);
    const documents = new Map<string, string>();
    const blocks = new Map<string, string[]>();
    const offsets = new Map<string, Map<number, number>>();
    const members = zipMembers(Deno.readFileSync(path));
    for (const { name, data } of members) {
      if (name.endsWith(".json.zst")) {
        documents.set(name, decodeUtf8(decompressor.decompress(data, name)));
      } else if (name.endsWith(".mb")) {
        const texts: string[] = [];
        const places = new Map<number, number>();
        for (let at = 0; at < data.length;) {
          const size = INT_SIZE + readBigEndian(data, at, INT_SIZE);
          places.set(at, texts.length);
          texts.push(decodeUtf8(
            decompressor.decompress(data.subarray(at + INT_SIZE, at + size), name),
          ));
          at += size;
        }
        blocks.set(name, texts);
        offsets.set(name, places);
      }
    }
    const address = members.find(({ name }) => name.endsWith(".addr"))!;
    const columns = address.name === "nodes.addr" ? COLUMNS : ["quantum_datasets.mb"];
    const rows: EditedRow[] = [];
    const rowSize = UUID_SIZE + INT_SIZE * (1 + 2 * columns.length);
    for (let at = 1 + 2 * INT_SIZE; at < address.data.length; at += rowSize) {
      rows.push({
        id: uuidToText(address.data, at),
        blocks: columns.map((column, i) => {
          const from = at + UUID_SIZE + INT_SIZE * (1 + 2 * i);
          if (readBigEndian(address.data, from + INT_SIZE, INT_SIZE) === 0) return null;
          return offsets.get(column)!.get(readBigEndian(address.data, from, INT_SIZE))!;
        }),
      });
    }
    return new EditedGraph(
      members.map(({ name }) => name),
      documents,
      blocks,
      rows,
      address.name,
      columns,
      (text) => compressor.compress(encodeUtf8(text)),
    );
  }

  /** Changes the JSON of a document or block. */
  static json(text: string | Uint8Array, change: (value: Record<string, unknown>) => void): string {
    const value = JSON.parse(text as string);
    change(value);
    return JSON.stringify(value);
  }

  /** The row of an id. */
  row(id: string): EditedRow {
    return this.rows.find((row) => row.id === id)!;
  }

  /** Changes one block. */
  editBlock(member: string, index: number, change: (value: Record<string, unknown>) => void): void {
    const list = this.blocks.get(member)!;
    list[index] = EditedGraph.json(list[index], change);
  }

  /** Members, addresses computed anew. */
  members(): TestMember[] {
    const places = new Map<string, number[][]>();
    const data = new Map<string, Uint8Array>();
    for (const [name, texts] of this.blocks) {
      const frames = texts.map((text) =>
        block(typeof text === "string" ? this.#compress(text) : text, INT_SIZE)
      );
      let at = 0;
      places.set(name, frames.map(({ length }) => [(at += length) - length, length]));
      data.set(name, concatBytes(frames));
    }
    const rows = this.rows.map(({ id, blocks }): TestRow => [
      id,
      ...blocks.flatMap((index, i) =>
        index === null ? [0, 0] : places.get(this.#columns[i])![index] ?? [0, 0]
      ),
    ]);
    data.set(this.#addressMember, addressFile(rows, this.#columns.length, INT_SIZE));
    for (const [name, text] of this.documents) data.set(name, this.#compress(text));
    return this.#names.map((name) => ({ name, data: data.get(name) ?? new Uint8Array(0) }));
  }

  /** The file. */
  build(): Uint8Array<ArrayBuffer> {
    return buildZip(this.members());
  }
}

/** What a check of some bytes found. */
export interface CheckResult {
  checked: CheckedFile;
  findings: Findings;
  /** `kind: where: what` of every problem. */
  lines: string[];
  /** Kinds of problems, sorted. */
  kinds: string[];
}

/** Checks bytes as a file called `x.qg`. */
export function checkBytes(bytes: Uint8Array, readData = true): Promise<CheckResult> {
  return withFile(bytes, async (path) => {
    const findings = new Findings();
    const checked = await checkFile({ path, argument: "x.qg", readData }, findings);
    return {
      checked,
      findings,
      lines: findings.problems.map(({ kind, where, what }) => `${kind}: ${where}: ${what}`),
      kinds: [...findings.counts.keys()].sort(),
    };
  });
}
