/** Columns in typed arrays are those that the package reads, however it wrote them. */

import assert from "node:assert/strict";
import { parquetMetadata } from "hyparquet";
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import { PARQUET } from "../../../lib/codec/parquet_package.ts";
import {
  type ColumnForm,
  type ColumnValues,
  decodeColumn,
  valuesOf,
} from "../../../lib/provenance/table/column_values.ts";
import type { TableType } from "../../../lib/provenance/table/table_type.ts";

const N_ROWS = 2000;
const ELEMENTS = {
  id: { type: "FIXED_LEN_BYTE_ARRAY", type_length: 16, logical_type: { type: "UUID" } },
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  int32: { type: "INT32" },
  int64: { type: "INT64" },
  double: { type: "DOUBLE" },
  time: { type: "INT64" },
} as const;

/** The bytes of a column of one group. */
function written(
  type: TableType,
  isNullable: boolean,
  data: unknown[],
  encoding: ColumnSource["encoding"],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(1 << 16);
  const repetition_type = isNullable ? "OPTIONAL" : "REQUIRED";
  const parquet = new ParquetWriter({
    writer: Object.assign(writer, { flush: () => {} }),
    schema: [{ name: "t", num_children: 1 }, { name: "c", repetition_type, ...ELEMENTS[type] }],
    codec: "UNCOMPRESSED",
    statistics: false,
  });
  const column = { name: "c", data, ...(encoding === undefined ? {} : { encoding }) };
  parquet.write({ columnData: [column], rowGroupSize: data.length, pageSize: 2 ** 30 });
  parquet.finish();
  const bytes = new Uint8Array(writer.getBytes());
  const { meta_data } = parquetMetadata(bytes.buffer).row_groups[0].columns[0];
  const start = Number(meta_data!.dictionary_page_offset ?? meta_data!.data_page_offset);
  return bytes.slice(start, start + Number(meta_data!.total_compressed_size));
}

/** Values one by one: ids as hexadecimal digits. */
function listed(column: ColumnValues): unknown[] {
  switch (column.kind) {
    case "coded":
      return Array.from(column.codes, (code) => column.values[code]);
    case "numbers":
      return Array.from(column.numbers, (value) => Number.isNaN(value) ? null : value);
    case "ids":
      return Array.from(
        column.at,
        (at) => at < 0 ? null : column.bytes.subarray(at, at + 16).toHex(),
      );
  }
}

const id = (i: number) => Uint8Array.from({ length: 16 }, (_, k) => i * 31 + k * k & 255);
const COLUMNS: [
  name: string,
  type: TableType,
  encoding: ColumnSource["encoding"],
  value: (i: number) => unknown,
][] = [
  ["few texts", "string", undefined, (i) => ["isr", "warp", "", "é🔭"][i % 4]],
  ["one text", "string", undefined, () => "FAILED"],
  ["runs among others", "string", undefined, (i) => i % 300 < 250 ? "isr" : `warp${i % 77}`],
  ["a thousand texts", "string", undefined, (i) => `visit ${(i >> 1) * 7}`],
  ["texts that all differ", "string", "PLAIN", (i) => `message ${i}`],
  ["few integers", "int64", undefined, (i) => BigInt(i % 7)],
  ["integers that all differ", "int64", "PLAIN", (i) => BigInt(i) * 1_000_003n - 5n],
  ["long and negative integers", "int64", "PLAIN", (i) => (i % 2 === 0 ? 1n : -1n) * 2n ** 62n],
  ["integers at the edge", "int64", "PLAIN", (i) => 2n ** 53n - 2n + BigInt(i % 4)],
  ["integers just below the edge", "int64", undefined, (i) => -(2n ** 53n) + BigInt(i % 3)],
  ["differences", "int32", "DELTA_BINARY_PACKED", (i) => i * i % 1000 - 300],
  ["growing numbers", "int32", "DELTA_BINARY_PACKED", (i) => i * 3 - 2000],
  ["equal numbers", "int32", "DELTA_BINARY_PACKED", () => 1],
  ["plain integers", "int32", "PLAIN", (i) => 1 - i],
  ["doubles", "double", "PLAIN", (i) => i / 3],
  ["times", "time", "PLAIN", (i) => BigInt(i - 3) * 1_784_124_000_000_001n],
  ["ids", "id", "PLAIN", id],
];
const NULLS: [name: string, isNull: ((i: number) => boolean) | null][] = [
  ["that are never null", null],
  ["without a null", () => false],
  ["with a few", (i) => i % 13 === 5],
  ["with nearly all null", (i) => i !== 700],
  ["that are all null", () => true],
];

for (const [name, type, encoding, value] of COLUMNS) {
  for (const [nulls, isNull] of NULLS) {
    Deno.test(`a column of ${name}, ${nulls}`, () => {
      const data = Array.from({ length: N_ROWS }, (_, i) => isNull?.(i) ? null : value(i));
      const form: ColumnForm = { name: "c", type, isNullable: isNull !== null, nRows: N_ROWS };
      const bytes = written(type, form.isNullable, data, encoding);
      const found = decodeColumn(PARQUET, bytes, form);
      const wanted = data.map((each) =>
        each instanceof Uint8Array
          ? each.toHex()
          : typeof each === "bigint" && Number.isSafeInteger(Number(each))
          ? Number(each)
          : typeof each === "bigint" && type === "time"
          ? Number(each)
          : each
      );
      assert.ok(found !== null);
      assert.deepEqual(listed(found), wanted);
      const plain = valuesOf(data, type);
      assert.equal(plain.kind, found.kind);
      assert.deepEqual(listed(plain), wanted);
    });
  }
}

for (const cut of [1, 40, 900]) {
  Deno.test(`a column that lacks its last ${cut} bytes is damaged`, () => {
    const data = Array.from({ length: N_ROWS }, (_, i) => i / 7);
    const bytes = written("double", false, data, "PLAIN");
    const form: ColumnForm = { name: "c", type: "double", isNullable: false, nRows: N_ROWS };
    assert.throws(() => decodeColumn(PARQUET, bytes.subarray(0, bytes.length - cut), form));
  });
}

for (const encoding of [undefined, "DELTA_BINARY_PACKED"] as const) {
  Deno.test(`a column that lacks its last bytes is damaged, encoding ${encoding ?? "RLE"}`, () => {
    const type = encoding === undefined ? "int64" : "int32";
    const value = (i: number) => i % 5 === 0 ? 1 : 2;
    const data = Array.from(
      { length: N_ROWS },
      (_, i) => type === "int64" ? BigInt(value(i)) : value(i),
    );
    const bytes = written(type, false, data, encoding);
    const form: ColumnForm = { name: "c", type, isNullable: false, nRows: N_ROWS };
    assert.notEqual(decodeColumn(PARQUET, bytes, form), null);
    assert.throws(() => decodeColumn(PARQUET, bytes.subarray(0, bytes.length - 40), form));
  });
}

Deno.test("differences of more bits than ours are left to the package", () => {
  const data = Array.from({ length: N_ROWS }, (_, i) => [0, 2 ** 30, 5, -3][i % 4]);
  const bytes = written("int32", false, data, "DELTA_BINARY_PACKED");
  const form: ColumnForm = { name: "c", type: "int32", isNullable: false, nRows: N_ROWS };
  assert.equal(decodeColumn(PARQUET, bytes, form), null);
});
