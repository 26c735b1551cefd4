/**
 * A trace as a tree, for people, and as a graph, for programs that draw: DOT of Graphviz and Mermaid.
 *
 * @module
 */

import { visibleLine } from "../base/visible_text.ts";
import type { Trace, TraceNode } from "./trace.ts";

/** Where the branches of a tree end: how deep a chain may be before it is no tree for people. */
const MAX_TREE_DEPTH = 1000;

/** A line of a tree that is still to come. */
interface Branch {
  /** Null for a line without anything below. */
  node: TraceNode | null;
  text: string;
  indent: string;
  mark: string;
  under: string;
}

/**
 * Lines of a tree. What was shown before is not unfolded again.
 *
 * @param describe One line for a quantum or dataset.
 */
export function* treeLines(
  { nodes, root }: Trace,
  describe: (node: TraceNode) => string,
): Generator<string> {
  const shown = new Set<string>();
  // Explicit, for a chain may be longer than the stack of calls.
  const stack: Branch[] = [{ node: nodes.get(root)!, text: "", indent: "", mark: "", under: "" }];
  while (stack.length > 0) {
    const { node, text, indent, mark, under } = stack.pop()!;
    if (node === null) {
      yield indent + mark + text;
      continue;
    }
    const isRepeated = shown.has(node.id);
    const hasMore = node.next.length > 0 || node.nNotVisited > 0;
    yield indent + mark + describe(node) + (isRepeated && hasMore ? " (see above)" : "");
    if (isRepeated) continue;
    shown.add(node.id);
    const inner = indent + under;
    if (inner.length > 3 * MAX_TREE_DEPTH) {
      if (hasMore) yield `${inner}└─ ... nested too deeply to be shown`;
      continue;
    }
    const branches: Pick<Branch, "node" | "text">[] = node.next
      .map((id) => ({ node: nodes.get(id)!, text: "" }));
    if (node.nNotVisited > 0) branches.push({ node: null, text: `... ${node.nNotVisited} more` });
    branches.reverse().forEach((branch, i) =>
      stack.push({
        ...branch,
        indent: inner,
        mark: i === 0 ? "└─ " : "├─ ",
        under: i === 0 ? "   " : "│  ",
      })
    );
  }
}

/** A trace in the language of Graphviz; data flows along the arrows. */
export function* dotLines(
  { nodes, edges }: Trace,
  describe: (node: TraceNode) => string,
): Generator<string> {
  const quote = (text: string) =>
    `"${visibleLine(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  yield "digraph trace {";
  yield "  rankdir=LR;";
  for (const node of nodes.values()) {
    const shape = node.kind === "quantum" ? "box" : "ellipse";
    const style = node.nNotVisited > 0 ? ", style=dashed" : "";
    yield `  ${quote(node.id)} [shape=${shape}${style}, label=${quote(describe(node))}];`;
  }
  for (const { from, to, connection } of edges) {
    yield `  ${quote(from)} -> ${quote(to)} [label=${quote(connection)}];`;
  }
  yield "}";
}

/** A trace as a Mermaid flow chart. */
export function* mermaidLines(
  { nodes, edges }: Trace,
  describe: (node: TraceNode) => string,
): Generator<string> {
  const names = new Map([...nodes.keys()].map((id, i) => [id, `n${i}`]));
  const quote = (text: string) =>
    `"${
      visibleLine(text).replaceAll("#", "#35;").replaceAll('"', "#quot;").replaceAll("<", "#lt;")
    }"`;
  yield "flowchart LR";
  for (const node of nodes.values()) {
    const name = names.get(node.id)!;
    const text = quote(describe(node));
    yield node.kind === "quantum" ? `  ${name}[${text}]` : `  ${name}([${text}])`;
  }
  for (const { from, to, connection } of edges) {
    const label = connection === "" ? "" : `|${quote(connection)}|`;
    yield `  ${names.get(from)} -->${label} ${names.get(to)}`;
  }
}
