/**
 * What a quantum or dataset was made from, as W3C PROV-JSON with the names of IVOA's provenance data model.
 * What each record says is told in `schema/export.md`. PROV tells of what happened: quanta that were never
 * attempted and datasets that were not produced are left out, and counted.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import { END_OF_TIME, FIRST_TIME, formatIsoTime, parseIsoTime } from "../../base/iso_time.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import { uuidFromText } from "../../base/uuid.ts";
import {
  type Attempt,
  lastAttempt,
  type QuantumDocument,
  readQuantum,
} from "../../provenance/documents/quantum.ts";
import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
import { caveatNames } from "../../provenance/success_caveats.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { dataIdObject } from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { Trace, TraceEdge, TraceNode } from "./trace.ts";

/** A value of PROV-JSON: a plain one, or one with its type. */
type ProvValue = string | number | boolean | { $: string; type: string };
/** A record: a value, or several, by attribute. */
type ProvRecord = Record<string, ProvValue | ProvValue[]>;
/** Records of a kind, by identifier. */
type ProvRecords = Record<string, ProvRecord>;

/** A document of PROV-JSON. Source: W3C Member Submission "The PROV-JSON Serialization". */
interface ProvDocument {
  prefix: Record<string, string>;
  entity: ProvRecords;
  activity: ProvRecords;
  agent: ProvRecords;
  used: ProvRecords;
  wasGeneratedBy: ProvRecords;
  wasAssociatedWith: ProvRecords;
  wasInfluencedBy: ProvRecords;
}

/** Namespace of IVOA's model, as the package `voprov` has it. */
const VOPROV = "http://www.ivoa.net/documents/ProvenanceDM/index.html#";
/** Letters that local parts of names have as they are. */
const PLAIN = /[^A-Za-z0-9_.~-]/gu;
/** Integers that are `xsd:int`, which is what PROV-JSON takes plain ones for. */
const MAX_INT = 2 ** 31;
/** Quanta whose documents are announced together. */
const N_ANNOUNCED = 64;

/**
 * Makes the document of a trace upwards. Memory: that of the trace, and its records.
 *
 * @returns the document, and how many visited nodes aren't in it, as they never came to be.
 * @throws {RefusedError} if nothing has been run, or the root itself never came to be.
 */
export async function provDocument(
  source: DocumentSource,
  trace: Trace,
): Promise<{ document: ProvDocument; nLeftOut: number }> {
  const { nodes, edges, root } = trace;
  refuseUnless(hasHappened(nodes.get(root)!), source, nodes.get(root)!);
  const header = JSON.parse(new TextDecoder().decode(await source.header()));
  const run = String(source.run ?? header?.output_run ?? "");
  const records = new Records(run, typeof header?.user === "string" ? header.user : "");
  const kept = reached(trace);
  const left = new Map<string, number>();
  for (const edge of edges) {
    if (kept.has(edge.from) || !kept.has(edge.to)) continue;
    left.set(edge.to, (left.get(edge.to) ?? 0) + 1);
  }
  const quanta = [...kept.values()].filter(({ kind }) => kind === "quantum");
  for (let at = 0; at < quanta.length; at += N_ANNOUNCED) {
    const some = quanta.slice(at, at + N_ANNOUNCED);
    const known = some.filter(({ isInit, label }) => !isInit && label !== "");
    await source.announce(known.map(({ id }) => ({ what: "quantum", id: uuidFromText(id) })));
    for (const node of some) {
      const document = known.includes(node) ? await quantumOf(source, node.id) : null;
      records.addActivity(node, document, left.get(node.id) ?? 0);
    }
  }
  for (const node of kept.values()) if (node.kind === "dataset") records.addDataset(node);
  for (const edge of edges) {
    const [from, to] = [kept.get(edge.from), kept.get(edge.to)];
    if (from !== undefined && to !== undefined) records.addEdge(edge, from, to);
  }
  return { document: records.document, nLeftOut: nodes.size - kept.size };
}

/** What is reached by way of what came to be, in the order in which it is reached. */
function reached({ nodes, root }: Trace): ReadonlyMap<string, TraceNode> {
  const kept = new Map([[root, nodes.get(root)!]]);
  // A map gives what is added while it is gone through.
  for (const { next } of kept.values()) {
    for (const id of next) {
      const node = nodes.get(id);
      if (node !== undefined && hasHappened(node)) kept.set(id, node);
    }
  }
  return kept;
}

async function quantumOf(source: DocumentSource, id: string): Promise<QuantumDocument> {
  const text = await source.quantum({ kind: "id", id: uuidFromText(id), words: [id] });
  return parseStored(`quantum ${id} in ${source.name}`, () => readQuantum(text));
}

/** Whether a quantum was attempted or a dataset produced, or it isn't known that not. */
function hasHappened({ status, produced }: TraceNode): boolean {
  return status !== attemptStatusName(AttemptStatus.BLOCKED) && produced !== false;
}

function refuseUnless(happened: boolean, source: DocumentSource, root: TraceNode): void {
  if (source.isPlan) {
    throw new RefusedError(`Cannot export provenance of ${source.name}: nothing has been run yet`, {
      hint: "give the graph that aggregate-graph wrote; trace shows what was predicted",
    });
  }
  if (happened) return;
  const what = root.kind === "dataset" ? "it was not produced" : "it was blocked, never attempted";
  throw new RefusedError(
    `Cannot export provenance of ${root.kind} ${root.id} in ${source.name}: ${what}`,
    { hint: `provgraph why SOURCE ${root.id} tells the reason` },
  );
}

/** The document, record by record. */
class Records {
  readonly document: ProvDocument;
  readonly #agent: string | null;
  #nRelations = 0;

  constructor(run: string, user: string) {
    const ours = `urn:provgraph:${encodeURIComponent(run)}:`;
    this.document = {
      prefix: {
        prov: "http://www.w3.org/ns/prov#",
        xsd: "http://www.w3.org/2001/XMLSchema#",
        voprov: VOPROV,
        uuid: "urn:uuid:",
        task: `${ours}task:`,
        type: `${ours}dataset_type:`,
        user: "urn:provgraph:user:",
        dim: "urn:provgraph:dimension:",
        provgraph: "urn:provgraph:",
      },
      entity: Object.create(null),
      activity: Object.create(null),
      agent: Object.create(null),
      used: Object.create(null),
      wasGeneratedBy: Object.create(null),
      wasAssociatedWith: Object.create(null),
      wasInfluencedBy: Object.create(null),
    };
    this.#agent = user === "" ? null : `user:${localPart(user)}`;
    if (this.#agent !== null) {
      this.document.agent[this.#agent] = {
        "prov:type": name("voprov:Agent"),
        "voprov:name": user,
        "voprov:type": "Person",
      };
    }
  }

  /** A quantum, with what is known of its last attempt. */
  addActivity(node: TraceNode, document: QuantumDocument | null, nLeftOut: number): void {
    const id = `uuid:${node.id}`;
    const record: ProvRecord = { "prov:type": name("voprov:Activity"), ...named(node) };
    if (node.isInit) record["provgraph:is_init"] = true;
    const attempt = document === null ? null : lastAttempt(document);
    if (document !== null) record["provgraph:attempts"] = document.attempts.length;
    if (attempt !== null) Object.assign(record, attemptValues(attempt));
    if (nLeftOut > 0) record["provgraph:inputs_not_produced"] = nLeftOut;
    if (node.nNotVisited > 0) record["provgraph:not_visited"] = node.nNotVisited;
    this.document.activity[id] = record;
    if (this.#agent !== null) {
      this.#relate("wasAssociatedWith", {
        "prov:activity": id,
        "prov:agent": this.#agent,
        "prov:role": "operator",
      });
    }
    if (node.label !== "") {
      this.#describe(id, `task:${localPart(node.label)}`, "ActivityDescription", node.label);
    }
  }

  /** A dataset. */
  addDataset(node: TraceNode): void {
    const id = `uuid:${node.id}`;
    const record: ProvRecord = { "prov:type": name("voprov:DatasetEntity"), ...named(node) };
    if (node.run !== null && node.run !== "") record["provgraph:run"] = node.run;
    if (node.nNotVisited > 0) record["provgraph:not_visited"] = node.nNotVisited;
    this.document.entity[id] = record;
    if (node.label !== "") {
      this.#describe(id, `type:${localPart(node.label)}`, "DatasetDescription", node.label);
    }
  }

  /** Data that was read or written. */
  addEdge({ connection }: TraceEdge, from: TraceNode, to: TraceNode): void {
    const isUsage = to.kind === "quantum";
    const [quantum, dataset] = isUsage ? [to, from] : [from, to];
    const relation: ProvRecord = {
      "prov:activity": `uuid:${quantum.id}`,
      "prov:entity": `uuid:${dataset.id}`,
    };
    if (connection !== "") {
      relation["prov:role"] = connection;
      if (quantum.label !== "") {
        relation["voprov:descriptor"] = name(this.#roleOf(quantum.label, connection, isUsage));
      }
    }
    this.#relate(isUsage ? "used" : "wasGeneratedBy", relation);
  }

  /** The description of a connection of a task, made when it is first asked for. */
  #roleOf(label: string, connection: string, isUsage: boolean): string {
    const what = isUsage ? "Usage" : "Generation";
    const task = `task:${localPart(label)}`;
    const id = `${task}/${what.toLowerCase()}/${localPart(connection)}`;
    if (this.document.entity[id] === undefined) {
      this.document.entity[id] = {
        "prov:type": name(`voprov:${what}Description`),
        "voprov:role": connection,
      };
      this.#influence(id, task, "voprov:RelatedToRelation");
    }
    return id;
  }

  #describe(id: string, description: string, kind: string, label: string): void {
    this.document.entity[description] ??= {
      "prov:type": name(`voprov:${kind}`),
      "voprov:name": label,
    };
    this.#influence(id, description, "voprov:DescriptionRelation");
  }

  /** PROV has no relation of descriptions; this is what `voprov` makes of them. */
  #influence(influencee: string, influencer: string, type: string): void {
    this.#relate("wasInfluencedBy", {
      "prov:influencee": influencee,
      "prov:influencer": influencer,
      "prov:type": name(type),
    });
  }

  #relate(
    kind: "used" | "wasGeneratedBy" | "wasAssociatedWith" | "wasInfluencedBy",
    record: ProvRecord,
  ): void {
    this.document[kind][`_:r${++this.#nRelations}`] = record;
  }
}

/** Label and data ID. */
function named(node: TraceNode): ProvRecord {
  const dataId = dataIdObject(node.group, node.dataCoordinate);
  const record: ProvRecord = {};
  if (node.label !== "") {
    const text = dataIdText(dataId, node.group?.required);
    record["voprov:name"] = node.label;
    record["prov:label"] = text === "" ? node.label : `${node.label} ${text}`;
  }
  for (const [dimension, value] of Object.entries(dataId)) {
    const stored = scalar(value);
    if (stored !== null) record[`dim:${localPart(dimension)}`] = stored;
  }
  return record;
}

function attemptValues({ status, caveats, exception, usage }: Attempt): ProvRecord {
  const record: ProvRecord = { "provgraph:status": attemptStatusName(status) };
  const flags = caveatNames(caveats ?? 0);
  if (flags.length > 0) record["provgraph:caveats"] = flags;
  if (exception !== null) {
    record["provgraph:exception"] = exception.typeName;
    record["voprov:comment"] = exception.message;
  }
  if (usage === null) return record;
  const start = parseIsoTime(usage.start);
  const seconds = usage.prepTime + usage.initTime + usage.runTime;
  if (start !== null && isTime(start)) {
    record["prov:startTime"] = formatIsoTime(start);
    const end = start + Math.round(seconds * 1e6);
    if (end >= start && isTime(end)) record["prov:endTime"] = formatIsoTime(end);
  }
  for (
    const [key, value] of [
      ["memory", usage.memory],
      ["run_time_cpu", usage.cpuSeconds],
    ] as const
  ) {
    if (Number.isFinite(value)) record[`provgraph:${key}`] = double(value);
  }
  return record;
}

function isTime(micros: number): boolean {
  return micros >= FIRST_TIME && micros < END_OF_TIME;
}

function scalar(value: JsonValue): ProvValue | null {
  if (typeof value === "bigint") return { $: String(value), type: "xsd:long" };
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return value >= -MAX_INT && value < MAX_INT ? value : { $: String(value), type: "xsd:long" };
  }
  if (typeof value === "number") return Number.isFinite(value) ? double(value) : null;
  return typeof value === "object" ? null : value;
}

/** Typed, as a whole number would be taken for an integer. */
function double(value: number): ProvValue {
  return { $: String(value), type: "xsd:double" };
}

function name(text: string): ProvValue {
  return { $: text, type: "prov:QUALIFIED_NAME" };
}

/** Text as the local part of a qualified name. */
function localPart(text: string): string {
  return text.replaceAll(PLAIN, (letter) => encodeURIComponent(letter.toWellFormed()));
}
