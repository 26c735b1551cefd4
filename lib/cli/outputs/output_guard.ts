/**
 * Outputs never destroy inputs: one rule for all that a command line lets be written, asked before the
 * command begins. An output is refused
 *
 * - if it is the same file as an input, another output, or a part of the repository, by device and inode,
 *   or, where nothing is yet, by its real path; a hard or symbolic link counts as what it leads to;
 * - if it exists and isn't what the option writes, unless `--force` is given. An empty file is nobody's;
 * - if its directory isn't there, where the command doesn't make it.
 *
 * In a repository a file that exists may be a dataset: it is replaced only if its content can't be one.
 *
 * @module
 */

import type { Command } from "commander";
import { NotFoundError, RefusedError } from "../../base/errors.ts";
import { basename, dirname, join } from "../../base/paths.ts";
import { linkTarget } from "../../storage/durable_file.ts";
import { identityOf, kindOf, openRegularFile, pathIdentity } from "../../storage/regular_file.ts";
import { filePath } from "../args.ts";
import type { CliContext } from "../context.ts";
import {
  CHUNK_LOG_KIND,
  DIRECTORY_KIND,
  EXPLORER_KIND,
  EXPORTED_TABLE_KIND,
  graphBeginning,
  HEAD_SIZE,
  LOG_KIND,
  MARKDOWN_KIND,
  METRICS_KIND,
  type OutputKind,
  PAGE_KIND,
  provenanceGraphKind,
  RESOURCE_USAGE_KIND,
  STATUS_REPORT_KIND,
} from "./output_kinds.ts";
import { namedInputs, type NamedOutput, namedOutputs, type OutputName } from "./outputs.ts";
import type { RepositoryConfig } from "../../butler/config/repository_config.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";

type Surroundings = Pick<CliContext, "env" | "cwd">;

/** Something that will be written. */
interface Output extends Pick<NamedOutput, "option" | "argument"> {
  kind: OutputKind;
  /** Where it really will be: links followed. */
  path: string;
  /** What is there; null if nothing is. */
  info: Deno.FileInfo | null;
  /** Whether it isn't named itself: the chunk log of another output. */
  isBeside: boolean;
  /** Equal for outputs that are one file. */
  place: string;
}

/** What must stay as it is. */
interface Protected {
  /** What is at a place, by device and inode. */
  files: Map<string, string>;
  /** Real paths of the directories of repositories. */
  roots: Set<string>;
}

/**
 * Refuses a command line whose outputs would do harm. Nothing is changed.
 *
 * @param logFiles Values of `--log-file`.
 * @throws {RefusedError} that names the option, the file and the reason.
 * @throws {EnvironmentError} if a file can't be looked at.
 */
export async function guardOutputs(
  command: Command,
  logFiles: readonly string[],
  surroundings: Surroundings,
): Promise<void> {
  const outputs = namedOutputs(command, logFiles)
    .map((named) => locate(named, kindOfOutput(named.kind, command, surroundings), surroundings))
    .filter((output) => output !== null)
    .flatMap((output) => [output, ...filesBeside(output)]);
  refuseEqual(outputs);
  for (const output of outputs) refuseForm(output);
  const existing = outputs.filter(({ info }) => info !== null);
  const isForced = command.getOptionValue("force") === true;
  const isInPlay = existing.length > 0 || outputs.some(({ kind }) => kind.form === "directory");
  const inputs = isInPlay ? await protectedPlaces(command, surroundings, outputs) : null;
  for (const output of outputs) {
    if (inputs !== null) refuseProtected(output, inputs);
    refuseJournal(output);
    if (output.info?.isFile && output.info.size > 0) await refuseContent(output, inputs!, isForced);
  }
}

/** An output and where it will be; null if the command will say that it can't be used. */
function locate(
  { option, argument }: NamedOutput,
  kind: OutputKind,
  { env, cwd }: Surroundings,
): Output | null {
  let given: string;
  try {
    given = filePath(argument, env, cwd, option);
  } catch {
    return null;
  }
  return place({ option, argument, kind, isBeside: false }, linkTarget(given));
}

function place(named: Omit<Output, "path" | "info" | "place">, path: string): Output {
  const info = statOf(path);
  return { ...named, path, info, place: info === null ? realPlace(path) : identityOf(info) };
}

/** Files that a command writes beside its output. */
function filesBeside(output: Output): Output[] {
  if (output.option !== "--output") return [];
  const { option, argument } = output;
  const beside = place(
    { option, argument, kind: CHUNK_LOG_KIND, isBeside: true },
    `${output.path}.chunks`,
  );
  // The lock is looked at by who takes it.
  return [beside];
}

function kindOfOutput(
  name: OutputName,
  command: Command,
  { env, cwd }: Surroundings,
): OutputKind {
  switch (name) {
    case "provenance graph":
      return provenanceGraphKind(() => runOf(command.args[0], env, cwd));
    case "chunk log":
      return CHUNK_LOG_KIND;
    case "page":
      return PAGE_KIND;
    case "explorer page":
      return EXPLORER_KIND;
    case "markdown":
      return MARKDOWN_KIND;
    case "status report":
      return STATUS_REPORT_KIND;
    case "resource usage":
      return RESOURCE_USAGE_KIND;
    case "metrics":
      return METRICS_KIND;
    case "exported table":
      return EXPORTED_TABLE_KIND;
    case "table directory":
    case "run directory":
    case "worker log directory":
      return DIRECTORY_KIND;
    case "log":
      return LOG_KIND;
  }
}

async function runOf(
  graph: string,
  env: CliContext["env"],
  cwd: string,
): Promise<string | null> {
  try {
    const head = headOf(filePath(graph, env, cwd, "graph"));
    return head === null ? null : (await graphBeginning(head))?.run ?? null;
  } catch {
    // The command says what is wrong with it.
    return null;
  }
}

/** @throws {RefusedError} if two outputs are one file. */
function refuseEqual(outputs: readonly Output[]): void {
  const seen = new Map<string, Output>();
  for (const output of outputs) {
    const other = seen.get(output.place);
    if (other !== undefined) {
      throw refused(output, `${describe(other)} is the same file`, "give each its own file");
    }
    seen.set(output.place, output);
  }
}

/** Refuses what isn't of the right form, or has no directory. */
function refuseForm(output: Output): void {
  const { info, path, kind } = output;
  if (info === null) {
    const directory = dirname(path);
    if (!kind.needsDirectory || statOf(directory)?.isDirectory) return;
    throw refused(output, `there is no directory "${directory}"`, "make it first");
  }
  if (kind.form === "directory") {
    if (!info.isDirectory) throw refused(output, "it is not a directory", OTHER_DIRECTORY);
    return;
  }
  if (info.isFile || (kind.form === "log" && info.isCharDevice)) return;
  throw refused(output, `it is ${kindOf(info)}`, OTHER_FILE);
}

/** Refuses inputs and parts of repositories. */
function refuseProtected(output: Output, { files, roots }: Protected): void {
  const { path, info, kind } = output;
  const what = info === null ? undefined : files.get(identityOf(info));
  if (what !== undefined) throw refused(output, `it is ${what}`, OTHER_FILE);
  if (kind.form === "directory") {
    const root = rootAbove(join(path, "x"), roots);
    if (root !== null && output.option !== "--worker-log-dir") {
      throw refused(output, `it is in repository "${root}"`, OTHER_DIRECTORY);
    }
    return;
  }
  if (info === null || kind.isUnmistakable) return;
  const root = rootAbove(path, roots);
  if (root === null) return;
  throw refused(output, `it is in repository "${root}" and may be a part of it`, OTHER_FILE);
}

/** Ends of names by which SQLite finds what belongs to a database. Source: its file format, section 3. */
const JOURNAL = /-(?:journal|wal|shm)$/;

/** Refuses a name that a database would take for its journal. */
function refuseJournal(output: Output): void {
  if (!JOURNAL.test(output.path)) return;
  const database = output.path.replace(JOURNAL, "");
  if (!statOf(database)?.isFile) return;
  throw refused(output, `"${database}" would take it for its journal`, OTHER_FILE);
}

/** Refuses what is there and isn't what would be written. */
async function refuseContent(
  output: Output,
  { roots }: Protected,
  isForced: boolean,
): Promise<void> {
  const { kind, info, path } = output;
  if (kind.form === "log" && (info!.nlink ?? 1) > 1) {
    throw refused(
      output,
      "it has other names, by hard links, whose content would change",
      OTHER_FILE,
    );
  }
  const root = rootAbove(path, roots);
  if (isForced && root === null) return;
  const head = headOf(path);
  // Another process may take its file away meanwhile, as a chunk log that is done with.
  if (head === null) return;
  const reason = await kind.refusal(head, path);
  if (reason === null) return;
  if (root !== null) {
    throw refused(output, `it is in repository "${root}" and may be a part of it`, OTHER_FILE);
  }
  throw refused(output, reason, kind.hint);
}

const OTHER_FILE = "give another file";
const OTHER_DIRECTORY = "give another directory";

function refused(output: Output, reason: string, hint: string): RefusedError {
  return new RefusedError(`Cannot write ${describe(output)}: ${reason}`, { hint });
}

function describe({ option, argument, path, isBeside }: Output): string {
  return isBeside ? `"${path}", the chunk log of ${option}` : `${option} "${argument}"`;
}

/** Files that this program reads without being told, and variables that name others. */
const OWN_VARIABLES = [
  "DAF_BUTLER_REPOSITORY_INDEX",
  "LSST_DB_AUTH",
  "PGPASSFILE",
  "PGSERVICEFILE",
];
const OWN_FILES = ["~/.lsst/db-auth.yaml", "~/.pgpass", "~/.pg_service.conf"];
/** A repository is one of the first arguments. */
const MAX_REPOSITORY_ARGUMENTS = 2;

/** All that a command line reads, and the repositories that it names or writes into. */
async function protectedPlaces(
  command: Command,
  surroundings: Surroundings,
  outputs: readonly Output[],
): Promise<Protected> {
  const places: Protected = { files: new Map(), roots: new Set() };
  const protectFile = (path: string, what: string) => protect(places, path, what, surroundings);
  for (const word of namedInputs(command)) protectFile(word, `the input "${word}"`);
  const own = new Set(outputs.filter(({ isBeside }) => isBeside).map(({ path }) => path));
  for (const path of await chunkLogsNamed(command, surroundings)) {
    // The chunk log of the output may be among them, and is continued.
    if (!own.has(path)) protectFile(path, `the input "${path}"`);
  }
  const optionsFile: unknown = command.getOptionValue("optionsFile");
  if (typeof optionsFile === "string") {
    protectFile(optionsFile, `the options file "${optionsFile}"`);
  }
  for (const name of OWN_VARIABLES) {
    const value = surroundings.env.get(name) ?? "";
    if (value !== "") protectFile(value, `the file that ${name} names`);
  }
  for (const path of OWN_FILES) protectFile(path, "a file with credentials");
  const { openRepositoryConfig } = await import(
    import.meta.resolve("../../butler/config/open_repo_config.ts")
  ) as typeof import("../../butler/config/open_repo_config.ts");
  for (const word of command.args.slice(0, MAX_REPOSITORY_ARGUMENTS)) {
    if (!mayBeRepository(word, surroundings)) continue;
    const config = await openRepositoryConfig(word, surroundings.env).catch(() => null);
    if (config !== null) protectRepository(places, config, surroundings);
  }
  return places;
}

/** Chunk logs that patterns of `aggregate-graph --chunks` name. */
async function chunkLogsNamed(command: Command, { env, cwd }: Surroundings): Promise<string[]> {
  const patterns: unknown = command.getOptionValue("chunks");
  if (command.name() !== "aggregate-graph" || !Array.isArray(patterns)) return [];
  const { findChunkLogs } = await import(
    import.meta.resolve("../../aggregate/shards/shard_files.ts")
  ) as typeof import("../../aggregate/shards/shard_files.ts");
  return patterns.flatMap((pattern) =>
    quietly(() => findChunkLogs([filePath(pattern, env, cwd, "chunks")])) ?? []
  );
}

/** Whether a word may name a repository: no graph, which could be large, is read as a configuration. */
function mayBeRepository(word: string, { env, cwd }: Surroundings): boolean {
  const path = quietly(() => filePath(word, env, cwd, "repository"));
  if (path === null || statOf(path)?.isFile !== true) return true;
  const head = quietly(() => headOf(path));
  return head !== null && !head.includes(0);
}

function protectRepository(
  places: Protected,
  { argument, configPath, root, registry, datastores }: RepositoryConfig,
  surroundings: Surroundings,
): void {
  const of = `of repository "${argument}"`;
  protect(places, configPath, `the configuration ${of}`, surroundings);
  if (registry.path !== null) {
    for (const end of ["", "-journal", "-wal", "-shm"]) {
      protect(places, `${registry.path}${end}`, `the database ${of}`, surroundings);
    }
  }
  for (const directory of [root, dirname(configPath), ...datastores.map((each) => each.root)]) {
    const real = quietly(() => Deno.realPathSync(directory));
    if (real !== null) places.roots.add(real);
  }
}

/** The first description of a file counts. */
function protect(
  { files }: Protected,
  word: string,
  what: string,
  { env, cwd }: Surroundings,
): void {
  const identity = quietly(() => pathIdentity(filePath(word, env, cwd, "input")));
  if (identity !== null && !files.has(identity)) files.set(identity, what);
}

/** The directory of a repository that a path is in: of one that is named, or that has its configuration. */
function rootAbove(path: string, roots: ReadonlySet<string>): string | null {
  let at = dirname(realPlace(path));
  for (;;) {
    if (roots.has(at) || statOf(join(at, "butler.yaml"))?.isFile) return at;
    const above = dirname(at);
    if (above === at) return null;
    at = above;
  }
}

/** Real path of something that may not be there yet. */
function realPlace(path: string): string {
  const names: string[] = [];
  for (let at = path;;) {
    const real = quietly(() => Deno.realPathSync(at));
    if (real !== null) return join(real, ...names);
    const above = dirname(at);
    if (above === at) return path;
    names.unshift(basename(at));
    at = above;
  }
}

/** Beginning of a file; null if it is gone. */
function headOf(path: string): Uint8Array | null {
  const file = openIfThere(path);
  if (file === null) return null;
  using _file = file;
  const head = new Uint8Array(HEAD_SIZE);
  let done = 0;
  while (done < HEAD_SIZE) {
    const n = file.readSync(head.subarray(done));
    if (n === null || n === 0) break;
    done += n;
  }
  return head.subarray(0, done);
}

function openIfThere(path: string): Deno.FsFile | null {
  try {
    return openRegularFile(path).file;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

function statOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw fileError("look at", path, error);
  }
}

/** What fails here, the command will tell by itself. */
function quietly<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
