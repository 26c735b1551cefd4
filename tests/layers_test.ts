/** The layers of the house (design, section 1), and what library code must never do. */

import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { PROJECT } from "./support/fixtures.ts";

/** What each folder may import besides itself and `schema/`. */
const LAYERS: Record<string, readonly string[]> = layers();

function layers(): Record<string, string[]> {
  const store = ["base"];
  const second = [...store, "store"];
  const provenance = [...second, "qg", "butler"];
  const commands = [...provenance, "provenance"];
  const cli = [...commands, "aggregate", "ingest", "inspect", "simulate"];
  return {
    base: [],
    store,
    qg: second,
    butler: second,
    provenance,
    aggregate: commands,
    ingest: commands,
    inspect: commands,
    simulate: commands,
    cli,
    workers: cli,
    main: [...cli, "cli"],
    schema: [],
  };
}

/** Source files below a folder, paths relative to the project. */
function* sourceFiles(folder: string): Generator<string> {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(join(PROJECT, folder))];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (/\.(ts|tsx|js|mjs)$/.test(entry.name)) yield path;
  }
}

function read(path: string): string {
  return Deno.readTextFileSync(join(PROJECT, path));
}

/** Text without comments and without what stands in strings and template literals. */
function code(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g,
    (found) => found.startsWith("/") ? " " : `""`,
  );
}

/** Everything that a file imports, also types, re-exports, dynamic imports and worker URLs. */
function imports(text: string): string[] {
  const patterns = [
    /(?:^|[;}\s])(?:import|export)\s+(?:[^"'`;]*?\sfrom\s*)?["']([^"']+)["']/g,
    /\bimport\(\s*["']([^"']+)["']/g,
    /\bnew URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url/g,
  ];
  const bare = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, " ");
  return patterns.flatMap((pattern) => [...bare.matchAll(pattern)].map((match) => match[1]));
}

/** Folder that decides what a file may import. */
function layerOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] === "lib") return parts[1];
  return parts[0].replace(/\.ts$/, "");
}

/** Breaches of the layer order among the imports of one file. */
function breaches(path: string, text: string): string[] {
  const layer = layerOf(path);
  const allowed = LAYERS[layer];
  if (allowed === undefined) return [`${path}: folder "${layer}" is in no layer`];
  return imports(text).filter((name) => name.startsWith(".")).flatMap((name) => {
    const target = relative(PROJECT, join(PROJECT, dirname(path), name));
    const to = layerOf(target);
    const isAllowed = to === layer || to === "schema" || allowed.includes(to) ||
      // The entry point makes the URLs of the workers and hands them down.
      (layer === "main" && to === "workers") ||
      (to === "deno.json" && (layer === "main" || layer === "cli"));
    return isAllowed ? [] : [`${path} imports ${target}`];
  });
}

const TREE = ["lib", "workers", "schema"];

function allSources(): string[] {
  const files = TREE.flatMap((folder) => [...sourceFiles(folder)]);
  try {
    read("main.ts");
    files.push("main.ts");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}

Deno.test("every file imports only from its own folder, lower layers and schema", () => {
  const files = allSources();
  assert.ok(files.length > 10, `only ${files.length} source files found`);
  assert.deepEqual(files.flatMap((path) => breaches(path, read(path))), []);
});

Deno.test("a breach of the layers is found when there is one", () => {
  const cases: [string, string, boolean][] = [
    ["lib/base/a.ts", 'import { x } from "../store/zip_reader.ts";', true],
    ["lib/qg/a.ts", 'import type { X } from "../butler/registry.ts";', true],
    ["lib/butler/a.ts", 'export * from "../qg/header.ts";', true],
    ["lib/ingest/a.ts", 'const x = await import("../aggregate/supervisor.ts");', true],
    ["lib/aggregate/a.ts", 'new URL("../../workers/scanner.ts", import.meta.url)', true],
    ["workers/a.ts", 'import "../lib/cli/args.ts";', true],
    ["lib/cli/a.ts", 'import { x } from "../../tests/support/fixtures.ts";', true],
    ["lib/cli/commands/a.ts", 'import {\n  x,\n} from "../../../main.ts";', true],
    ["lib/simulate/a.ts", 'import { x } from "../aggregate/supervisor.ts";', true],
    ["lib/odd/a.ts", "", true],
    ["lib/cli/commands/a.ts", 'import { x } from "../../aggregate/supervisor.ts";', false],
    ["lib/qg/a.ts", 'import { x } from "../../schema/header.ts";', false],
    ["lib/store/a.ts", 'import { x } from "node:zlib"; // from "../qg/header.ts"', false],
    ["main.ts", 'new URL("./workers/scanner.ts", import.meta.url)', false],
    ["workers/a.ts", 'import { x } from "../lib/aggregate/messages.ts";', false],
  ];
  for (const [path, text, isBreach] of cases) {
    assert.equal(breaches(path, text).length > 0, isBreach, `${path}: ${text}`);
  }
});

Deno.test("library code neither prints nor exits", () => {
  const forbidden =
    /\bconsole\.|\bDeno\.(?:exit|exitCode|stdout|stderr|stdin)\b|\bprocess\.(?:exit|stdout|stderr)\b|(?<![.\w])(?:alert|prompt|confirm)\(/;
  const found = allSources()
    .filter((path) => path !== "main.ts" && layerOf(path) !== "cli")
    .filter((path) => forbidden.test(code(read(path))));
  assert.deepEqual(found, []);
});

Deno.test("only the entry point exits", () => {
  const found = allSources()
    .filter((path) => path !== "main.ts")
    .filter((path) => /\b(?:Deno|process)\.exit\b/.test(code(read(path))));
  assert.deepEqual(found, []);
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
