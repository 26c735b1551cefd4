/** `check-downstream PREDICTED_GRAPH REPO --run RUN`. @module */

import { Command } from "commander";
import type { DownstreamCheck, DownstreamNeed } from "../../check/repository/downstream.ts";
import { type BusyOptions, busyTimeoutOption, filePath, lockWait } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import { ExitCode } from "../exit_codes.ts";
import { CHECK_DOWNSTREAM_EPILOGUE } from "../manual/help.ts";
import { requireOrder } from "../operands.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { shown, type Style } from "../terminal/color.ts";
import { formatTable } from "../terminal/table.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run: string;
  json: boolean;
}

/** Defines the command. */
export function checkDownstreamCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("check-downstream")
    .description(
      "Say whether ingest-graph on RUN is safe now: whether quanta of another predicted graph, not " +
        "run yet, read metadata, logs or configs of RUN from the files that it deletes.",
    )
    .argument("<predicted-graph>", "graph that is to be executed after RUN, or is being executed")
    .argument("<repo>", "butler repository of RUN")
    .requiredOption("--run <run>", "RUN collection that is to be ingested")
    .option("--json", "print JSON lines", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", CHECK_DOWNSTREAM_EPILOGUE)
    .action(async (graph: string, repository: string, options: Options, command: Command) => {
      const context = start("check-downstream");
      requireOrder({ graph, repository }, command, context);
      const { checkDownstream } = await import(
        import.meta.resolve("../../check/repository/downstream.ts")
      ) as typeof import("../../check/repository/downstream.ts");
      const graphPath = filePath(graph, cli.env, cli.cwd, "predicted graph");
      const { run, json } = options;
      const check = await checkDownstream(
        { graphPath, repository, run },
        cli.env,
        lockWait(options, context),
      );
      cli.terminal.write(
        json ? asJson(check, graph) : shown(asText(check, graph, context.style), context.style),
      );
      setExitCode(check.isSafe ? ExitCode.DONE : ExitCode.INCOMPLETE);
    });
}

function asJson(check: DownstreamCheck, graph: string): string {
  const needs = check.needs.map((need) =>
    jsonLine("need", {
      task: need.task,
      dataset_type: need.datasetType,
      kind: need.kind,
      n_quanta: need.nQuanta,
      n_pending_quanta: need.nPendingQuanta,
      n_pending_inputs: need.nPendingInputs,
      n_gone: need.nGone,
      n_backed_quanta: need.nBackedQuanta,
      samples: need.samples.map((sample) => ({
        quantum_id: sample.quantumId,
        data_id: sample.dataId,
        dataset_id: sample.datasetId,
        path: sample.path,
      })),
    })
  );
  return needs.join("") + jsonLine("summary", {
    safe: check.isSafe,
    run: check.run,
    predicted_graph: graph,
    downstream_run: check.downstreamRun,
    ingested: check.isIngested,
    downstream_ingested: check.isDownstreamIngested,
  });
}

function asText(check: DownstreamCheck, graph: string, style: Style): string {
  const { needs, run } = check;
  const verdict = check.isSafe
    ? `${style.green("safe")}: ingest-graph on RUN "${run}" takes nothing from "${graph}": ` +
      `${safeReason(check)}\n`
    : `${style.red("not safe")}: ${unsafeReason(check, graph)}\n`;
  if (needs.length === 0) return verdict;
  const table = formatTable(
    [
      { title: "task" },
      { title: "reads" },
      { title: "quanta", align: "right" },
      { title: "not done", align: "right" },
      { title: "from the graph", align: "right" },
      { title: "files", align: "right" },
      { title: "gone", align: "right" },
    ],
    needs.map((need) => [
      need.task,
      need.datasetType,
      String(need.nQuanta),
      String(need.nPendingQuanta),
      String(need.nBackedQuanta),
      String(need.nPendingInputs),
      String(need.nGone),
    ]),
    { style },
  );
  const samples = needs.flatMap(sampleLines);
  const hint = check.isSafe ? "" : `${nextStep(check)}\n`;
  return `${verdict}\n${table}${samples.length === 0 ? "" : `\n${samples.join("")}`}${hint}`;
}

function safeReason({ needs, downstreamRun, isDownstreamIngested }: DownstreamCheck): string {
  if (needs.length === 0) return "it reads no metadata, logs or configs of that RUN";
  if (needs.every(({ nQuanta }) => nQuanta === 0)) {
    return "what it reads of that RUN, it reads from the provenance graph";
  }
  return isDownstreamIngested
    ? `its own RUN "${downstreamRun}" is complete and ingested`
    : "all quanta that read files of that RUN have succeeded";
}

function unsafeReason({ needs, run, isIngested }: DownstreamCheck, graph: string): string {
  const nQuanta = needs.reduce((sum, need) => sum + need.nPendingQuanta, 0);
  return isIngested
    ? `${nQuanta} quanta of "${graph}" read files that ingest-graph on RUN "${run}" has deleted or ` +
      "will delete"
    : `${nQuanta} quanta of "${graph}" still read files that ingest-graph on RUN "${run}" deletes`;
}

/** One sample is enough for people. */
function sampleLines({ task, datasetType, samples }: DownstreamNeed): string[] {
  return samples.slice(0, 1).map((sample) => {
    const dataId = dataIdText(sample.dataId, sample.requiredDimensions);
    return `for example ${sample.quantumId} (${[task, dataId].join(" ").trim()}) reads ` +
      `${datasetType} ${sample.datasetId}${sample.path === null ? "" : `,\n  ${sample.path}`}\n`;
  });
}

function nextStep({ needs, downstreamRun }: DownstreamCheck): string {
  return needs.some(({ nGone }) => nGone > 0)
    ? "hint: build the predicted graph again: a graph built after ingest-graph reads from the " +
      "provenance graph"
    : `hint: ingest after these quanta have succeeded and aggregate-graph has registered RUN ` +
      `"${downstreamRun}", or build their graph after ingest-graph`;
}
