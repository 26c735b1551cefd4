/**
 * Whether a graph is that of the RUN it is to be ingested into, asked before anything is changed. A RUN's
 * name says little: another repository may have one of the same name, or another graph may have been
 * made for the same RUN. Ids tell. `aggregate-graph` registers all that a graph has as produced, but for
 * metadata, logs and configs with `--promise-ingest-graph`; an interrupted ingest has forgotten these.
 *
 * @module
 */

import { equalBytes } from "../base/bytes.ts";
import { RefusedError } from "../base/errors.ts";
import { isUuidText, uuidFromText, uuidToText } from "../base/uuid.ts";
import type { Registry } from "../butler/registry/registry.ts";
import { type DatasetDocument, readDataset } from "../provenance/documents/dataset.ts";
import { readInitQuanta } from "../provenance/documents/init_quanta.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import { type Targets, TargetState } from "../provenance/targets.ts";
import type { ProvenanceGraph } from "../qg/provenance_graph.ts";

/** Datasets looked up at most, of each sort. */
const MAX_LOOKED_UP = 256;
/** Quanta whose outputs are looked up. */
const MAX_QUANTA = 64;
/** Of what is looked up, this part must be registered: others may have been removed on purpose. */
const MIN_PART = 0.1;

/** What is asked. */
interface RightGraphQuestion {
  graph: ProvenanceGraph;
  targets: Targets;
  registry: Registry;
  run: string;
  /** The repository as the user called it. */
  repository: string;
  /** Whether a graph is taken in which nothing ran. */
  allowEmpty: boolean;
}

/**
 * Refuses the graph of another RUN or repository, and one in which nothing ever ran.
 *
 * @throws {RefusedError} naming what was looked for, and what was found.
 */
export async function requireRightGraph(question: RightGraphQuestion): Promise<void> {
  const { graph, targets, allowEmpty } = question;
  const produced = producedTargets(targets);
  const hasRun = produced.some((target) => kindOf(targets, target) !== "config");
  if (!hasRun && graph.header.n_quanta > 0 && !allowEmpty) {
    throw new RefusedError(
      `Cannot ingest graph "${graph.name}": it has no log and no metadata of any of its ` +
        `${graph.header.n_quanta} quanta, as if nothing had ever run`,
      {
        hint:
          "if files of the run exist, see to it that their disk is mounted and run aggregate-graph " +
          "again; give --allow-empty to ingest the graph as it is",
      },
    );
  }
  const registered = produced.filter((target) => targets.state[target] !== TargetState.ABSENT);
  await requireNoOtherIds(question, produced);
  if (registered.length > produced.length * MIN_PART) return;
  const found = await lookUpOutputs(question, produced);
  if (found.nOutputs > 0) {
    if (found.nRegistered > found.nOutputs * MIN_PART) return;
    throw refusal(
      question,
      `of its ${produced.length} metadata, log and config datasets ${registered.length} are ` +
        `registered there, and of ${found.nOutputs} other outputs that were looked up ` +
        `${found.nRegistered}`,
    );
  }
  if (found.nInputs > 0 && found.nKnownInputs === 0) {
    throw refusal(question, `none of ${found.nInputs} inputs of its quanta is in the repository`);
  }
}

function refusal({ graph, run, repository }: RightGraphQuestion, found: string): RefusedError {
  return new RefusedError(
    `Cannot ingest graph "${graph.name}" into RUN "${run}" of "${repository}": ${found}`,
    {
      hint:
        "it seems to be the graph of another repository or run, or its aggregate-graph was not " +
        "completed: give the graph that aggregate-graph wrote for this RUN",
    },
  );
}

function kindOf(targets: Targets, target: number) {
  return targets.originalTypes[targets.typeIndex(target)].kind;
}

/** Targets with content. */
function producedTargets(targets: Targets): Uint32Array {
  const produced = new Uint32Array(targets.n);
  let n = 0;
  for (let target = 0; target < targets.n; target++) {
    if (targets.produced[target] === 1) produced[n++] = target;
  }
  return produced.subarray(0, n);
}

/** Some of many, evenly. */
function* sample(all: Uint32Array, nMost: number): Generator<number> {
  const n = Math.min(nMost, all.length);
  for (let i = 0; i < n; i++) yield all[Math.floor(i * all.length / n)];
}

/** Data IDs that are registered under other ids belong to another graph of the RUN. */
async function requireNoOtherIds(
  { graph, targets, registry, run, repository }: RightGraphQuestion,
  produced: Uint32Array,
): Promise<void> {
  const absent = produced.filter((target) => targets.state[target] === TargetState.ABSENT);
  for (const target of sample(absent, MAX_LOOKED_UP)) {
    const { name, group } = targets.types[targets.typeIndex(target)];
    const required = targets.dataId(target).slice(0, group.required.length);
    const other = await registry.findDataset(name, run, required);
    if (other === null || equalBytes(other, targets.id(target))) continue;
    throw new RefusedError(
      `Cannot ingest graph "${graph.name}" into RUN "${run}" of "${repository}": its ${name} ` +
        `${uuidToText(targets.id(target))} is registered there as ${uuidToText(other)}`,
      {
        hint:
          "the RUN was executed with another quantum graph of the same name: give the provenance " +
          "graph that was made with that one",
      },
    );
  }
}

/** What was found of other datasets that a graph names. */
interface LookedUp {
  nOutputs: number;
  nRegistered: number;
  nInputs: number;
  nKnownInputs: number;
}

/** Looks up what some quanta have written besides targets, and what they have read. */
async function lookUpOutputs(
  question: RightGraphQuestion,
  produced: Uint32Array,
): Promise<LookedUp> {
  const { graph, targets, registry, run } = question;
  const result: LookedUp = { nOutputs: 0, nRegistered: 0, nInputs: 0, nKnownInputs: 0 };
  const seen = new Set<string>();
  const look = async (idText: string) => {
    if (!isUuidText(idText) || seen.has(idText)) return;
    seen.add(idText);
    const id = uuidFromText(idText);
    if (targets.find(id, 0) >= 0) return;
    const document = await datasetDocument(graph, id);
    if (document === null || !document.produced) return;
    const info = await registry.datasetInfo(id);
    if (document.producer === null) {
      if (result.nInputs >= MAX_LOOKED_UP) return;
      result.nInputs++;
      if (info !== null) result.nKnownInputs++;
    } else if (document.run === run && result.nOutputs < MAX_LOOKED_UP) {
      result.nOutputs++;
      if (info?.run === run && info.typeName === document.typeName) result.nRegistered++;
    }
  };
  for (const init of readInitQuanta(await graph.initQuantaText())) {
    for (const id of init.outputs.values()) await look(id);
  }
  const ofQuanta = produced.filter((target) => kindOf(targets, target) !== "config");
  for (const target of sample(ofQuanta, MAX_QUANTA)) {
    for (const id of await datasetsBeside(graph, targets.id(target))) await look(id);
  }
  return result;
}

/** Ids of all that the quantum of a dataset has read and written. */
async function datasetsBeside(graph: ProvenanceGraph, id: Uint8Array): Promise<string[]> {
  const producer = (await datasetDocument(graph, id))?.producer ?? null;
  const node = producer === null || !isUuidText(producer)
    ? null
    : await graph.find(uuidFromText(producer));
  if (node === null || node.quantum.size === 0) return [];
  const { inputs, outputs } = readQuantum(await graph.readQuantum(node.quantum));
  return [...outputs.values(), ...inputs.values()].flat();
}

async function datasetDocument(
  graph: ProvenanceGraph,
  id: Uint8Array,
): Promise<DatasetDocument | null> {
  const node = await graph.find(id);
  if (node === null || node.dataset.size === 0) return null;
  return readDataset(await graph.readDataset(node.dataset));
}
