/**
 * What `trace` prints.
 *
 * @module
 */

import { dataIdText } from "../../base/text/data_id_text.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import type { Trace, TraceNode } from "../../inspect/trace/trace.ts";
import { dotLines, mermaidLines, treeLines } from "../../inspect/trace/trace_layout.ts";
import { dataIdObject } from "../../sources/rows.ts";
import type { Style } from "../terminal/color.ts";
import { jsonLine, OutputBuffer } from "../terminal/ndjson.ts";
import type { PagedOutput } from "../terminal/pager.ts";
import { statusText } from "../terminal/status_text.ts";

/** Layouts. */
export type TraceFormat = "tree" | "json" | "dot" | "mermaid";

/** Prints what `trace` found. */
export function printTrace(
  found: Trace,
  format: TraceFormat,
  style: Style,
  output: PagedOutput,
): void {
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
