/**
 * Checks a provenance graph. The structure: members, checksums, blocks, addresses, counts. With the
 * data read: every block, and that datasets, quanta, logs and metadata say the same of each other.
 * Source: `schema/quantum-graph.md`, sections 1 to 8.
 *
 * Memory without the data: 12 bytes a block, 16 for logs and metadata. With them 52 bytes a row more.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";
import { compareUuids, UUID_SIZE } from "../../base/uuid.ts";
import {
  DATASETS_MEMBER,
  INIT_QUANTA_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  NODES_ADDRESS_COLUMNS,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
  PACKAGES_MEMBER,
  PIPELINE_GRAPH_MEMBER,
  QUANTA_MEMBER,
} from "../../qg/member_names.ts";
import { PipelineGraph } from "../../qg/pipeline_graph.ts";
import { fenceRow } from "../../qg/range_plan.ts";
import {
  type AddressColumn,
  addressColumn,
  type AddressRows,
  checkAddresses,
  type Filing,
} from "./addresses.ts";
import { type Archive, checkChecksum, type FileReport } from "./archive.ts";
import { DataCheck, readInitQuanta } from "./provenance_data.ts";

/** Numbers of what was checked. */
interface ProvenanceCounts {
  nQuanta: number;
  nDatasets: number;
  nLogs: number;
  nMetadata: number;
}

/** Checks an opened provenance graph and reports every problem. */
export async function checkProvenance(
  archive: Archive,
  report: FileReport,
  readData: boolean,
): Promise<ProvenanceCounts> {
  const { zip } = archive;
  archive.requireMembers(
    [PIPELINE_GRAPH_MEMBER, PACKAGES_MEMBER, INIT_QUANTA_MEMBER, ...NODES_ADDRESS_COLUMNS],
    report,
  );
  archive.requireMembers([NODES_ADDRESS_MEMBER], report, true);
  const pipeline = await archive.document(
    PIPELINE_GRAPH_MEMBER,
    report,
    (text) => PipelineGraph.parse(text, PIPELINE_GRAPH_MEMBER),
  );
  const columns: (AddressColumn | null)[] = [];
  for (const name of NODES_ADDRESS_COLUMNS) {
    const table = await archive.multiblock(name, report);
    columns.push(table === null ? null : addressColumn(table, filingOf(name, pipeline)));
  }
  for (const name of zip.members.keys()) {
    if ((NODES_ADDRESS_COLUMNS as readonly string[]).includes(name)) continue;
    const isRebuildable = name === NODES_ADDRESS_MEMBER || name === NODES_FENCES_MEMBER;
    await checkChecksum(zip, name, report, isRebuildable);
  }
  await archive.document(PACKAGES_MEMBER, report, requireStrings);
  const initQuanta = await archive.document(INIT_QUANTA_MEMBER, report, readInitQuanta);

  const fences = await readFences(archive, report);
  const rows = await checkAddresses({
    archive,
    member: NODES_ADDRESS_MEMBER,
    columns,
    keepIds: readData,
    onRow: fences === null ? undefined : (row, id) => fences.check(row, id),
  }, report);
  fences?.finish(rows?.nRows ?? 0, report);

  const n = (i: number) => columns[i]?.table.nBlocks ?? 0;
  checkCounts(archive, rows, n(0), n(1), report);
  if (readData) {
    const data = new DataCheck(archive, report, columns, rows, { pipeline, initQuanta });
    await data.run();
  }
  return { nDatasets: n(0), nQuanta: n(1), nLogs: n(2), nMetadata: n(3) };
}

function filingOf(member: string, pipeline: PipelineGraph | null): Filing {
  if (member === METADATA_MEMBER) return "quantum and dataset";
  if (member !== LOGS_MEMBER) return "one id";
  const haveLogs = pipeline !== null &&
    [...pipeline.tasks.values()].every((task) => task.logDatasetType !== null);
  return haveLogs ? "quantum and dataset" : "quantum and perhaps dataset";
}

/** Counts of blocks against the header; rows are compared with blocks one by one elsewhere. */
function checkCounts(
  { header }: Archive,
  rows: AddressRows | null,
  nDatasets: number,
  nQuanta: number,
  report: FileReport,
): void {
  if (nQuanta !== header.n_quanta) {
    report.add(
      "count",
      QUANTA_MEMBER,
      `it has ${nQuanta} blocks, the header says ${header.n_quanta} quanta`,
    );
  }
  // The header counts the packages dataset, which has no block.
  const expected = header.n_datasets;
  if (nDatasets !== expected && nDatasets !== expected - 1) {
    report.add(
      "count",
      DATASETS_MEMBER,
      `it has ${nDatasets} blocks, the header says ${expected} datasets`,
    );
  }
  if (rows !== null && rows.nRows !== nDatasets + nQuanta) {
    report.add(
      "count",
      NODES_ADDRESS_MEMBER,
      `it has ${rows.nRows} rows for ${nDatasets} datasets and ${nQuanta} quanta`,
      true,
    );
  }
}

function requireStrings(text: Uint8Array): void {
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) cursor.readString();
  cursor.finish();
}

/** Ids of evenly spaced rows, compared as the rows come. */
class FenceCheck {
  readonly #fences: Uint8Array;
  readonly #nRows: number;
  #next = 0;
  #nWrong = 0;

  constructor(fences: Uint8Array, nRows: number) {
    this.#fences = fences;
    this.#nRows = nRows;
  }

  check(row: number, id: Uint8Array): void {
    const nFences = this.#fences.length / UUID_SIZE;
    while (this.#next < nFences && fenceRow(this.#next, nFences, this.#nRows) === row) {
      if (compareUuids(this.#fences, this.#next++ * UUID_SIZE, id, 0) !== 0) this.#nWrong++;
    }
  }

  finish(nRows: number, report: FileReport): void {
    const nFences = this.#fences.length / UUID_SIZE;
    if (nRows !== this.#nRows || this.#nWrong === 0) return;
    report.add(
      "fences",
      NODES_FENCES_MEMBER,
      `${this.#nWrong} of ${nFences} fences aren't the ids of their rows`,
    );
  }
}

async function readFences(archive: Archive, report: FileReport): Promise<FenceCheck | null> {
  const fences = archive.zip.members.get(NODES_FENCES_MEMBER);
  const addresses = archive.zip.members.get(NODES_ADDRESS_MEMBER);
  if (fences === undefined || addresses === undefined) return null;
  if (fences.size === 0 || fences.size % UUID_SIZE !== 0 || fences.size > 2 ** 20) {
    report.add("fences", NODES_FENCES_MEMBER, `it has ${fences.size} bytes`);
    return null;
  }
  try {
    const intSize = archive.header.int_size;
    const rowSize = UUID_SIZE + intSize * (1 + 2 * NODES_ADDRESS_COLUMNS.length);
    const nRows = Math.floor((addresses.size - 1 - 2 * intSize) / rowSize);
    const bytes = await archive.zip.readMember(NODES_FENCES_MEMBER, { checkCrc: false });
    return new FenceCheck(bytes, nRows);
  } catch (error) {
    report.addError("fences", NODES_FENCES_MEMBER, error);
    return null;
  }
}
