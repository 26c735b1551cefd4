/**
 * The program as JavaScript, to be compiled into a binary: what a binary holds is looked through whenever it
 * starts, and TypeScript would be in it twice, with comments and source maps.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { importEsbuild } from "../support/packages.ts";

/** Folders of the program. */
const FOLDERS = ["lib", "workers", "schema"];
const FILES = ["deno.json", "deno.lock", "LICENSE"];

/** Sources of what is kept compiled beside them, or lies in packages of other kinds. */
const LEFT_OUT = ["lib/explore/page", "lib/python"];

/** What the oldest runtime that a binary is made with knows: all that the sources are written in. */
const TARGET = "esnext";

/**
 * Fills a directory with the program: every module as JavaScript under the same name but for its ending,
 * everything else as it is.
 *
 * @param project Root of the project.
 * @param tree Directory to fill; what is in it is removed.
 * @returns path of the module to start.
 */
export async function makeProgramTree(project: string, tree: string): Promise<string> {
  Deno.mkdirSync(tree, { recursive: true });
  Deno.removeSync(tree, { recursive: true });
  const paths = [
    ...FILES,
    "main.ts",
    ...FOLDERS.flatMap((folder) => [...filesIn(project, folder)]),
  ];
  const modules = paths.filter((path) => path.endsWith(".ts"));
  for (const path of paths) {
    if (!path.endsWith(".ts")) write(join(tree, path), Deno.readFileSync(join(project, path)));
  }
  const esbuild = await importEsbuild();
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: modules,
      absWorkingDir: project,
      outbase: project,
      outdir: tree,
      bundle: false,
      write: false,
      format: "esm",
      target: TARGET,
      charset: "utf8",
      legalComments: "none",
      logLevel: "error",
    });
    for (const { path, text } of outputFiles) {
      write(path, new TextEncoder().encode(withRenamedModules(text)));
    }
  } finally {
    await esbuild.stop();
  }
  return join(tree, "main.js");
}

/** Paths of the files of a folder, from the project's root, in order. */
function* filesIn(project: string, folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(join(project, folder))]
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    const path = `${folder}/${name}`;
    if (LEFT_OUT.includes(path) || name.endsWith(".as.ts")) continue;
    if (isDirectory) yield* filesIn(project, path);
    else yield path;
  }
}

/** A text that is a path from a module to another names the renamed one: in imports, tables and URLs. */
function withRenamedModules(script: string): string {
  return script.replace(/(["'`])(\.\.?\/[^"'`\s]*)\.ts\1/g, "$1$2.js$1");
}

function write(path: string, bytes: Uint8Array): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeFileSync(path, bytes);
}
