/**
 * What packages of every kind are made of: names, versions, files and the licences of others.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type BuildRecord, checkedOutCommit, UNKNOWN_COMMIT } from "../../lib/cli/commit.ts";
import config from "../../deno.json" with { type: "json" };

/** Root of the project, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
/** Where packages are made; not part of the repository. */
export const DIST: string = `${ROOT}dist/`;
/** Version of all of them. */
export const VERSION: string = config.version;
/** Folders of the program itself. */
export const SOURCE_FOLDERS: readonly string[] = ["lib", "workers", "schema"];

/** A package of npm that the program needs, as the import map pins it. */
export interface PinnedPackage {
  name: string;
  version: string;
}

/** Packages of the import map, without those that hold nothing but types. */
export function pinnedPackages(): PinnedPackage[] {
  return Object.values(config.imports).map(parseSpecifier)
    .filter(({ name }) => !isTypesOnly(name))
    .filter(({ name }, i, all) => all.findIndex((other) => other.name === name) === i);
}

/** Name and version of `npm:@noble/hashes@2.4.0/sha2.js`. */
function parseSpecifier(specifier: string): PinnedPackage {
  const match = /^npm:(@?[^@]+)@([^/]+)/.exec(specifier);
  if (match === null) throw new Error(`Cannot read "${specifier}" in deno.json: no npm package`);
  return { name: match[1], version: match[2] };
}

/** Whether a package is used by the compiler only. */
export function isTypesOnly(name: string): boolean {
  return name.startsWith("@types/") || name === "undici-types";
}

/**
 * Runs a command and hands back what it printed.
 *
 * @throws {Error} with its last lines if it fails.
 */
export function execute(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const { success, code, stdout, stderr } = new Deno.Command(command, {
    args: [...args],
    cwd: options.cwd ?? ROOT,
    env: { NO_COLOR: "1", ...options.env },
  }).outputSync();
  const decoder = new TextDecoder();
  if (!success) {
    const tail = (decoder.decode(stderr) || decoder.decode(stdout)).trim().split("\n").slice(-15);
    throw new Error(`"${command} ${args.join(" ")}" ended with ${code}:\n${tail.join("\n")}`);
  }
  return decoder.decode(stdout);
}

/** An empty folder in {@linkcode DIST}; what was in it is removed. */
export function emptyFolder(name: string): string {
  const path = `${DIST}${name}`;
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  Deno.mkdirSync(path, { recursive: true });
  return path;
}

/** Files below a folder of the project, by their paths in it, sorted. */
export function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(`${ROOT}${folder}`)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? filesBelow(path) : [path];
  }).sort();
}

/** Writes `build.json`, by which a package tells its commit, into a folder. */
export function writeBuildRecord(folder: string): BuildRecord {
  const record: BuildRecord = { commit: commitWithChanges() };
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(`${folder}/build.json`, `${JSON.stringify(record)}\n`);
  return record;
}

/** The commit, and whether files differ from it; git is asked only for the latter. */
function commitWithChanges(): string {
  const commit = checkedOutCommit(new URL("../../", import.meta.url));
  if (commit === UNKNOWN_COMMIT) return commit;
  try {
    const changes = execute("git", ["status", "--porcelain", "--untracked-files=no"]);
    return changes.length > 0 ? `${commit}+changes` : commit;
  } catch {
    return commit;
  }
}
