/**
 * Canonical description of a provenance graph, as the oracle's `dump_graph.py` prints it, less what
 * is volatile. Reads members, blocks and address rows by itself, so that a mistake which the tool's
 * reader and writer share is seen; only ZIP and zstd are the tool's.
 *
 * @module
 */

import { type JsonValue, parseJson } from "../../lib/base/json_text.ts";
import { uuidToText } from "../../lib/base/uuid.ts";
import type { ZstdDecompressor } from "../../lib/codec/codecs.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { logFingerprint, metadataFingerprint, normalTime } from "./payload_hashes.ts";
import { compareCodePoints, sha256 } from "./python_json.ts";

type JsonObject = { [key: string]: JsonValue };

/** The whole description; `volatile` is absent. */
export interface GraphDump {
  header: JsonObject;
  members: string[];
  tasks: JsonObject;
  dataset_types: JsonObject;
  init_quanta: JsonObject;
  quanta: JsonObject[];
  datasets: JsonObject[];
}

const STATUS_NAMES: Record<string, string> = {
  "-4": "ABORTED",
  "-3": "UNKNOWN",
  "-2": "ABORTED_SUCCESS",
  "-1": "FAILED",
  "0": "BLOCKED",
  "1": "SUCCESSFUL",
};

/** Columns of `nodes.addr` (`schema/quantum-graph.md`, section 4.2). */
const COLUMNS = ["datasets.mb", "quanta.mb", "logs.mb", "metadata.mb"] as const;
type BlockMember = typeof COLUMNS[number];

/** One block: where it is in its member and what it says. */
interface Block {
  address: string;
  value: JsonObject;
}

/** Decoded members of one graph file. */
class GraphFile {
  readonly members: string[];
  readonly header: JsonObject;
  readonly pipeline: JsonObject;
  readonly initQuanta: JsonObject[];
  readonly packages: JsonObject;
  readonly blocks: Record<BlockMember, Block[]>;
  /** Id to the four addresses as `offset+size`, `0+0` where absent. */
  readonly rows: Map<string, string[]>;

  private constructor(fields: Omit<GraphFile, never>) {
    this.members = fields.members;
    this.header = fields.header;
    this.pipeline = fields.pipeline;
    this.initQuanta = fields.initQuanta;
    this.packages = fields.packages;
    this.blocks = fields.blocks;
    this.rows = fields.rows;
  }

  static async read(path: string): Promise<GraphFile> {
    using source = FileSource.open(path);
    const zip = await ZipReader.open(source);
    const zstd = await Zstd.load();
    const dictionary = zip.members.has("compression_dict")
      ? await zip.readMember("compression_dict")
      : new Uint8Array();
    const decompressor = zstd.decompressor(dictionary.length > 0 ? dictionary : null);
    const document = async (name: string) =>
      parseJson(decompressor.decompress(await zip.readMember(name), name));
    const header = await document("header.json.zst") as JsonObject;
    const intSize = Number(header.int_size ?? 8);
    const blocks = {} as Record<BlockMember, Block[]>;
    for (const name of COLUMNS) {
      blocks[name] = readBlocks(await zip.readMember(name), intSize, decompressor, name);
    }
    return new GraphFile({
      members: [...zip.members.values()]
        .map((m) => `${m.name} (${m.method === 0 ? "stored" : m.method})`)
        .sort(compareCodePoints),
      header,
      pipeline: await document("pipeline_graph.json.zst") as JsonObject,
      initQuanta: await document("init_quanta.json.zst") as JsonObject[],
      packages: await document("packages.json.zst") as JsonObject,
      blocks,
      rows: readRows(await zip.readMember("nodes.addr"), intSize),
    });
  }
}

function bigEndian(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + bytes[offset + i];
  if (!Number.isSafeInteger(value)) throw new Error(`Cannot read graph: integer at ${offset}`);
  return value;
}

function readBlocks(
  bytes: Uint8Array,
  intSize: number,
  decompressor: ZstdDecompressor,
  name: string,
): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bigEndian(bytes, at, intSize);
    const end = at + intSize + length;
    if (end > bytes.length) throw new Error(`Cannot read "${name}": block at ${at} is truncated`);
    const text = decompressor.decompress(bytes.slice(at + intSize, end), `${name} at ${at}`);
    blocks.push({ address: `${at}+${end - at}`, value: parseJson(text) as JsonObject });
    at = end;
  }
  return blocks;
}

function readRows(bytes: Uint8Array, intSize: number): Map<string, string[]> {
  const nRows = bigEndian(bytes, 1, intSize);
  const nColumns = bigEndian(bytes, 1 + intSize, intSize);
  const rowSize = 16 + intSize * (1 + 2 * nColumns);
  const start = 1 + 2 * intSize;
  if (bytes[0] !== intSize || nColumns !== COLUMNS.length) {
    throw new Error('Cannot read "nodes.addr": its header does not fit the graph');
  }
  if (bytes.length !== start + nRows * rowSize) {
    throw new Error(`Cannot read "nodes.addr": ${bytes.length} bytes for ${nRows} rows`);
  }
  const rows = new Map<string, string[]>();
  let last = "";
  for (let n = 0; n < nRows; n++) {
    const at = start + n * rowSize;
    const id = uuidToText(bytes, at);
    if (id <= last) throw new Error(`Cannot read "nodes.addr": ${id} is not behind ${last}`);
    last = id;
    if (bigEndian(bytes, at + 16, intSize) !== n) {
      throw new Error(`Cannot read "nodes.addr": index of row ${n} is another`);
    }
    rows.set(
      id,
      COLUMNS.map((_, column) => {
        const pair = at + 16 + intSize * (1 + 2 * column);
        return `${bigEndian(bytes, pair, intSize)}+${bigEndian(bytes, pair + intSize, intSize)}`;
      }),
    );
  }
  return rows;
}

/** Which values of a data coordinate are which, by the universe of the pipeline graph. */
class Universe {
  readonly #elements: { [name: string]: JsonObject };
  readonly #systems: string[];
  readonly #order = new Map<string, number>();
  readonly #groups = new Map<string, string[]>();

  constructor(dimensions: JsonObject) {
    this.#elements = dimensions.elements as { [name: string]: JsonObject };
    this.#systems = Object.keys(dimensions.skypix as JsonObject).filter((n) => n !== "common");
    let pending = [...Object.keys(this.#elements), ...this.#systems];
    while (pending.length > 0) {
      const ready = pending.filter((n) => !this.#related(n).some((r) => pending.includes(r)));
      if (ready.length === 0) throw new Error("Cannot order dimensions: they depend on each other");
      for (const name of ready.sort(compareCodePoints)) this.#order.set(name, this.#order.size);
      pending = pending.filter((n) => !ready.includes(n));
    }
  }

  #list(name: string, key: "requires" | "implies"): string[] {
    return (this.#elements[name]?.[key] ?? []) as string[];
  }

  #related(name: string): string[] {
    return [...this.#list(name, "requires"), ...this.#list(name, "implies")];
  }

  #rank(name: string): [number, number] {
    const own = this.#order.get(name);
    if (own !== undefined) return [own, 0];
    const pixels = /^([a-z]+)(\d+)$/.exec(name);
    if (!pixels || !this.#systems.includes(pixels[1])) throw new Error(`No dimension "${name}"`);
    return [this.#order.get(pixels[1])!, Number(pixels[2])];
  }

  /** All names of the group, required ones first, each part in universe order. */
  fullNames(names: readonly string[]): string[] {
    const key = names.join(",");
    const known = this.#groups.get(key);
    if (known) return known;
    const all = new Set<string>();
    const add = (name: string) => {
      if (all.has(name)) return;
      all.add(name);
      this.#related(name).forEach(add);
    };
    names.forEach(add);
    const sorted = [...all].sort((a, b) => {
      const [x, y] = [this.#rank(a), this.#rank(b)];
      return x[0] - y[0] || x[1] - y[1];
    });
    const isImplied = (n: string) => sorted.some((o) => this.#list(o, "implies").includes(n));
    const full = [...sorted.filter((n) => !isImplied(n)), ...sorted.filter(isImplied)];
    this.#groups.set(key, full);
    return full;
  }

  /** Data ID as names to values. */
  dataId(names: readonly string[], values: JsonValue): JsonObject {
    const full = this.fullNames(names);
    const list = (values ?? []) as JsonValue[];
    if (list.length !== full.length) {
      throw new Error(`Cannot read data ID: ${list.length} values for {${full.join(",")}}`);
    }
    return Object.fromEntries(full.map((name, i) => [name, list[i]]));
  }
}

function uuid(value: JsonValue): string {
  const digits = String(value).toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/.test(digits)) throw new Error(`Cannot read graph: "${value}" is no UUID`);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function uuids(values: JsonValue | undefined): string[] {
  return ((values ?? []) as JsonValue[]).map(uuid);
}

/** Non-finite numbers are null when the reference's models print them, but for task metadata. */
function finite(value: JsonValue): JsonValue {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

function finiteObject(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, finite(v)]));
}

function normalAttempt(attempt: JsonObject): JsonObject {
  const exception = (attempt.exception ?? null) as JsonObject | null;
  const usage = (attempt.resource_usage ?? null) as JsonObject | null;
  return {
    attempt: attempt.attempt ?? 0,
    status: attempt.status ?? -3,
    caveats: attempt.caveats ?? null,
    exception: exception && {
      type_name: exception.type_name,
      message: exception.message,
      metadata: finiteObject(exception.metadata as JsonObject),
    },
    resource_usage: usage && finiteObject({ ...usage, start: normalTime(usage.start) }),
    previous_process_quanta: uuids(attempt.previous_process_quanta),
  };
}

/** Edges of the bipartite graph in both directions. */
class Edges {
  readonly #sets = new Map<string, Set<string>>();

  add(from: string, to: string): void {
    const set = this.#sets.get(from);
    if (set) set.add(to);
    else this.#sets.set(from, new Set([to]));
  }

  of(from: string): string[] {
    return [...this.#sets.get(from) ?? []].sort();
  }
}

/** Opens and describes a provenance graph; throws if its parts contradict each other. */
export async function dumpGraph(path: string): Promise<GraphDump> {
  const file = await GraphFile.read(path);
  return new Dumper(file).dump();
}

/** Names in the `packages` member of a graph, the one volatile part that tests look at. */
export async function graphPackages(path: string): Promise<JsonObject> {
  return (await GraphFile.read(path)).packages;
}

class Dumper {
  readonly #file: GraphFile;
  readonly #universe: Universe;
  readonly #tasks: { [label: string]: JsonObject };
  readonly #types: { [name: string]: JsonObject };
  readonly #consumers = new Edges();
  readonly #producers = new Edges();
  readonly #logs: Map<string, JsonValue[]>;
  readonly #metadata: Map<string, JsonValue[]>;
  readonly #storedFlags = new Map<string, boolean>();
  readonly #inferredFlags = new Map<string, boolean>();
  readonly #initOutputs = new Set<string>();

  constructor(file: GraphFile) {
    this.#file = file;
    this.#universe = new Universe(file.pipeline.dimensions as JsonObject);
    this.#tasks = file.pipeline.tasks as { [label: string]: JsonObject };
    this.#types = file.pipeline.dataset_types as { [name: string]: JsonObject };
    this.#logs = payloads(file, "logs.mb");
    this.#metadata = payloads(file, "metadata.mb");
  }

  dump(): GraphDump {
    const { header, pipeline: _pipeline, members } = this.#file;
    this.#addInitEdges();
    for (const { value } of this.#file.blocks["datasets.mb"]) {
      const id = uuid(value.dataset_id);
      // The reference's reader takes init outputs from the init quanta, which say nothing of this.
      const produced = this.#initOutputs.has(id) || value.produced as boolean;
      this.#storedFlags.set(id, produced);
    }
    for (const { value } of this.#file.blocks["quanta.mb"]) this.#addQuantumEdges(value);
    this.#checkAddresses();
    this.#checkNeighbours();
    return {
      header: {
        graph_type: header.graph_type,
        inputs: header.inputs ?? [],
        output: header.output ?? null,
        output_run: header.output_run ?? "",
        metadata: header.metadata ?? {},
        int_size: header.int_size ?? 8,
        n_quanta: header.n_quanta ?? 0,
        n_datasets: header.n_datasets ?? 0,
        n_task_quanta: header.n_task_quanta ?? {},
      },
      members,
      tasks: mapObject(this.#tasks, (task) => ({
        class: task.task_class,
        dimensions: this.#names(task.dimensions),
        config_sha256: sha256(task.config_str as string),
      })),
      dataset_types: mapObject(this.#types, (type) => ({
        dimensions: this.#names(type.dimensions),
        storage_class: type.storage_class,
      })),
      init_quanta: Object.fromEntries(
        this.#file.initQuanta.map((quantum) => [quantum.task_label, this.#initQuantum(quantum)]),
      ),
      quanta: sortedBy("quantum_id", this.#file.blocks["quanta.mb"].map((b) => this.#quantum(b))),
      datasets: sortedBy(
        "dataset_id",
        this.#file.blocks["datasets.mb"].map(({ value }) => this.#dataset(value)),
      ),
    };
  }

  #names(dimensions: JsonValue): string[] {
    return [...this.#universe.fullNames(dimensions as string[])].sort(compareCodePoints);
  }

  #addInitEdges(): void {
    for (const quantum of this.#file.initQuanta) {
      const id = uuid(quantum.quantum_id);
      for (const value of Object.values(quantum.inputs ?? {})) {
        this.#addEdge(uuid(value as JsonValue), id, "read");
      }
      for (const value of Object.values(quantum.outputs ?? {})) {
        this.#addEdge(uuid(value as JsonValue), id, "written");
        this.#initOutputs.add(uuid(value as JsonValue));
      }
    }
  }

  #addEdge(dataset: string, quantum: string, kind: "read" | "written"): void {
    const edges = kind === "read" ? this.#consumers : this.#producers;
    edges.add(dataset, quantum);
  }

  #addQuantumEdges(quantum: JsonObject): void {
    const id = uuid(quantum.quantum_id);
    for (const list of Object.values(quantum.inputs ?? {})) {
      for (const dataset of uuids(list as JsonValue)) this.#addEdge(dataset, id, "read");
    }
    const attempts = (quantum.attempts ?? []) as JsonObject[];
    const status = attempts.length > 0 ? Number(attempts[attempts.length - 1].status ?? -3) : 0;
    for (const [connection, list] of Object.entries(quantum.outputs ?? {})) {
      const ids = uuids(list as JsonValue);
      for (const dataset of ids) this.#addEdge(dataset, id, "written");
      if (connection === "_metadata") {
        this.#inferredFlags.set(ids[0], status === 1 || status === -2);
      }
      if (connection === "_log") this.#inferredFlags.set(ids[0], status === 1 || status === -1);
    }
  }

  #initQuantum(quantum: JsonObject): JsonObject {
    const outputs = mapObject(quantum.outputs as JsonObject, uuid);
    return {
      quantum_id: uuid(quantum.quantum_id),
      config_id: outputs._config,
      inputs: Object.values(quantum.inputs ?? {}).map((v) => uuid(v as JsonValue)).sort(),
      outputs: Object.values(outputs).map(uuid).sort(),
    };
  }

  #quantum({ value }: Block): JsonObject {
    const id = uuid(value.quantum_id);
    const label = value.task_label as string;
    const attempts = ((value.attempts ?? []) as JsonObject[]).map(normalAttempt);
    const last = attempts.at(-1);
    const inputs = mapObject((value.inputs ?? {}) as JsonObject, (ids) => uuids(ids).sort());
    const outputs = mapObject((value.outputs ?? {}) as JsonObject, (ids) => uuids(ids).sort());
    const [logId, metadataId] = [outputs._log as string[], outputs._metadata as string[]];
    if (logId?.length !== 1 || metadataId?.length !== 1) {
      throw new Error(`Cannot read graph: quantum ${id} has not one log and one metadata dataset`);
    }
    const logs = this.#logs.get(id);
    const metadata = this.#metadata.get(id);
    const exists = (dataset: string) => this.#storedFlags.get(dataset);
    return {
      quantum_id: id,
      task_label: label,
      data_id: this.#universe.dataId(
        this.#tasks[label].dimensions as string[],
        value.data_coordinate,
      ),
      status: last ? STATUS_NAMES[String(last.status)] : "BLOCKED",
      caveats: last?.caveats ?? null,
      exception: last?.exception ?? null,
      resource_usage: last?.resource_usage ?? null,
      attempts,
      log_id: logId[0],
      metadata_id: metadataId[0],
      inputs: dropEmpty(inputs),
      existing_inputs: [...new Set(Object.values(inputs).flat() as string[])].filter(exists).sort(),
      outputs: dropEmpty(outputs),
      existing_outputs: (Object.values(outputs).flat() as string[]).filter(exists).sort(),
      logs: logs === undefined ? null : logs.map((records) => {
        if (records === null) return null;
        const { n, sha256 } = logFingerprint(records);
        return { n_records: n, sha256 };
      }),
      metadata: metadata === undefined
        ? null
        : metadata.map((m) => m === null ? null : { ...metadataFingerprint(m) }),
      payload_found_by_dataset_id: this.#isSamePayload(id, logId[0], metadataId[0]),
    };
  }

  #isSamePayload(quantum: string, log: string, metadata: string): boolean {
    const { rows } = this.#file;
    const own = rows.get(quantum)!;
    return own[2] === rows.get(log)?.[2] && own[3] === rows.get(metadata)?.[3];
  }

  #dataset(value: JsonObject): JsonObject {
    const id = uuid(value.dataset_id);
    const type = value.dataset_type_name as string;
    const produced = this.#storedFlags.get(id)!;
    return {
      dataset_id: id,
      dataset_type: type,
      data_id: this.#universe.dataId(
        this.#types[type].dimensions as string[],
        value.data_coordinate,
      ),
      run: value.run,
      produced,
      produced_as_inferred_by_reader: this.#inferredFlags.get(id) ?? produced,
      producer: this.#producers.of(id),
      consumers: this.#consumers.of(id),
    };
  }

  /** Every block is where its id's row says, every row leads to a block. */
  #checkAddresses(): void {
    const { rows, blocks } = this.#file;
    const keys = { "datasets.mb": "dataset_id", "quanta.mb": "quantum_id" } as const;
    const addressed = COLUMNS.map((_, column) =>
      new Set([...rows.values()].map((row) => row[column]).filter((a) => a !== "0+0"))
    );
    COLUMNS.forEach((name, column) => {
      for (const { address, value } of blocks[name]) {
        if (!addressed[column].delete(address)) {
          throw new Error(`Cannot dump graph: no row leads to block ${address} of "${name}"`);
        }
        if (name === "datasets.mb" || name === "quanta.mb") {
          const id = uuid(value[keys[name]]);
          if (rows.get(id)?.[column] !== address) {
            throw new Error(
              `Cannot dump graph: the row of ${id} leads elsewhere than to its block`,
            );
          }
        }
      }
      if (addressed[column].size > 0) {
        throw new Error(`Cannot dump graph: addresses without block in "${name}"`);
      }
    });
  }

  /** Dataset blocks name the same producers and consumers as quantum blocks imply. */
  #checkNeighbours(): void {
    const seen = new Set<string>();
    for (const { value } of this.#file.blocks["datasets.mb"]) {
      const id = uuid(value.dataset_id);
      const producer = (value.producer ?? null) === null ? [] : [uuid(value.producer)];
      const consumers = uuids(value.consumers).sort();
      if (
        producer.join() !== this.#producers.of(id).join() ||
        consumers.join() !== this.#consumers.of(id).join()
      ) {
        throw new Error(
          `Cannot dump graph: dataset ${id} and its quanta name different neighbours`,
        );
      }
      if (seen.has(id)) throw new Error(`Cannot dump graph: two blocks of dataset ${id}`);
      seen.add(id);
    }
  }
}

/** Attempts of each quantum's log or metadata block, by quantum id. */
function payloads(file: GraphFile, member: "logs.mb" | "metadata.mb"): Map<string, JsonValue[]> {
  const byAddress = new Map(file.blocks[member].map((b) => [b.address, b.value]));
  const column = COLUMNS.indexOf(member);
  const result = new Map<string, JsonValue[]>();
  for (const { value } of file.blocks["quanta.mb"]) {
    const id = uuid(value.quantum_id);
    const block = byAddress.get(file.rows.get(id)?.[column] ?? "");
    if (block) result.set(id, block.attempts as JsonValue[]);
  }
  return result;
}

function mapObject<In extends JsonValue, Out extends JsonValue>(
  object: { [key: string]: In },
  change: (value: In) => Out,
): { [key: string]: Out } {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/** A connection without datasets leaves no edge, so the oracle doesn't see it. */
function dropEmpty(connections: { [name: string]: JsonValue[] }): JsonObject {
  return Object.fromEntries(Object.entries(connections).filter(([, ids]) => ids.length > 0));
}

function sortedBy(key: string, list: JsonObject[]): JsonObject[] {
  return list.sort((a, b) => compareCodePoints(a[key] as string, b[key] as string));
}
