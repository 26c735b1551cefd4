/** `trace SOURCE ID`. @module */

import { Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import { dataIdObject } from "../../sources/rows.ts";
import type { Trace, TraceNode } from "../../inspect/trace/trace.ts";
import { type BusyOptions, busyTimeoutOption, integerAtLeast } from "../args.ts";
import type { Style } from "../terminal/color.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import { TRACE_EPILOGUE } from "../manual/help.ts";
import { jsonLine, OutputBuffer } from "../terminal/ndjson.ts";
import { type PagedOutput, withPager } from "../terminal/pager.ts";
import { statusText } from "../terminal/status_text.ts";

const FORMATS = ["tree", "json", "dot", "mermaid"] as const;
type Format = typeof FORMATS[number];

/** Quanta and datasets that are shown. */
const DEFAULT_LIMIT = 1000;

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  up: boolean;
  down: boolean;
  depth?: number;
  limit: number;
  format?: Format;
  json: boolean;
}

/** Defines the command. */
export function traceCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("trace")
    .summary("show what made a quantum or dataset, or what depends on it")
    .description(
      "Show what a quantum or dataset was made from (--up), or what depends on it (--down).",
    )
    .argument(
      "<source>",
      "quantum graph (path or URL), chunk log, or butler repository with an ingested graph",
    )
    .argument("<id...>", "UUID or prefix of one, or LABEL DIMENSION=VALUE...")
    .option("--run <run>", "RUN collection of a repository")
    .option("--up", "what it was made from (default)", false)
    .option("--down", "what depends on it", false)
    .option("--depth <n>", "steps to go, each from dataset to quantum or back", integerAtLeast(0))
    .addOption(
      new Option("--limit <n>", "quanta and datasets to show at most, the nearest first")
        .argParser(integerAtLeast(1)).default(DEFAULT_LIMIT),
    )
    .addOption(new Option("--format <format>", "layout (default: tree)").choices(FORMATS))
    .option("--json", "same as --format json", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", TRACE_EPILOGUE)
    .action(async (argument: string, idWords: string[], options: Options) => {
      const context = start("trace");
      const format = chooseFormat(options);
      const { parseSelector } = await import("../../sources/selector.ts");
      const { trace } = await import("../../inspect/trace/trace.ts");
      const selector = parseSelector(idWords)!;
      await using source = await openArgument(argument, options.run, options, cli, context);
      const graph = await source.traceSource();
      const found = await trace(
        graph,
        await graph.locate(selector),
        options.down ? "down" : "up",
        { maxDepth: options.depth ?? null, maxNodes: options.limit },
      );
      await withPager(
        context,
        format === "tree",
        (output) => print(found, format, context.style, output),
      );
      if (found.nBeyondLimit > 0) {
        context.log.log(
          "WARNING",
          `Not all is shown: ${found.nBeyondLimit} more beyond --limit ${options.limit}.`,
        );
      }
    });
}

function chooseFormat({ up, down, format, json }: Options): Format {
  if (up && down) {
    throw new UsageError("Cannot trace in both directions at once: --up excludes --down");
  }
  if (json && format !== undefined && format !== "json") {
    throw new UsageError(`Cannot print ${format} as JSON: --json excludes --format ${format}`);
  }
  return json ? "json" : format ?? "tree";
}

async function print(
  found: Trace,
  format: Format,
  style: Style,
  output: PagedOutput,
): Promise<void> {
  const { dotLines, mermaidLines, treeLines } = await import("../../inspect/trace/trace_layout.ts");
  using buffer = new OutputBuffer(output);
  if (format === "json") return buffer.write(asJson(found));
  const lines = format === "tree"
    ? treeLines(found, (node) => describe(node, style))
    : format === "dot"
    ? dotLines(found, shortText)
    : mermaidLines(found, shortText);
  for (const line of lines) buffer.write(`${line}\n`);
}

/** `calibrate visit=1 detector=2 FAILED  019f1af9-...`. */
function describe(node: TraceNode, style: Style): string {
  const words = [style.bold(visibleLine(nameOf(node))), visibleLine(dataIdWords(node))];
  if (node.status !== null) words.push(statusText(node.status, style));
  if (node.produced === false) words.push(style.yellow("(not produced)"));
  return `${words.filter((word) => word !== "").join(" ")}  ${style.dim(node.id)}`;
}

/** For boxes of a drawing. */
function shortText(node: TraceNode): string {
  const words = [nameOf(node), dataIdWords(node), node.status ?? ""];
  if (node.produced === false) words.push("(not produced)");
  return visibleLine(words.filter((word) => word !== "").join(" "));
}

function nameOf({ kind, isInit, label }: TraceNode): string {
  if (kind === "dataset") return label;
  return isInit ? `init quantum ${label}`.trimEnd() : `quantum ${label}`;
}

function dataIdWords({ group, dataCoordinate }: TraceNode): string {
  return dataIdText(dataIdObject(group, dataCoordinate), group?.required);
}

function asJson(found: Trace): string {
  return jsonLine("trace", {
    direction: found.direction,
    root: found.root,
    nodes: [...found.nodes.values()].map((node) => {
      const dataId = dataIdObject(node.group, node.dataCoordinate);
      const common = { id: node.id, depth: node.depth, n_not_shown: node.nNotVisited };
      return node.kind === "quantum"
        ? {
          kind: node.isInit ? "init_quantum" : "quantum",
          ...common,
          task: node.label,
          data_id: dataId,
          status: node.status,
        }
        : {
          kind: "dataset",
          ...common,
          dataset_type: node.label,
          data_id: dataId,
          run: node.run,
          produced: node.produced,
        };
    }),
    edges: found.edges.map(({ from, to, connection }) => ({ from, to, connection })),
    n_beyond_limit: found.nBeyondLimit,
    n_beyond_depth: found.nBeyondDepth,
  });
}
