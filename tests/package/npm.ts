/**
 * `deno task npm`: makes `dist/provgraph-VERSION.tgz`, a package of npm whose command `provgraph` runs with
 * the Deno that npm has as a package. It holds JavaScript: Deno takes none but that from a folder
 * `node_modules`.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { writeLicenses } from "./licenses.ts";
import {
  DIST,
  emptyFolder,
  execute,
  filesBelow,
  isTypesOnly,
  pinnedPackages,
  ROOT,
  SOURCE_FOLDERS,
  VERSION,
  writeBuildRecord,
} from "./project.ts";

/** The oldest Deno that the package runs with is the one that it is tested with. */
const DENO_VERSION = Deno.version.deno;

/** `./x.ts` in quotation marks. */
const MODULE_NAME = /(["'`]\.{1,2}\/[^"'`\n]*)\.ts(["'`])/g;

function packageJson(): string {
  const dependencies = Object.fromEntries(
    [...pinnedPackages(), { name: "deno", version: DENO_VERSION }]
      .map(({ name, version }) => [name, version]),
  );
  return JSON.stringify(
    {
      name: "provgraph",
      version: VERSION,
      description: "Record what a run of Rubin Observatory's data butler did, and read it back",
      license: config.license,
      type: "module",
      bin: { provgraph: "bin/provgraph.mjs" },
      dependencies,
    },
    null,
    2,
  ) + "\n";
}

/** The configuration that the program runs with: packages are those that npm has installed, or Deno's. */
function denoJson(nodeModulesDir: "manual" | "none"): string {
  const { name, version, license, imports } = config;
  const exports = "./main.js";
  return JSON.stringify({ name, version, license, exports, nodeModulesDir, imports }, null, 2);
}

/** JavaScript of all modules, and what they read, into a folder. */
function writeProgram(folder: string): void {
  const files = ["main.ts", ...SOURCE_FOLDERS.flatMap(filesBelow)]
    .filter((path) => !path.startsWith("lib/python/"));
  const isModule = (path: string) => path.endsWith(".ts") && !/\.(?:d|as)\.ts$/.test(path);
  execute(Deno.execPath(), ["transpile", "--outdir", folder, ...files.filter(isModule)]);
  for (const path of files.filter(isModule)) {
    const made = `${folder}/${path.replace(/\.ts$/, ".js")}`;
    const text = Deno.readTextFileSync(made);
    Deno.writeTextFileSync(made, text.replaceAll(MODULE_NAME, "$1.js$2"));
  }
  for (const path of files) {
    if (path.endsWith(".ts")) continue;
    Deno.mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.copyFileSync(`${ROOT}${path}`, `${folder}/${path}`);
  }
}

/**
 * Lets `deno install` find all packages, and fetch them: it looks at types, which a start doesn't, but
 * JavaScript has none, and the program loads most of its modules by names that aren't to be foreseen.
 */
function nameAllPackages(folder: string): void {
  const imports = Object.keys(config.imports).filter((name) => !isTypesOnly(name));
  const text = imports.map((name) => `import ${JSON.stringify(name)};\n`).join("");
  Deno.writeTextFileSync(`${folder}/packages.js`, text);
  const main = `${folder}/main.js`;
  const source = Deno.readTextFileSync(main);
  Deno.writeTextFileSync(main, `/// <reference types="./packages.js" />\n${source}`);
}

/**
 * Makes the package.
 *
 * @returns its path.
 */
export function makeNpmPackage(): string {
  const folder = emptyFolder("npm");
  writeProgram(folder);
  nameAllPackages(folder);
  Deno.mkdirSync(`${folder}/bin`);
  Deno.copyFileSync(`${ROOT}tests/package/npx_main.mjs`, `${folder}/bin/provgraph.mjs`);
  Deno.chmodSync(`${folder}/bin/provgraph.mjs`, 0o755);
  Deno.writeTextFileSync(`${folder}/package.json`, packageJson());
  Deno.writeTextFileSync(`${folder}/deno.json`, denoJson("manual"));
  Deno.writeTextFileSync(`${folder}/install.json`, denoJson("none"));
  Deno.copyFileSync(`${ROOT}README.md`, `${folder}/README.md`);
  writeLicenses(folder);
  writeBuildRecord(`${folder}/dist`);
  const name = execute("npm", ["pack", "--silent", "--pack-destination", DIST], { cwd: folder });
  return `${DIST}${name.trim()}`;
}

if (import.meta.main) {
  const path = makeNpmPackage();
  console.log(`${path}: ${(Deno.statSync(path).size / 1e6).toFixed(1)} MB`);
}
