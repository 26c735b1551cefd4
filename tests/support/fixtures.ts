/**
 * Fixtures in temporary directories, their expected JSON, and command lines of the tool.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInProcess } from "./in_process.ts";
import { extractTarGz } from "./tar.ts";
import { type JsonValue, parseJson } from "../../lib/base/json_text.ts";

/** Root of the project. */
export const PROJECT: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Folder of the fixture cases. */
export const FIXTURES: string = join(PROJECT, "testdata", "fixtures");

/** RUN collection of nearly all fixtures. */
export const RUN = "u/oracle/out/20260701T000000Z";

/** RUN collection of fixture `second-run`. */
export const SECOND_RUN = "u/oracle/out/20260702T000000Z";

/** A directory that is removed at the end of the block: `await using work = await ...`. */
export class TemporaryDirectory implements AsyncDisposable, Disposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Path of something in the directory. */
  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** The butler repository of an unpacked fixture. */
  get repo(): string {
    return join(this.path, "repo");
  }

  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Deno.remove(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** An empty temporary directory. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  // The real path: where the temporary folder is a link, paths that the tool prints differ.
  return new TemporaryDirectory(
    await Deno.realPath(await Deno.makeTempDir({ prefix: "provgraph-test-" })),
  );
}

/** Path of a file of a fixture case. */
export function fixturePath(name: string, ...parts: string[]): string {
  return join(FIXTURES, name, ...parts);
}

/**
 * Unpacks `testdata/fixtures/<name>/<archive>.tar.gz`, which holds `repo/` and graphs beside it.
 *
 * @param archive without `.tar.gz`.
 * @param into directory to fill; a new temporary one by default. Either is removed on disposal.
 */
export async function unpackFixture(
  name: string,
  archive: string,
  into?: string,
): Promise<TemporaryDirectory> {
  const work = into === undefined ? await temporaryDirectory() : new TemporaryDirectory(into);
  extractTarGz(fixturePath(name, `${archive}.tar.gz`), work.path);
  return work;
}

/** A temporary copy of a tree, as {@linkcode copyTree} makes it. */
export async function copyOf(
  tree: string | TemporaryDirectory,
  options?: { link?: boolean },
): Promise<TemporaryDirectory> {
  const work = await temporaryDirectory();
  copyTree(typeof tree === "string" ? tree : tree.path, work.path, options);
  return work;
}

/**
 * Copies a tree with times and symbolic links.
 *
 * @param options.link make hard links of all files but databases: ten times faster, for callers
 * who never change a file in place (tools under test only create and remove).
 */
export function copyTree(from: string, to: string, options: { link?: boolean } = {}): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const source = `${from}/${entry.name}`;
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory) {
      copyTree(source, target, options);
    } else if (entry.isSymlink) {
      Deno.symlinkSync(Deno.readLinkSync(source), target);
    } else if (options.link && !entry.name.includes("sqlite3")) {
      Deno.linkSync(source, target);
    } else {
      Deno.copyFileSync(source, target);
      const { mtime } = Deno.statSync(source);
      if (mtime) Deno.utimeSync(target, mtime, mtime);
    }
  }
  const { mtime } = Deno.statSync(from);
  if (mtime) Deno.utimeSync(to, mtime, mtime);
}

/** Names of the `.tar.gz` archives of a fixture case, sorted. */
export function fixtureArchives(name: string): string[] {
  return [...Deno.readDirSync(fixturePath(name))]
    .map((entry) => entry.name)
    .filter((file) => file.endsWith(".tar.gz"))
    .map((file) => file.slice(0, -".tar.gz".length))
    .sort();
}

/** Decompressed and parsed `.json.gz` file. */
export function readJsonGz(path: string): JsonValue {
  return parseJson(new Uint8Array(gunzipSync(Deno.readFileSync(path))));
}

/** Expected documents that were read, by path: many tests of a process compare with the same. */
const expected = new Map<string, JsonValue>();

/**
 * `testdata/fixtures/<name>/expected/<what>.json.gz`, e.g. `aggregated.state`; frozen, as others get the
 * same.
 */
export function expectedJson(name: string, what: string): JsonValue {
  const path = fixturePath(name, "expected", `${what}.json.gz`);
  let document = expected.get(path);
  if (document === undefined) expected.set(path, document = frozen(readJsonGz(path)));
  return document;
}

/** The value, which nobody can change any more. */
function frozen(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  Object.freeze(value);
  return value;
}

/** What a command did. */
export interface ProcessResult {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

/** Options of {@linkcode runProvgraph}. */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Compiled binary to run; by default that of PROVGRAPH_BINARY, else the source. */
  binary?: string;
  stdin?: Uint8Array;
  /** Whether it must be a process of its own: two at once, or what a process is. */
  isProcess?: boolean;
  /** Whether workers are threads; those of a process of its own are. */
  inThreads?: boolean;
}

/** Whether a compiled binary is tested instead of the source. */
export const IS_BINARY: boolean = (Deno.env.get("PROVGRAPH_BINARY") ?? "") !== "";

/** Command and arguments in front of those of the tool. */
export function provgraphCommand(binary?: string): [command: string, args: string[]] {
  const chosen = binary ?? Deno.env.get("PROVGRAPH_BINARY");
  if (chosen) return [chosen, []];
  return [
    Deno.execPath(),
    ["run", "--quiet", "-A", "--config", join(PROJECT, "deno.json"), join(PROJECT, "main.ts")],
  ];
}

/**
 * Runs a command line of the tool and waits for its end: in this process, one after another, unless it
 * must be one of its own. It must where a variable is set, as the runtime and workers have those of the
 * process, and where a binary is tested.
 */
export async function runProvgraph(
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProcessResult> {
  const { cwd = PROJECT, stdin, env, binary, inThreads } = options;
  const { isProcess = env !== undefined } = options;
  if (isProcess || IS_BINARY || binary !== undefined) return await runProcess(args, options);
  return { ...await runInProcess(args, { cwd, stdin, inThreads }), signal: null };
}

async function runProcess(args: readonly string[], options: RunOptions): Promise<ProcessResult> {
  const child = spawnProvgraph(args, options);
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(options.stdin);
    await writer.close();
  }
  const { code, signal, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

let empty: string | null = null;

/** An empty directory, the same for all tests of a file. */
function emptyDirectory(): string {
  if (empty !== null) return empty;
  const path = empty = Deno.makeTempDirSync({ prefix: "provgraph-test-empty-" });
  globalThis.addEventListener("unload", () => {
    // Fails, and is to be seen, if the tool has left anything.
    Deno.removeSync(path);
  });
  return path;
}

/** Starts the tool; for tests that kill it or look at it while it runs. */
export function spawnProvgraph(
  args: readonly string[],
  options: RunOptions = {},
): Deno.ChildProcess {
  const [command, prefix] = provgraphCommand(options.binary);
  // A binary gets what a batch node may have: nothing.
  const isBinary = prefix.length === 0;
  return new Deno.Command(command, {
    args: [...prefix, ...args],
    cwd: options.cwd ?? (isBinary ? emptyDirectory() : PROJECT),
    clearEnv: isBinary,
    env: { NO_COLOR: "1", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs the tool and expects an exit code.
 *
 * @throws {Error} with the command and both outputs if it is another.
 */
export async function expectProvgraph(
  args: readonly string[],
  options: RunOptions & { code?: number } = {},
): Promise<ProcessResult> {
  const result = await runProvgraph(args, options);
  if (result.code !== (options.code ?? 0)) {
    throw new Error(
      `provgraph ${args.join(" ")}: exit code ${result.code} (${result.signal ?? "no signal"}), ` +
        `expected ${options.code ?? 0}\n--- stdout\n${result.stdout}\n--- stderr\n${result.stderr}`,
    );
  }
  return result;
}
