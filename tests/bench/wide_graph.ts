/**
 * Graphs of many quanta, made of a graph of few in a minute or two: copies of its quanta and datasets with
 * ids and data IDs of their own, a real address file, and a real table of quanta. To whoever asks for quanta,
 * datasets or a report it is the graph of a run of that size. Logs and metadata are stored once: the addresses
 * of all copies lead to those of the first.
 *
 * @module
 */

import { idPlaces, sortIds } from "../../lib/base/sort_ids.ts";
import { type JsonValue, parseJson, stringifyJson } from "../../lib/base/json_text.ts";
import { UUID_SIZE, uuidFromText, uuidToText } from "../../lib/base/uuid.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { StoredZipWriter } from "../../lib/codec/zip_writer.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { findBlockers } from "../../lib/provenance/blockers.ts";
import { coordinateRange, readQuantum } from "../../lib/provenance/documents/quantum.ts";
import { type TableLayout, tableLayout } from "../../lib/provenance/table/table_columns.ts";
import { makeTableRows, rowSource, TableCollector } from "../../lib/provenance/table/table_rows.ts";
import { writeTable } from "../../lib/provenance/table/table_writer.ts";
import * as members from "../../lib/qg/member_names.ts";
import type { GraphArrays } from "../../lib/qg/predicted/graph_arrays.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { fenceCount, fenceRow } from "../../lib/qg/range_plan.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { block } from "../qg/support.ts";
import {
  addressFileSize,
  addressHeaderSize,
  addressRowSize,
  writeAddressHeader,
  writeAddressRow,
} from "../../lib/qg/address_rows.ts";

/** Width of integers in bytes. */
const INT_SIZE = 8;
const N_ADDRESSES = 4;
const UUID_TEXT = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Members that are taken as they are. */
const TAKEN = [
  members.DICTIONARY_MEMBER,
  members.PIPELINE_GRAPH_MEMBER,
  members.PACKAGES_MEMBER,
  members.INIT_QUANTA_MEMBER,
  members.METADATA_MEMBER,
  members.LOGS_MEMBER,
];
/** What is added to numbers of visits and exposures, and to those of tracts, of each copy. */
const VISIT_STEP = 1000;
const TRACT_STEP = 10;
const FIRST_VISIT = 1e9;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A document that is copied: its text in three pieces, and where ids end in the outer ones. */
class Template {
  readonly id: Uint8Array;
  readonly columns: number[];
  readonly #text: Uint8Array;
  readonly #range: [number, number];
  readonly #coordinate: JsonValue[];
  readonly #ids: number[] = [];
  /** Whether its data ID has a tract in the third place. */
  readonly #hasTract: boolean;

  constructor(text: Uint8Array, id: Uint8Array, columns: number[], fixed: ReadonlySet<string>) {
    this.id = id;
    this.columns = columns;
    this.#text = text;
    this.#range = coordinateRange(text) ?? [0, 0];
    this.#coordinate = parseJson(text.subarray(...this.#range)) as JsonValue[];
    this.#hasTract = /"assembleCoadd|"deep_coadd/.test(decoder.decode(text));
    for (const { 0: found, index } of decoder.decode(text).matchAll(UUID_TEXT)) {
      if (!fixed.has(found)) this.#ids.push(index);
    }
  }

  /** The text of a copy. */
  copy(k: number): { text: Uint8Array } {
    const [start, end] = this.#range;
    const coordinate = encoder.encode(
      stringifyJson(
        this.#coordinate.map((value, i) =>
          typeof value !== "number"
            ? value
            : value > FIRST_VISIT
            ? value + k * VISIT_STEP
            : this.#hasTract && i === 2
            ? value + k * TRACT_STEP
            : value
        ),
      ),
    );
    const source = this.#text.slice();
    for (const at of this.#ids) markText(source, at, k);
    const text = new Uint8Array(source.length - (end - start) + coordinate.length);
    text.set(source.subarray(0, start));
    text.set(coordinate, start);
    text.set(source.subarray(end), start + coordinate.length);
    return { text };
  }

  /** The id of a copy. */
  idOf(k: number): Uint8Array {
    return markId(this.id, k);
  }
}

const HEX = encoder.encode("0123456789abcdef");

/** Puts the number of a copy into bytes 8 to 10 of an id that stands at `at`. */
function markText(text: Uint8Array, at: number, k: number): void {
  // 8-4-4-4-12: bytes 10 to 12 are digits 20 to 25, behind four dashes.
  for (let i = 0; i < 5; i++) {
    const place = at + 24 + i;
    const digit = HEX.indexOf(text[place]) ^ (k >> (4 * (4 - i)) & 15);
    text[place] = HEX[digit];
  }
}

/** The same for an id in bytes. */
function markId(id: Uint8Array, k: number): Uint8Array {
  const marked = id.slice();
  marked[10] ^= k >> 12 & 255;
  marked[11] ^= k >> 4 & 255;
  marked[12] ^= (k & 15) << 4;
  return marked;
}

/** Documents of the graph that is copied. */
interface Templates {
  quanta: Template[];
  datasets: Template[];
  /** Datasets of init quanta, which are there once. */
  once: Template[];
}

async function readTemplates(graph: ProvenanceGraph): Promise<Templates> {
  const fixed = new Set<string>(
    decoder.decode(await graph.initQuantaText()).match(UUID_TEXT) ?? [],
  );
  const templates: Templates = { quanta: [], datasets: [], once: [] };
  for await (const { id, quantum, dataset, log, metadata } of graph.nodes()) {
    const files = [log.offset, log.size, metadata.offset, metadata.size];
    const isQuantum = quantum.size > 0;
    const text = isQuantum ? await graph.readQuantum(quantum) : await graph.readDataset(dataset);
    const template = new Template(text, id, files, fixed);
    const list = isQuantum
      ? templates.quanta
      : fixed.has(uuidToText(id))
      ? templates.once
      : templates.datasets;
    list.push(template);
  }
  return templates;
}

/**
 * Makes a graph of `nCopies` times the quanta of another one, which this tool has made of a simulated run.
 * Memory: 300 bytes for each quantum, and the documents of the other graph.
 */
export async function makeWideGraph(from: string, to: string, nCopies: number): Promise<void> {
  const zstd = await Zstd.load();
  using graph = await ProvenanceGraph.open(FileSource.open(from), zstd);
  const zip = await ZipReader.open(FileSource.open(from), zstd.inflate);
  const dictionary = await zip.readMember(members.DICTIONARY_MEMBER, { maxSize: 1 << 24 });
  const compressor = zstd.compressor(dictionary, 1);
  const templates = await readTemplates(graph);
  const { quanta, datasets, once } = templates;
  const nQuanta = quanta.length * nCopies;
  const nDatasets = datasets.length * nCopies + once.length;
  const taken: { name: string; bytes: Uint8Array }[] = [{
    name: members.HEADER_MEMBER,
    bytes: compressor.compress(largerHeader(graph, { nQuanta, nDatasets, nCopies })),
  }];
  for (const name of TAKEN) {
    taken.push({ name, bytes: await zip.readMember(name, { maxSize: 2 ** 31 }) });
  }
  using file = Deno.openSync(to, { write: true, createNew: true });
  const planned = taken.map(({ name, bytes }) => ({ name, size: bytes.length }));
  const out = new StoredZipWriter(file, planned, to);
  for (const { name, bytes } of taken) out.write(name, bytes);
  const rows = new AddressRows(nQuanta + nDatasets);
  const writeBlock = (member: string, text: Uint8Array): number => {
    const bytes = block(compressor.compress(text), INT_SIZE);
    out.write(member, bytes);
    return bytes.length;
  };
  out.begin(members.DATASETS_MEMBER);
  let offset = 0;
  const writeDataset = (template: Template, k: number) => {
    const size = writeBlock(members.DATASETS_MEMBER, template.copy(k).text);
    rows.add(template.idOf(k), [offset, size, 0, 0, ...template.columns]);
    offset += size;
  };
  for (let k = 0; k < nCopies; k++) for (const each of datasets) writeDataset(each, k);
  for (const each of once) writeDataset(each, 0);
  out.end(members.DATASETS_MEMBER);
  const pipeline = await graph.pipelineGraph();
  const arrays = graphArrays(quanta, datasets, nCopies, [...pipeline.tasks.keys()]);
  writeQuanta(out, arrays, quanta, { nCopies, rows, writeBlock, layout: tableLayout(pipeline)! });
  rows.write(out);
  out.finish();
}

function largerHeader(
  graph: ProvenanceGraph,
  { nQuanta, nDatasets, nCopies }: { nQuanta: number; nDatasets: number; nCopies: number },
): Uint8Array {
  const header = parseJson(graph.headerText) as { [key: string]: JsonValue };
  header.n_quanta = nQuanta;
  header.n_datasets = nDatasets;
  const perTask = header.n_task_quanta as { [label: string]: number };
  for (const label of Object.keys(perTask)) perTask[label] *= nCopies;
  return encoder.encode(stringifyJson(header));
}

/** What the quanta are written with. */
interface QuantaWriting {
  nCopies: number;
  rows: AddressRows;
  writeBlock(member: string, text: Uint8Array): number;
  layout: TableLayout;
}

/** Writes the documents of quanta, and their table. */
function writeQuanta(
  out: StoredZipWriter,
  arrays: GraphArrays,
  quanta: readonly Template[],
  { nCopies, rows, writeBlock, layout }: QuantaWriting,
): void {
  const tableRows = makeTableRows(arrays.nQuanta);
  const collector = new TableCollector(tableRows, 1, arrays);
  const documentOffset = new Float64Array(arrays.nQuanta);
  const documentSize = new Uint32Array(arrays.nQuanta);
  out.begin(members.QUANTA_MEMBER);
  for (let k = 0, q = 0, offset = 0; k < nCopies; k++) {
    for (const template of quanta) {
      const { text } = template.copy(k);
      const size = writeBlock(members.QUANTA_MEMBER, text);
      collector.add(q, rowSource(text, arrays.outputStart[q + 1] - arrays.outputStart[q]));
      rows.add(template.idOf(k), [0, 0, offset, size, ...template.columns]);
      documentOffset[q] = offset;
      documentSize[q++] = size;
      offset += size;
    }
  }
  out.end(members.QUANTA_MEMBER);
  const { status } = tableRows.numbers;
  out.begin(members.QUANTA_TABLE_MEMBER);
  writeTable({
    arrays,
    layout,
    rows: tableRows,
    texts: [collector.take()],
    blockers: findBlockers(arrays, status, undefined, arrays.quantumIds),
    documentOffset,
    documentSize,
    quanta: out.seal(members.QUANTA_MEMBER),
  }, (bytes) => out.write(members.QUANTA_TABLE_MEMBER, bytes));
  out.end(members.QUANTA_TABLE_MEMBER);
}

/** Edges by the ids that documents name. */
function graphArrays(
  quanta: readonly Template[],
  datasets: readonly Template[],
  nCopies: number,
  taskLabels: string[],
): GraphArrays {
  const key = (id: Uint8Array) => id.toHex();
  const numberOf = new Map(datasets.map(({ id }, d) => [key(id), d]));
  const nQuanta = quanta.length * nCopies;
  const nDatasets = datasets.length * nCopies;
  const outputs: number[][] = [];
  const readers: number[][] = datasets.map(() => []);
  const tasks: number[] = [];
  for (const [q, template] of quanta.entries()) {
    const document = readQuantum(template.copy(0).text);
    tasks.push(taskLabels.indexOf(document.taskLabel));
    const ids = (edges: ReadonlyMap<string, readonly string[]>) =>
      [...edges.values()].flat().map((id) => numberOf.get(key(uuidFromText(id))))
        .filter((d) => d !== undefined);
    outputs.push(ids(document.outputs));
    for (const d of ids(document.inputs)) readers[d].push(q);
  }
  const arrays = {
    taskLabels,
    taskFiles: taskLabels.map(() => null),
    nQuanta,
    nInitQuanta: 0,
    nDatasets,
    quantumIds: new Uint8Array(nQuanta * UUID_SIZE),
    taskIndex: new Uint16Array(nQuanta),
    outputStart: new Uint32Array(nQuanta + 1),
    outputs: new Uint32Array(outputs.reduce((sum, { length }) => sum + length, 0) * nCopies),
    consumerStart: new Uint32Array(nDatasets + 1),
    consumers: new Uint32Array(readers.reduce((sum, { length }) => sum + length, 0) * nCopies),
    // None is known: the collector keeps each.
    coordinateStart: new Uint32Array(nQuanta + 1),
    coordinates: new Uint8Array(0),
  };
  for (let k = 0, q = 0, at = 0; k < nCopies; k++) {
    for (const [i, template] of quanta.entries()) {
      arrays.quantumIds.set(template.idOf(k), q * UUID_SIZE);
      arrays.taskIndex[q] = tasks[i];
      for (const d of outputs[i]) arrays.outputs[at++] = d + k * datasets.length;
      arrays.outputStart[++q] = at;
    }
  }
  for (let k = 0, d = 0, at = 0; k < nCopies; k++) {
    for (const list of readers) {
      for (const q of list) arrays.consumers[at++] = q + k * quanta.length;
      arrays.consumerStart[++d] = at;
    }
  }
  return arrays as unknown as GraphArrays;
}

/** Rows of the address file. */
class AddressRows {
  readonly #ids: Uint8Array;
  readonly #columns: Float64Array;
  #n = 0;

  constructor(n: number) {
    this.#ids = new Uint8Array(n * UUID_SIZE);
    this.#columns = new Float64Array(n * 2 * N_ADDRESSES);
  }

  add(id: Uint8Array, columns: readonly number[]): void {
    this.#ids.set(id, this.#n * UUID_SIZE);
    this.#columns.set(columns, this.#n++ * 2 * N_ADDRESSES);
  }

  write(out: StoredZipWriter): void {
    const n = this.#n;
    const nFences = fenceCount(n);
    out.plan([
      { name: members.NODES_ADDRESS_MEMBER, size: addressFileSize(n, N_ADDRESSES, INT_SIZE) },
      { name: members.NODES_FENCES_MEMBER, size: nFences * UUID_SIZE },
    ]);
    const header = new Uint8Array(addressHeaderSize(INT_SIZE));
    writeAddressHeader(header, 0, INT_SIZE, n, N_ADDRESSES);
    out.write(members.NODES_ADDRESS_MEMBER, header);
    const order = sortIds(this.#ids, idPlaces(n));
    const bytes = new Uint8Array(addressRowSize(N_ADDRESSES, INT_SIZE));
    const fences = new Uint8Array(nFences * UUID_SIZE);
    let nFencesSet = 0;
    for (const [row, i] of order.entries()) {
      const columns = this.#columns.subarray(i * 2 * N_ADDRESSES, (i + 1) * 2 * N_ADDRESSES);
      writeAddressRow(bytes, 0, INT_SIZE, this.#ids, i * UUID_SIZE, row, columns);
      out.write(members.NODES_ADDRESS_MEMBER, bytes);
      if (nFencesSet < nFences && row === fenceRow(nFencesSet, nFences, n)) {
        const id = this.#ids.subarray(i * UUID_SIZE, (i + 1) * UUID_SIZE);
        fences.set(id, nFencesSet++ * UUID_SIZE);
      }
    }
    out.write(members.NODES_FENCES_MEMBER, fences);
  }
}
