/** The layers of the house (`lib/README.md` tells what each folder holds), and what library code must never do. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import {
  allSources,
  code,
  findCircle,
  importedFiles,
  importGraph,
  imports,
  longestChain,
  reachable,
  read,
} from "./house.ts";
import { PROJECT } from "./support/fixtures.ts";

const BUTLER = [
  "butler/config",
  "butler/dimensions",
  "butler/datastore",
  "butler/registry",
  "butler/registry/tables",
  "butler/registry/write",
];
const BYTES = ["base", "storage", "storage/remote", "codec"];
const GRAPH = ["qg", "qg/predicted"];
const RECORDS = [
  "provenance",
  "provenance/documents",
  "provenance/originals",
  "provenance/table",
];
const AGGREGATE = [...BYTES, ...BUTLER, ...GRAPH, ...RECORDS, "chunks"];
const SOURCES = [...BYTES, ...BUTLER, ...GRAPH, ...RECORDS, "chunks"];

/** What the explorer's page is made of. */
const PAGE = [
  "base",
  "storage",
  "codec",
  "butler/dimensions",
  "qg",
  ...RECORDS,
  "sources",
  "sources/logs",
  "sources/trace",
  "inspect",
  "inspect/cat",
  "inspect/list",
  "inspect/why",
  "report",
  "browser",
  "lib/explore/served.ts",
];

/** What scanners and the writer have in common. */
const WORKERS_SHARE = [
  "lib/aggregate/messages.ts",
  "lib/aggregate/copy_blocks.ts",
  "lib/aggregate/copy_share.ts",
];

/** What each folder below `lib` may import besides itself and `schema/`; single files are named whole. */
const LAYERS: Record<string, readonly string[]> = {
  base: ["base/text"],
  "base/text": ["base"],
  storage: ["base"],
  "storage/remote": ["base", "storage"],
  "storage/remote/s3": ["base", "storage", "storage/remote"],
  "storage/remote/dav": ["base", "storage", "storage/remote"],
  codec: ["base", "storage"],
  "butler/config": ["base", "storage", "storage/remote"],
  "butler/dimensions": ["base", "butler/config"],
  "butler/datastore": ["base", "storage/remote", "butler/config", "butler/dimensions"],
  "butler/registry": ["base", "storage", ...BUTLER],
  "butler/registry/tables": ["base", "storage", ...BUTLER],
  "butler/registry/write": ["base", "storage", ...BUTLER],
  "butler/registry/sqlite": ["base", "storage", ...BUTLER],
  "butler/registry/postgres": ["base", "storage", ...BUTLER],
  qg: BYTES,
  "qg/predicted": [...BYTES, "qg"],
  provenance: [...BYTES, "butler/dimensions", "butler/datastore", ...GRAPH, ...RECORDS],
  "provenance/documents": ["base", "butler/datastore", "qg", "provenance"],
  "provenance/table": [
    ...BYTES,
    "butler/dimensions",
    ...GRAPH,
    "provenance",
    "provenance/documents",
  ],
  "provenance/originals": [...BYTES, "qg", "provenance", "provenance/documents"],
  // Chunks are numbered as the predicted graph's arrays are.
  chunks: [...BYTES, ...GRAPH, "provenance", "provenance/originals"],
  aggregate: [...AGGREGATE, "aggregate/scan", "aggregate/write", "aggregate/shards"],
  "aggregate/scan": [...AGGREGATE, ...WORKERS_SHARE],
  "aggregate/write": [
    ...BYTES,
    ...GRAPH,
    "provenance",
    "provenance/table",
    "chunks",
    ...WORKERS_SHARE,
  ],
  "aggregate/remote": [...AGGREGATE, "aggregate"],
  "aggregate/shards": [...AGGREGATE, "aggregate", "aggregate/scan"],
  ingest: [...BYTES, ...BUTLER, ...GRAPH, ...RECORDS, "ingest/originals", "ingest/remote"],
  "ingest/remote": [...BYTES, ...BUTLER, "ingest"],
  "ingest/originals": [...BYTES, ...BUTLER, ...GRAPH, ...RECORDS],
  simulate: [...BYTES, ...BUTLER, ...GRAPH],
  sources: [
    ...SOURCES,
    "sources/repository",
    "sources/table",
    "sources/trace",
    "sources/logs",
  ],
  "sources/table": [...SOURCES, "sources"],
  "sources/trace": [...SOURCES, "sources"],
  "sources/repository": SOURCES,
  "sources/logs": [...SOURCES, "sources"],
  browser: [...SOURCES, "sources", "sources/table", "sources/trace"],
  export: [...BYTES, "butler/dimensions", "provenance", "provenance/documents", "sources"],
  inspect: ["base", "butler/dimensions", ...RECORDS, "sources"],
  "inspect/cat": [
    "base",
    "butler/dimensions",
    ...RECORDS,
    "sources",
    "sources/logs",
    "sources/trace",
  ],
  "grep": [
    ...BYTES,
    ...GRAPH,
    ...RECORDS,
    "butler/dimensions",
    "sources",
    "sources/logs",
    "inspect/list",
  ],
  "inspect/list": ["base", "butler/dimensions", ...RECORDS, "sources"],
  "inspect/trace": ["base", "butler/dimensions", ...RECORDS, "sources", "sources/trace"],
  "inspect/why": [
    "base",
    "butler/dimensions",
    ...RECORDS,
    "sources",
    "sources/logs",
    "sources/trace",
  ],
  check: ["base"],
  "check/file": [...BYTES, ...GRAPH, ...RECORDS, "chunks", "check"],
  "check/repository": [
    ...BYTES,
    ...BUTLER,
    ...GRAPH,
    ...RECORDS,
    "chunks",
    "sources",
    "check",
    "check/file",
  ],
  report: [
    "base",
    "butler/dimensions",
    ...GRAPH,
    ...RECORDS,
    "sources",
    "sources/logs",
    "report/failures",
    "sources/table",
  ],
  "report/failures": ["base", ...RECORDS, "sources", "report"],
  "report/tables": [
    ...BYTES,
    ...BUTLER,
    ...GRAPH,
    ...RECORDS,
    "sources",
    "sources/repository",
    "report",
    "report/failures",
  ],
  "report/page": ["base", "provenance", "report", "report/failures"],
  explore: ["base", "storage", "lib/storage/remote/storage_url.ts", "sources"],
  "explore/page": [...PAGE, "explore/page/model", "explore/page/views"],
  "explore/page/model": PAGE,
  "explore/page/views": [...PAGE, "explore/page", "explore/page/model"],
  "cli/terminal": ["base"],
  "cli/manual": ["base"],
};

/** Files that may import more than their folder. */
const EXCEPTIONS: Record<string, readonly string[]> = {
  "lib/storage/remote/open_storage.ts": ["storage/remote/s3", "storage/remote/dav"],
  "lib/butler/registry/open.ts": ["butler/registry/sqlite", "butler/registry/postgres"],
};

/** Folders that may import everything below them: the command line and what its commands are made of. */
const OPEN_FOLDERS = new Set([
  "cli",
  "cli/commands",
  "cli/commands/site",
  "cli/completion",
  "cli/outputs",
  "cli/plain",
  "cli/status",
  "cli/summaries",
]);

/** What workers may import. */
const WORKERS = [
  "aggregate",
  "aggregate/scan",
  "aggregate/write",
  "ingest",
  "ingest/originals",
  "grep",
  "base",
  "storage",
];

/** Folder of a file as the table names it: below `lib` without that, others with their name. */
function layerOf(path: string): string {
  const folder = dirname(path);
  return folder.startsWith("lib/") ? folder.slice("lib/".length) : folder;
}

function isAllowed(path: string, target: string): boolean {
  const layer = layerOf(path);
  const to = layerOf(target);
  if (to === layer || to === "schema") return true;
  // Texts are made of the same pure functions everywhere.
  if (to === "base/text" && layer !== "schema") return true;
  if (target === "deno.json") return path === "main.ts" || layer === "cli";
  if (path === "main.ts") return true;
  if (layer === "workers") return to === "workers/loops" || WORKERS.includes(to);
  if (layer === "workers/loops") return WORKERS.includes(to) || GRAPH.includes(to);
  if (to === "cli" || to === "." || to.startsWith("cli/") || to.startsWith("..")) {
    return OPEN_FOLDERS.has(layer) && to.startsWith("cli");
  }
  if (to.startsWith("workers") || to.startsWith("tests")) return false;
  if (OPEN_FOLDERS.has(layer) || layer === "lib") return true;
  const allowed = [...LAYERS[layer], ...(EXCEPTIONS[path] ?? [])];
  return allowed.includes(to) || allowed.includes(target);
}

/** Breaches of the layer order among the imports of one file. */
function breaches(path: string, text: string): string[] {
  const layer = layerOf(path);
  const isKnown = layer in LAYERS || OPEN_FOLDERS.has(layer) ||
    ["workers", "workers/loops", "schema", "lib", "."].includes(layer);
  if (!isKnown) return [`${path}: folder "${layer}" is in no layer`];
  return importedFiles(path, text)
    .filter((target) => !isAllowed(path, target))
    .map((target) => `${path} imports ${target}`);
}

Deno.test("every file imports only from its own folder, lower layers and schema", () => {
  const files = allSources();
  assert.ok(files.length > 100, `only ${files.length} source files found`);
  assert.deepEqual(files.flatMap((path) => breaches(path, read(path))), []);
});

const BREACHES: [path: string, text: string, isBreach: boolean][] = [
  ["lib/base/a.ts", 'import { x } from "../codec/zip_reader.ts";', true],
  ["lib/qg/a.ts", 'import type { X } from "../butler/registry/registry.ts";', true],
  ["lib/butler/config/a.ts", 'export * from "../../qg/header.ts";', true],
  ["lib/butler/registry/a.ts", 'import { x } from "./postgres/registry.ts";', true],
  ["lib/butler/registry/sqlite/a.ts", 'import { x } from "../postgres/arrays.ts";', true],
  ["lib/ingest/a.ts", 'const x = await import("../aggregate/supervisor.ts");', true],
  ["lib/aggregate/a.ts", 'new URL("../../workers/scanner.ts", import.meta.url)', true],
  ["lib/aggregate/scan/a.ts", 'import { x } from "../supervisor.ts";', true],
  ["lib/check/file/a.ts", 'import { x } from "../../sources/rows.ts";', true],
  ["lib/report/page/a.ts", 'import { x } from "../../storage/file_source.ts";', true],
  ["workers/a.ts", 'import "../lib/cli/args.ts";', true],
  ["lib/cli/a.ts", 'import { x } from "../../tests/support/fixtures.ts";', true],
  ["lib/cli/commands/a.ts", 'import {\n  x,\n} from "../../../main.ts";', true],
  ["lib/simulate/a.ts", 'import { x } from "../aggregate/supervisor.ts";', true],
  ["lib/odd/a.ts", "", true],
  ["lib/cli/commands/a.ts", 'import { x } from "../../aggregate/supervisor.ts";', false],
  ["lib/qg/a.ts", 'import { x } from "../../schema/header.ts";', false],
  ["lib/codec/a.ts", 'import { x } from "node:zlib"; // from "../qg/header.ts"', false],
  ["lib/aggregate/write/a.ts", 'import { x } from "../messages.ts";', false],
  ["main.ts", 'new URL("./workers/scanner.ts", import.meta.url)', false],
  ["workers/a.ts", 'import { x } from "../lib/aggregate/messages.ts";', false],
];
for (const [path, text, isBreach] of BREACHES) {
  Deno.test(`${isBreach ? "a breach" : "no breach"}: ${path}: ${text.replace(/\s+/g, " ")}`, () => {
    assert.equal(breaches(path, text).length > 0, isBreach);
  });
}

Deno.test("no file reaches itself through its imports, types included", () => {
  assert.equal(findCircle(importGraph())?.join(" > "), undefined);
  assert.deepEqual(findCircle(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), [
    "b",
    "c",
    "b",
  ]);
});

/** Files side by side that a stranger can still take in. */
const MAX_FOLDER = 20;

Deno.test(`no folder holds more than ${MAX_FOLDER} files`, () => {
  const counts = new Map<string, number>();
  for (const path of allSources()) {
    counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  }
  assert.deepEqual([...counts].filter(([, n]) => n > MAX_FOLDER), []);
});

/** Imports that one has to follow from a command to what it stands on. */
const MAX_CHAIN = 14;

Deno.test(`the longest chain of imports has at most ${MAX_CHAIN} files`, () => {
  const chain = longestChain(importGraph());
  console.log(`longest chain of imports: ${chain.length} files, ${chain.join(" > ")}`);
  assert.ok(chain.length > 5 && chain.length <= MAX_CHAIN, chain.join(" > "));
});

Deno.test("library code neither prints nor exits", () => {
  const forbidden =
    /\bconsole\.|\bDeno\.(?:exit|exitCode|stdout|stderr|stdin)\b|\bprocess\.(?:exit|stdout|stderr)\b|(?<![.\w])(?:alert|prompt|confirm)\(/;
  const found = allSources()
    .filter((path) => path !== "main.ts" && !path.startsWith("lib/cli/"))
    .filter((path) => forbidden.test(code(read(path))));
  assert.deepEqual(found, []);
});

Deno.test("only the entry point exits", () => {
  const found = allSources()
    .filter((path) => path !== "main.ts")
    .filter((path) => /\b(?:Deno|process)\.exit\b/.test(code(read(path))));
  assert.deepEqual(found, []);
});

/** What a page in a browser is made of, with everything that these files import. */
const BROWSER_SET = [
  "lib/browser.ts",
  "lib/storage/http_source.ts",
  "lib/qg/provenance_graph.ts",
  "lib/sources/graph_source.ts",
  "lib/report/collect.ts",
  "lib/report/page/page.ts",
];

Deno.test("the browser set reaches neither Deno nor a node: module nor a package", () => {
  const roots = [
    ...BROWSER_SET,
    ...allSources().filter((path) => path.startsWith("lib/inspect/")),
  ];
  const found: string[] = [];
  for (const path of reachable(importGraph(), roots)) {
    const text = read(path);
    if (/\bDeno\b/.test(code(text))) found.push(`${path} names Deno`);
    for (const name of imports(text)) {
      if (!name.startsWith(".")) found.push(`${path} imports ${name}`);
    }
  }
  assert.deepEqual(found.sort(), []);
});

/** Text files of the project that people wrote; fixtures are data. */
function* textFiles(folder = ""): Generator<string> {
  for (const entry of Deno.readDirSync(join(PROJECT, folder))) {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (/^(?:\.git|testdata|dist|coverage|node_modules|\.tmp)$/.test(path)) continue;
    if (entry.isDirectory) yield* textFiles(path);
    else if (entry.isFile) yield path;
  }
}

Deno.test("no file names a place on one machine or the host of a package registry", () => {
  // Written in pieces, so that this file is not among those found.
  const hosts = ["registry.npm" + "js", "npm." + "js" + "r.io", "js" + "r.io", "py" + "pi.org"];
  const roots = ["ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk", "mn" + "t"];
  const places = new RegExp(`(?<![\\w./<>:@*-])/(?:${roots.join("|")})/\\w`);
  const found: string[] = [];
  for (const path of textFiles()) {
    const lines = read(path).split("\n");
    lines.forEach((line, i) => {
      if (hosts.some((host) => line.includes(host)) || places.test(line)) {
        found.push(`${path}:${i + 1}: ${line.trim().slice(0, 120)}`);
      }
    });
  }
  assert.deepEqual(found, []);
});
