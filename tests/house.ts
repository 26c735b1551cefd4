/** What the sources of the project import: for the tests of layers, circles and the browser set. */

import { dirname, join, relative } from "node:path";
import { PROJECT } from "./support/fixtures.ts";

/** Source files below a folder, paths relative to the project. */
function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(PROJECT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (/\.(ts|tsx|js|mjs)$/.test(entry.name)) yield path;
  }
}

/** Everything that runs in the product: `lib`, `workers`, `schema` and the entry point. */
export function allSources(): string[] {
  return [...["lib", "workers", "schema"].flatMap((folder) => [...sourceFiles(folder)]), "main.ts"];
}

/** Text of a file of the project. */
export function read(path: string): string {
  return Deno.readTextFileSync(join(PROJECT, path));
}

/** Text without comments and without what stands in strings and template literals. */
export function code(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g,
    (found) => found.startsWith("/") ? " " : `""`,
  );
}

/** Everything that a text imports, also types, re-exports, dynamic imports and worker URLs. */
export function imports(text: string): string[] {
  const patterns = [
    /(?:^|[;}\s])(?:import|export)\s+(?:[^"'`;]*?\sfrom\s*)?["']([^"']+)["']/g,
    /\bimport\(\s*["']([^"']+)["']/g,
    /\bimport\.meta\.resolve\(\s*["'](\.[^"']+)["']/g,
    /\bnew URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url/g,
  ];
  const bare = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, " ");
  return patterns.flatMap((pattern) => [...bare.matchAll(pattern)].map((match) => match[1]));
}

/** Files of the project that a text at `path` imports. */
export function importedFiles(path: string, text: string): string[] {
  return imports(text).filter((name) => name.startsWith("."))
    .map((name) => relative(PROJECT, join(PROJECT, dirname(path), name)));
}

/** All sources with the sources that each imports. */
export function importGraph(): Map<string, string[]> {
  const files = allSources();
  const known = new Set(files);
  return new Map(
    files.map((
      path,
    ) => [path, importedFiles(path, read(path)).filter((target) => known.has(target))]),
  );
}

/** A way from a file to itself through imports, or null if there is none. */
export function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): string[] | null => {
    if (done.has(path)) return null;
    const at = way.indexOf(path);
    if (at >= 0) return [...way.slice(at), path];
    way.push(path);
    for (const target of graph.get(path) ?? []) {
      const circle = visit(target);
      if (circle !== null) return circle;
    }
    way.pop();
    done.add(path);
    return null;
  };
  for (const path of graph.keys()) {
    const circle = visit(path);
    if (circle !== null) return circle;
  }
  return null;
}

/** The longest way through imports of a graph without circles. */
export function longestChain(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const chains = new Map<string, string[]>();
  const chainOf = (path: string): string[] => {
    let chain = chains.get(path);
    if (chain === undefined) {
      const below = (graph.get(path) ?? []).map(chainOf);
      const longest = below.reduce((a, b) => b.length > a.length ? b : a, []);
      chains.set(path, chain = [path, ...longest]);
    }
    return chain;
  };
  return [...graph.keys()].map(chainOf).reduce((a, b) => b.length > a.length ? b : a, []);
}

/** Everything that files reach through imports, themselves included. */
export function reachable(
  graph: ReadonlyMap<string, readonly string[]>,
  from: readonly string[],
): Set<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const target of graph.get(path) ?? []) visit(target);
  };
  from.forEach(visit);
  return found;
}
