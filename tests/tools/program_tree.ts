/**
 * The program as JavaScript, to be compiled into a binary: what a binary holds is looked through whenever it
 * starts, and TypeScript would be in it twice, with source maps. Types become blanks, so that every line
 * and column is where it is in the source.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

/** Folders of the program. */
const FOLDERS = ["lib", "workers", "schema"];
const FILES = ["deno.json", "deno.lock", "LICENSE", "main.ts"];

/** Sources of what is kept compiled beside them, or lies in packages of other kinds. */
const LEFT_OUT = ["lib/explore/page", "lib/python"];

/**
 * Fills a directory with the program: every module as JavaScript under the same name but for its ending,
 * everything else as it is.
 *
 * @param project Root of the project.
 * @param tree Directory to fill; what is in it is removed.
 * @returns path of the module to start.
 */
export function makeProgramTree(project: string, tree: string): string {
  Deno.mkdirSync(tree, { recursive: true });
  Deno.removeSync(tree, { recursive: true });
  const paths = [...FILES, ...FOLDERS.flatMap((folder) => [...filesIn(project, folder)])];
  for (const path of paths) {
    const [from, to] = [join(project, path), join(tree, path)];
    Deno.mkdirSync(dirname(to), { recursive: true });
    if (!path.endsWith(".ts")) Deno.copyFileSync(from, to);
    else {
      const script = stripTypeScriptTypes(Deno.readTextFileSync(from), { mode: "strip" });
      Deno.writeTextFileSync(to.replace(/\.ts$/, ".js"), withRenamedModules(script));
    }
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
