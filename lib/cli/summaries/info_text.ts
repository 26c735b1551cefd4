/** What `info` says of a source. @module */

import type { JsonValue } from "../../base/json_text.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import type {
  ChunkLogInfo,
  GraphInfo,
  HeaderInfo,
  RepositoryInfo,
  RunInfo,
  SourceInfo,
  TaskInfo,
} from "../../sources/info.ts";
import type { Style } from "../terminal/color.ts";
import type { JsonFields } from "../terminal/ndjson.ts";
import { statusText } from "../terminal/status_text.ts";
import { formatTable } from "../terminal/table.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** In the order of columns. */
const STATUSES = ["SUCCESSFUL", "FAILED", "BLOCKED", "ABORTED_SUCCESS", "ABORTED", "UNKNOWN"];

/** What each stage of ingest means. */
const STAGES: Readonly<Record<RunInfo["stage"], string>> = {
  "none": "no datasets are registered",
  "registered": "metadata, logs and configs are registered with files of their own",
  "promised": "no metadata, logs and configs are registered: they wait for ingest-graph",
  "half ingested":
    "the provenance graph is registered, but doesn't back all yet: ingest-graph goes on",
  "ingested": "complete: nothing more may be executed here",
};

/** What a source is, as fields of a JSON line. */
export function infoJson(info: SourceInfo): JsonFields {
  switch (info.kind) {
    case "provenance graph":
    case "predicted graph":
      return graphJson(info);
    case "chunk log":
      return {
        kind: "chunk_log",
        path: info.path,
        size: info.sizeBytes,
        ...headerJson(info.header),
        tasks: info.tasks.map(taskJson),
        n_scanned: info.nScanned,
        statuses: info.statuses,
        n_stale_bytes: info.nStaleBytes,
      };
    case "repository":
      return {
        kind: "repository",
        path: info.path,
        registry: info.dialect,
        datastore_root: info.datastoreRoots[0],
        datastore_roots: info.datastoreRoots,
        universe: info.universe,
        ingested_runs: info.ingestedRuns,
      };
    case "run":
      return {
        kind: "run",
        path: info.path,
        run: info.run,
        stage: info.stage.replace(" ", "_"),
        dataset_types: info.datasetTypes.map(({ name, nDatasets, nStored, nBacked }) => ({
          name,
          n_datasets: nDatasets,
          n_stored: nStored,
          n_backed: nBacked,
        })),
        n_not_backed: info.nNotBacked,
        graph: info.graph && { ...graphJson(info.graph) },
      };
  }
}

function graphJson(info: GraphInfo): JsonFields {
  return {
    kind: info.kind.replace(" ", "_"),
    path: info.path,
    size: info.sizeBytes,
    ...headerJson(info.header),
    tasks: info.tasks.map(taskJson),
    members: info.members.map(({ name, sizeBytes }) => ({ name, size: sizeBytes })),
  };
}

function headerJson(header: HeaderInfo): Record<string, JsonValue> {
  return {
    format_version: header.formatVersion,
    run: header.run,
    output: header.output,
    inputs: header.inputs,
    user: header.user,
    timestamp: header.timestamp,
    command: header.command,
    n_quanta: header.nQuanta,
    n_datasets: header.nDatasets,
    provenance_dataset_id: header.provenanceDatasetId,
  };
}

function taskJson({ task, nQuanta, statuses }: TaskInfo): Record<string, JsonValue> {
  return { task, n_quanta: nQuanta, statuses };
}

/** What a source is, for people. */
export function infoText(info: SourceInfo, style: Style): string {
  switch (info.kind) {
    case "provenance graph":
    case "predicted graph":
      return graphText(info, style);
    case "chunk log":
      return chunkLogText(info, style);
    case "repository":
      return repositoryText(info);
    case "run":
      return runText(info, style);
  }
}

/** Lines `NAME  VALUE`; what is empty is left out. */
function listed(lines: readonly [name: string, value: string][]): string {
  return lines.filter(([, value]) => value !== "")
    .map(([name, value]) => `${name.padEnd(18)}${visibleLine(value)}\n`).join("");
}

function graphText(info: GraphInfo, style: Style): string {
  const members = formatTable(
    [{ title: "member" }, { title: "bytes", align: "right" }],
    info.members.map(({ name, sizeBytes }) => [name, String(sizeBytes)]),
    { style },
  );
  return `${listed([[info.kind, info.path], ...headerLines(info.header, info.sizeBytes)])}\n` +
    `${tasksText(info.tasks, style)}\n${members}`;
}

function headerLines(header: HeaderInfo, sizeBytes: number): [string, string][] {
  return [
    ["size", formatBytes(sizeBytes)],
    ["format version", String(header.formatVersion)],
    ["RUN", header.run || "none"],
    ["output chain", header.output ?? ""],
    ["inputs", header.inputs.join(", ")],
    ["built by", header.user],
    ["built at", header.timestamp],
    ["command", header.command],
    ["quanta", String(header.nQuanta)],
    ["datasets", String(header.nDatasets)],
    ["graph's ID", header.provenanceDatasetId],
  ];
}

function tasksText(tasks: readonly TaskInfo[], style: Style): string {
  const shown = STATUSES.filter((name) =>
    tasks.some(({ statuses }) => (statuses?.[name] ?? 0) > 0)
  );
  return formatTable(
    [
      { title: "task" },
      { title: "quanta", align: "right" },
      ...shown.map((title) => ({ title, align: "right" as const })),
    ],
    tasks.map(({ task, nQuanta, statuses }) => [
      task,
      String(nQuanta),
      ...shown.map((name) => String(statuses?.[name] ?? 0)),
    ]),
    { style },
  );
}

function chunkLogText(info: ChunkLogInfo, style: Style): string {
  const statuses = STATUSES.filter((name) => (info.statuses[name] ?? 0) > 0)
    .map((name) => `${info.statuses[name]} ${statusText(name, style)}`);
  return `${
    listed([
      [info.kind, info.path],
      ...headerLines(info.header, info.sizeBytes),
      ["scanned", [`${info.nScanned} of ${info.header.nQuanta} quanta`, ...statuses].join(", ")],
      ["replaced", info.nStaleBytes > 0 ? formatBytes(info.nStaleBytes) : ""],
    ])
  }\n${tasksText(info.tasks, style)}`;
}

function repositoryText(info: RepositoryInfo): string {
  return listed([
    ["repository", info.path],
    ["registry", info.dialect],
    ...info.datastoreRoots.map((root, i): [string, string] => [i === 0 ? "datastore" : "", root]),
    ["universe", `${info.universe.namespace}, version ${info.universe.version}`],
    ["ingested RUNs", info.ingestedRuns.join(", ") || "none"],
  ]);
}

function runText(info: RunInfo, style: Style): string {
  const types = formatTable(
    [
      { title: "dataset type" },
      { title: "registered", align: "right" },
      { title: "stored", align: "right" },
      { title: "in the graph", align: "right" },
    ],
    info.datasetTypes.map(({ name, nDatasets, nStored, nBacked }) => [
      name,
      String(nDatasets),
      String(nStored),
      String(nBacked),
    ]),
    { style },
  );
  const head = listed([
    ["repository", info.path],
    ["RUN", info.run],
    ["ingest", `${style.bold(info.stage)}: ${STAGES[info.stage]}`],
    ["not backed", info.nNotBacked > 0 ? `${info.nNotBacked} of what the graph has` : ""],
  ]);
  return [
    head,
    ...(info.datasetTypes.length > 0 ? [types] : []),
    ...(info.graph === null ? [] : [graphText(info.graph, style)]),
  ].join("\n");
}
