/**
 * The provenance report: one pass over the quanta of a provenance graph, then tables and documents.
 *
 * @module
 */

import { InvalidQuantumGraphFileError, RefusedError } from "../../base/errors.ts";
import { dirname, join } from "../../base/paths.ts";
import { countQuanta, type Progress } from "../../base/progress.ts";
import { readQuantum } from "../../provenance/documents/quantum.ts";
import type { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { QuantaTable } from "../../provenance/table/quanta_table.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { DurableWriter } from "../../storage/durable_writer.ts";
import { fileIdentity, FileSource } from "../../storage/file_source.ts";
import { ReportCounts } from "../counts.ts";
import { documentFacts, type QuantumFacts } from "../facts.ts";
import { dataIdTablePath } from "../failures/data_id_table_path.ts";
import { taskDimensions } from "../dimensions.ts";
import { countByTable } from "./by_table.ts";
import { ResourceUsageTable } from "./resource_usage.ts";
import {
  dataIdTableText,
  type ReadQuantum,
  type SelectedQuanta,
  type SelectionRule,
  statusReportText,
  StatusSelection,
} from "./selection.ts";
import type { Address } from "../../qg/address_rows.ts";
import { fileError } from "../../storage/file_errors.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** What to write besides counting. Paths are absolute. */
interface ProvenanceReportOptions {
  /** Which quanta the status report and the data ID tables list. */
  rule: SelectionRule;
  /** File of the status report, or null. */
  statusReport: string | null;
  /** Directory of the data ID tables, or null. */
  dataIdTableDirectory: string | null;
  /** File of the resource usage table, a function that takes its lines, or null. */
  resourceUsage: string | ((text: string) => void) | null;
  progress: Progress;
}

/**
 * Counts the quanta of a graph and writes what is asked for; every file is complete or absent.
 * Memory: per task, and 16 to 32 bytes for each quantum of the status report.
 *
 * @throws {InvalidQuantumGraphFileError} if the graph is damaged.
 * @throws {EnvironmentError} if a file can't be written.
 */
export async function makeProvenanceReport(
  graph: ProvenanceGraph,
  options: ProvenanceReportOptions,
): Promise<ReportCounts> {
  const pipeline = await graph.pipelineGraph();
  const labels = [...pipeline.tasks.keys()];
  const counts = new ReportCounts(labels, graph.header);
  const isSelecting = options.statusReport !== null || options.dataIdTableDirectory !== null;
  const selection = isSelecting ? new StatusSelection(labels, options.rule) : null;
  const dimensions = isSelecting || options.resourceUsage !== null
    ? taskDimensions(pipeline, `"${graph.name}"`)
    : null;
  const usage = options.resourceUsage === null
    ? null
    : new ResourceUsageTable(dimensions!.groups, dimensions!.names);
  using file = typeof options.resourceUsage === "string"
    ? DurableWriter.create(options.resourceUsage)
    : null;
  const writeUsage = typeof options.resourceUsage === "function"
    ? options.resourceUsage
    : (text: string) => file?.write(text);

  // Its numbers are those of the documents, digit by digit.
  const table = usage === null ? await QuantaTable.open(graph) : null;
  if (table !== null) await countByTable(table, counts, selection);
  else {
    if (usage !== null) writeUsage(usage.heading);
    await countByDocuments(graph, options.progress, counts, ({ facts, address, line }) => {
      selection?.add(facts, address);
      const text = usage === null ? "" : line(usage);
      if (text !== "") writeUsage(text);
    });
  }
  const tables = selection === null || options.dataIdTableDirectory === null
    ? []
    : planTables(selection, options.dataIdTableDirectory);
  file?.commit();
  await writeTables(tables, dimensions?.groups, (at) => graph.readQuantum(at));
  if (selection !== null && options.statusReport !== null) {
    const { groups } = dimensions!;
    // As the reference does.
    makeDirectory(dirname(options.statusReport));
    await writeDurably(
      options.statusReport,
      statusReportText(
        selection,
        (label) => groups.get(label)!,
        (at) => graph.readQuantum(at),
      ),
    );
  }
  return counts;
}

/** A quantum that goes by. */
interface PassingQuantum {
  facts: QuantumFacts;
  address: Address;
  /** Its line in a table. */
  line(usage: ResourceUsageTable): string;
}

async function countByDocuments(
  graph: ProvenanceGraph,
  progress: Progress,
  counts: ReportCounts,
  take: (quantum: PassingQuantum) => void,
): Promise<void> {
  const blocks = countQuanta(graph.blocks("quanta.mb"), graph.header.n_quanta, progress);
  for await (const { text, offset, size } of blocks) {
    const quantum = parseStored(`quantum at ${offset} of "${graph.name}"`, () => readQuantum(text));
    const facts = documentFacts(quantum);
    if (!counts.add(facts)) {
      throw new InvalidQuantumGraphFileError(
        `Cannot read quantum ${quantum.quantumId} of "${graph.name}": ` +
          `the pipeline has no task "${quantum.taskLabel}"`,
      );
    }
    take({
      facts,
      address: { offset, size },
      line: (usage) => usage.line(quantum, text),
    });
  }
}

/** A table of data IDs that will be written. */
interface PlannedTable {
  path: string;
  label: string;
  quanta: SelectedQuanta;
}

/** How each table of data IDs begins. */
const TABLE_BEGINNING = "# %ECSV ";

/**
 * @throws {RefusedError} if a file that isn't such a table would be replaced: nothing is written then.
 */
function planTables(selection: StatusSelection, directory: string): PlannedTable[] {
  const taken = new Set<string>();
  const tables: PlannedTable[] = [];
  for (const [label, byStatus] of selection.tasks) {
    for (const [status, byException] of byStatus) {
      for (const [typeName, quanta] of byException) {
        const path = untaken(join(directory, ...dataIdTablePath(label, status, typeName)), taken);
        refuseOther(path);
        tables.push({ path, label, quanta });
      }
    }
  }
  return tables;
}

function refuseOther(path: string): void {
  if (fileIdentity(path) === null) return;
  using source = FileSource.open(path);
  const head = source.readSync(0, Math.min(source.size, TABLE_BEGINNING.length));
  if (head.length === 0 || new TextDecoder().decode(head) === TABLE_BEGINNING) return;
  throw new RefusedError(`Cannot write table "${path}": it exists and is no table of data IDs`, {
    hint: "move it elsewhere, or give another --data-id-table-dir",
  });
}

async function writeTables(
  tables: readonly PlannedTable[],
  groups: ReadonlyMap<string, DimensionGroup> | undefined,
  read: ReadQuantum,
): Promise<void> {
  for (const { path, label, quanta } of tables) {
    makeDirectory(dirname(path));
    await writeDurably(path, dataIdTableText(quanta, groups!.get(label)!, read));
  }
}

function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (error) {
    throw fileError("create directory", path, error);
  }
}

/** Names that had to be changed or cut may have become the same. */
function untaken(wanted: string, taken: Set<string>): string {
  let path = wanted;
  for (let n = 2; taken.has(path); n++) path = wanted.replace(/\.ecsv$/, `-${n}.ecsv`);
  taken.add(path);
  return path;
}

async function writeDurably(path: string, parts: AsyncIterable<string>): Promise<void> {
  using file = DurableWriter.create(path);
  for await (const part of parts) file.write(part);
  file.commit();
}
