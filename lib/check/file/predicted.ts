/**
 * Checks a predicted graph: members, checksums, blocks, addresses, counts; with the data read, every
 * block and document. Source: `schema/quantum-graph.md`, sections 1 to 7.
 *
 * @module
 */

import { buildGraphIndex } from "../../qg/predicted/graph_index_build.ts";
import { JsonCursor } from "../../base/json_text.ts";
import { findRow } from "../../base/sort_ids.ts";
import { compareUuids, UUID_SIZE, uuidToHex, uuidToText, writeUuidText } from "../../base/uuid.ts";
import {
  DIMENSION_DATA_MEMBER,
  INIT_QUANTA_MEMBER,
  PIPELINE_GRAPH_MEMBER,
  QUANTA_ADDRESS_MEMBER,
  QUANTUM_DATASETS_MEMBER,
  THIN_GRAPH_MEMBER,
} from "../../qg/member_names.ts";
import { PipelineGraph } from "../../qg/pipeline_graph.ts";
import { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import { QuantumIds, scanQuantumIds } from "../../qg/predicted/predicted_ids.ts";
import { parseInitQuanta } from "../../qg/predicted/predicted_quantum.ts";
import type { Zstd } from "../../codec/zstd.ts";
import {
  type AddressColumn,
  addressColumn,
  type AddressRows,
  checkAddresses,
} from "./addresses.ts";
import {
  type Archive,
  blockPlace,
  checkChecksum,
  describeDamage,
  type FileReport,
  requireJson,
} from "./archive.ts";

/** Checks an opened predicted graph, reports every problem, and says what the graph holds. */
export async function checkPredicted(
  archive: Archive,
  report: FileReport,
  { path, zstd, readData }: { path: string; zstd: Zstd; readData: boolean },
): Promise<string[]> {
  const { zip, header } = archive;
  archive.requireMembers([
    PIPELINE_GRAPH_MEMBER,
    THIN_GRAPH_MEMBER,
    DIMENSION_DATA_MEMBER,
    INIT_QUANTA_MEMBER,
    QUANTUM_DATASETS_MEMBER,
    QUANTA_ADDRESS_MEMBER,
  ], report);
  const table = await archive.multiblock(QUANTUM_DATASETS_MEMBER, report);
  for (const name of zip.members.keys()) {
    if (name !== QUANTUM_DATASETS_MEMBER) await checkChecksum(zip, name, report);
  }
  const pipeline = await archive.document(
    PIPELINE_GRAPH_MEMBER,
    report,
    (text) => PipelineGraph.parse(text, PIPELINE_GRAPH_MEMBER),
  );
  const initQuanta = await archive.document(INIT_QUANTA_MEMBER, report, parseInitQuanta);
  // Version 0 files init quanta as well, without an address.
  const initIds = new Set(
    header.version === 0 ? initQuanta?.map(({ quantumId }) => plainId(quantumId)) : [],
  );
  const column = table === null ? null : addressColumn(table, "one id");
  const rows = await checkAddresses({
    archive,
    member: QUANTA_ADDRESS_MEMBER,
    columns: [column],
    keepIds: readData,
    mayBeEmpty: (id) => initIds.has(uuidToHex(id)),
  }, report);
  const nQuanta = table?.nBlocks ?? 0;
  for (
    const [member, n] of [[QUANTUM_DATASETS_MEMBER, table?.nBlocks], [
      QUANTA_ADDRESS_MEMBER,
      header.version === 0 ? rows?.nPresent[0] : rows?.nRows,
    ]] as const
  ) {
    if (n === undefined || n === header.n_quanta) continue;
    report.add("count", member, `it holds ${n} quanta, the header says ${header.n_quanta}`);
  }
  if (readData) {
    if (column !== null) await checkQuanta(archive, report, column, rows, pipeline);
    await archive.document(DIMENSION_DATA_MEMBER, report, requireJson);
    const ids = rows !== null && rows.isSorted ? rows.ids : null;
    await archive.document(
      THIN_GRAPH_MEMBER,
      report,
      (text) => checkThinGraph(text, header.version === 0 ? null : ids, report),
    );
    if (report.findings.nProblems === 0) await checkDatasetCount(path, zstd, archive, report);
  }
  return [`${nQuanta} quanta`, `${header.n_datasets} datasets`];
}

/** An ID as `uuidToHex()` writes it. */
function plainId(idText: string): string {
  return idText.replaceAll("-", "").toLowerCase();
}

/** Every block: decoded, parsed, filed under its own id, of a task that the pipeline has. */
async function checkQuanta(
  archive: Archive,
  report: FileReport,
  column: AddressColumn,
  rows: AddressRows | null,
  pipeline: PipelineGraph | null,
): Promise<void> {
  const ids = new QuantumIds();
  const nByLabel = new Map<string, number>();
  let nRead = 0;
  for await (const { block, text } of archive.blocks(column.table, report)) {
    const place = blockPlace(column.table, block);
    try {
      scanQuantumIds(text, ids);
    } catch (error) {
      report.add("damaged-block", place, describeDamage(error));
      continue;
    }
    nRead++;
    const label = ids.taskLabel;
    if (!nByLabel.has(label) && pipeline !== null && !pipeline.tasks.has(label)) {
      report.add("unknown-name", place, `the pipeline has no task "${label}"`);
    }
    nByLabel.set(label, (nByLabel.get(label) ?? 0) + 1);
    const row = column.ownerRow[block];
    if (row < 0 || !rows?.ids) continue;
    if (compareUuids(ids.quantumId, 0, rows.ids, row * UUID_SIZE) !== 0) {
      report.add(
        "misfiled-block",
        place,
        `it is of ${uuidToText(ids.quantumId)}, but filed under ` +
          uuidToText(rows.ids, row * UUID_SIZE),
      );
    }
  }
  if (nRead !== archive.header.n_quanta) return;
  const expected = archive.header.n_task_quanta;
  for (const label of new Set([...Object.keys(expected), ...nByLabel.keys()])) {
    const [n, wanted] = [nByLabel.get(label) ?? 0, expected[label] ?? 0];
    if (n === wanted) continue;
    report.add(
      "count",
      QUANTUM_DATASETS_MEMBER,
      `it has ${n} quanta of task "${label}", the header says ${wanted}`,
    );
  }
}

/**
 * The thin graph: JSON throughout, its quanta those of the address file.
 *
 * @param ids packed ids of the address file; null to compare nothing.
 */
function checkThinGraph(text: Uint8Array, ids: Uint8Array | null, report: FileReport): void {
  const id = new Uint8Array(UUID_SIZE);
  let nQuanta = 0;
  const readQuantum = (cursor: JsonCursor) => {
    nQuanta++;
    cursor.beginObject();
    while (cursor.nextMember()) {
      if (cursor.key !== "quantum_id" || ids === null) {
        cursor.skip();
        continue;
      }
      const idText = cursor.readString();
      if (!writeUuidText(idText, id, 0)) cursor.fail(`"${idText.slice(0, 80)}" is no UUID`);
      if (findRow(ids, id) >= 0) continue;
      report.add(
        "count",
        THIN_GRAPH_MEMBER,
        `quantum ${idText} is not in ${QUANTA_ADDRESS_MEMBER}`,
      );
    }
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "quanta") {
      cursor.skip();
      continue;
    }
    cursor.beginObject();
    while (cursor.nextMember()) {
      cursor.beginArray();
      while (cursor.nextElement()) readQuantum(cursor);
    }
  }
  cursor.finish();
  const expected = ids === null ? nQuanta : ids.length / UUID_SIZE;
  if (nQuanta !== expected) {
    report.add(
      "count",
      THIN_GRAPH_MEMBER,
      `it has ${nQuanta} quanta, ${QUANTA_ADDRESS_MEMBER} ${expected}`,
    );
  }
}

/** Distinct datasets against the header, and that none is written twice. */
async function checkDatasetCount(
  path: string,
  zstd: Zstd,
  archive: Archive,
  report: FileReport,
): Promise<void> {
  try {
    using graph = await PredictedGraph.open(path, zstd);
    const { nDatasets } = buildGraphIndex(graph, graph.initQuanta());
    if (nDatasets === archive.header.n_datasets) return;
    report.add(
      "count",
      QUANTUM_DATASETS_MEMBER,
      `its quanta have ${nDatasets} datasets, the header says ${archive.header.n_datasets}`,
    );
  } catch (error) {
    report.addError("edges", QUANTUM_DATASETS_MEMBER, error);
  }
}
