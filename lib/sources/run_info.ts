/**
 * How far a RUN of a repository has come: what its registry holds, compared with the provenance graph
 * that it holds.
 *
 * @module
 */

import { IdList } from "../base/id_list.ts";
import { containsUuid } from "../base/sort_ids.ts";
import { UUID_SIZE, uuidFromText } from "../base/uuid.ts";
import { PROVENANCE_FORMATTER, RUN_PROVENANCE } from "../butler/registry/provenance_dataset.ts";
import type { Registry } from "../butler/registry/registry.ts";
import { backedKind } from "../provenance/backed_types.ts";
import { readProduced } from "../provenance/documents/dataset.ts";
import { readInitQuanta } from "../provenance/documents/init_quanta.ts";
import { quantumFileIds, quantumStatus, readQuantum } from "../provenance/documents/quantum.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import { CONFIG_CONNECTION } from "../qg/pipeline_graph.ts";
import type { GraphInfo, IngestStage, RunInfo } from "./info.ts";
import { parseStored } from "./parse_stored.ts";
import type { DocumentSource } from "./source.ts";

/** What is asked of the graph that a RUN holds. */
interface RunGraph extends Pick<DocumentSource, "name" | "quanta" | "dataset"> {
  initQuantaText(): Promise<Uint8Array>;
}

/**
 * Looks at all datasets of a RUN and, if it holds a graph, at all quanta of that.
 * Memory: 16 bytes for each dataset that a graph backs.
 *
 * @param graph The graph that the RUN holds, or null.
 */
export async function runInfo(
  registry: Registry,
  run: string,
  path: string,
  graph: { documents: RunGraph; info: GraphInfo } | null,
): Promise<RunInfo> {
  const types = new Map(
    (await registry.datasetTypesInRun(run)).map((type) => [
      type.name,
      {
        kind: backedKind(type),
        count: { name: type.name, nDatasets: 0, nStored: 0, nBacked: 0 },
      },
    ]),
  );
  const backed = new IdList();
  let nOwnFiles = 0;
  let nOthers = 0;
  let lastId = new Uint8Array(UUID_SIZE);
  for await (const batch of registry.runRecords(run)) {
    for (let i = 0; i < batch.n; i++) {
      const id = batch.ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE);
      const known = types.get(batch.typeNames[i]);
      // A disassembled dataset has a record for each component.
      if (known === undefined || id.every((byte, k) => byte === lastId[k])) continue;
      lastId = id;
      const { kind, count } = known;
      count.nDatasets++;
      if (batch.paths[i] !== null) count.nStored++;
      const isBacked = batch.formatters[i] === PROVENANCE_FORMATTER;
      if (isBacked && count.name !== RUN_PROVENANCE) {
        count.nBacked++;
        backed.push(id);
      } else if (kind !== null) nOwnFiles++;
      else if (count.name !== RUN_PROVENANCE) nOthers++;
    }
  }
  const nNotBacked = graph === null ? 0 : await countNotBacked(graph.documents, backed.bytes);
  return {
    kind: "run",
    path,
    run,
    stage: stageOf(graph !== null, nOwnFiles, nOthers, nNotBacked),
    datasetTypes: [...types.values()].map(({ count }) => count)
      .filter(({ nDatasets }) => nDatasets > 0)
      .sort((a, b) => a.name < b.name ? -1 : 1),
    nNotBacked,
    graph: graph?.info ?? null,
  };
}

function stageOf(
  hasGraph: boolean,
  nOwnFiles: number,
  nOthers: number,
  nNotBacked: number,
): IngestStage {
  if (hasGraph) return nOwnFiles === 0 && nNotBacked === 0 ? "ingested" : "half ingested";
  if (nOwnFiles > 0) return "registered";
  return nOthers > 0 ? "promised" : "none";
}

/** Documents of the graph whose datasets it doesn't back. */
async function countNotBacked(graph: RunGraph, backed: Uint8Array): Promise<number> {
  let n = 0;
  const look = (id: string | null) => {
    if (id !== null && !containsUuid(backed, uuidFromText(id))) n++;
  };
  for await (const text of graph.quanta()) {
    const { metadataId, logId, lastStatus } = parseStored(`quantum in ${graph.name}`, () => {
      const quantum = readQuantum(text);
      return { ...quantumFileIds(quantum), lastStatus: quantumStatus(quantum) };
    });
    const hasMetadata = lastStatus === AttemptStatus.SUCCESSFUL ||
      lastStatus === AttemptStatus.ABORTED_SUCCESS;
    if (hasMetadata) look(metadataId);
    if (lastStatus === AttemptStatus.SUCCESSFUL) look(logId);
    // A failed quantum may have died without a log.
    if (lastStatus === AttemptStatus.FAILED && logId !== null && await wasProduced(graph, logId)) {
      look(logId);
    }
  }
  const initText = await graph.initQuantaText();
  const initQuanta = parseStored(
    `init quanta of ${graph.name}`,
    () => readInitQuanta(initText),
  );
  for (const { outputs } of initQuanta) look(outputs.get(CONFIG_CONNECTION) ?? null);
  return n;
}

async function wasProduced(graph: RunGraph, id: string): Promise<boolean> {
  const text = await graph.dataset({ kind: "id", id: uuidFromText(id), words: [id] });
  return parseStored(`dataset ${id} in ${graph.name}`, () => readProduced(text));
}
