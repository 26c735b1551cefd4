/** How long functions and classes may be, and how much a constructor may ask for. */

import assert from "node:assert/strict";
import { allSources, read } from "./house.ts";

/** Lines of a function, and of a class. */
const MAX_FUNCTION = 80;
const MAX_CLASS = 300;
/** Arguments of a constructor. */
const MAX_ARGUMENTS = 5;

/**
 * What is larger and waits to be cut: never to be added to, only taken from. An entry whose subject is small
 * enough must go.
 */
const EXCEPTIONS: readonly string[] = [
  "lib/aggregate/aggregate.ts: function aggregate",
  "lib/aggregate/scan/scanner.ts: class Scanner",
  "lib/aggregate/scan/scanner.ts: function scanOne",
  "lib/aggregate/shards/scan_shard.ts: function scan",
  "lib/aggregate/supervisor.ts: class Supervisor",
  "lib/base/json_text.ts: class JsonCursor",
  "lib/butler/registry/dataset_types.ts: class DatasetTypes",
  "lib/butler/registry/postgres/connection.ts: class PostgresConnection",
  "lib/check/file/provenance_data.ts: class DataCheck",
  "lib/explore/page/virtual_list.ts: function VirtualList",
  "lib/ingest/graph_ingest.ts: class GraphIngest",
  "lib/qg/predicted/predicted_graph.ts: class PredictedGraph",
  "lib/qg/provenance_graph.ts: class ProvenanceGraph",
  "lib/sources/repository_source.ts: class RepositoryDocuments",
];

/** Everything of a source that is larger than it may be, as `path: what`. */
function tooLarge(path: string, text: string): string[] {
  const found: string[] = [];
  const lineAt = lineFinder(text);
  const nLines = ({ range: [start, end] }: Deno.lint.Node) => lineAt(end) - lineAt(start) + 1;
  const tell = (what: string) => found.push(`${path}: ${what}`);
  const visitFunction = (node: FunctionNode) => {
    if (nLines(node) > MAX_FUNCTION) tell(`function ${nameOf(node)}`);
  };
  const visitClass = (node: Deno.lint.ClassDeclaration | Deno.lint.ClassExpression) => {
    if (nLines(node) > MAX_CLASS) tell(`class ${node.id?.name ?? "without name"}`);
    for (const member of node.body.body) {
      if (member.type !== "MethodDefinition" || member.kind !== "constructor") continue;
      if (member.value.params.length > MAX_ARGUMENTS) {
        tell(`constructor of ${node.id?.name ?? "a class without name"}`);
      }
    }
  };
  Deno.lint.runPlugin(
    {
      name: "sizes",
      rules: {
        sizes: {
          create: () => ({
            FunctionDeclaration: visitFunction,
            FunctionExpression: visitFunction,
            ArrowFunctionExpression: visitFunction,
            ClassDeclaration: visitClass,
            ClassExpression: visitClass,
          }),
        },
      },
    },
    path,
    text,
  );
  return found;
}

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** The name that a function has where it stands. */
function nameOf(node: FunctionNode): string {
  if (node.type !== "ArrowFunctionExpression" && node.id !== null) return node.id.name;
  const parent = node.parent;
  if (parent.type === "MethodDefinition" || parent.type === "Property") {
    const { key } = parent;
    if (key.type === "Identifier" || key.type === "PrivateIdentifier") return key.name;
  }
  if (parent.type === "VariableDeclarator" && parent.id.type === "Identifier") {
    return parent.id.name;
  }
  return "without name";
}

/** Gives the line, from 0, of a position in a text. */
function lineFinder(text: string): (position: number) => number {
  const starts = [0];
  for (let at = 0; (at = text.indexOf("\n", at) + 1) > 0;) starts.push(at);
  return (position) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= position) low = middle;
      else high = middle;
    }
    return low;
  };
}

Deno.test(
  `functions have at most ${MAX_FUNCTION} lines, classes ${MAX_CLASS}, constructors ` +
    `${MAX_ARGUMENTS} arguments, but for what waits to be cut`,
  () => {
    const sources = allSources().filter((path) => /(?<!\.as|\.d)\.ts$/.test(path));
    assert.ok(sources.length > 300, `${sources.length} sources`);
    assert.deepEqual(
      sources.flatMap((path) => tooLarge(path, read(path))).sort(),
      [
        ...EXCEPTIONS,
      ].sort(),
    );
  },
);

const lines = (n: number) => "\n".repeat(n - 1);
for (
  const [text, expected] of [
    [`function f() {${lines(80)}}`, []],
    [`function f() {${lines(81)}}`, ["a.ts: function f"]],
    [`const f = () => {${lines(81)}};`, ["a.ts: function f"]],
    [`g(async () => {${lines(81)}});`, ["a.ts: function without name"]],
    [`class C { #m() {${lines(81)}} }`, ["a.ts: function m"]],
    [`class C {${lines(300)}}`, []],
    [`/** C. */ export class C {${lines(301)}}`, ["a.ts: class C"]],
    ["class C { constructor(a, b, c, d, e) {} }", []],
    ["class C { constructor(a, b, c, d, { e, f }, g) {} }", ["a.ts: constructor of C"]],
  ] as const
) {
  Deno.test(`${expected.length === 0 ? "small enough" : "too large"}: ${text.replace(/\n+/, "...")}`, () => {
    assert.deepEqual(tooLarge("a.ts", text), expected);
  });
}
