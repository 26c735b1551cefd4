/**
 * `deno task test [FILE_OR_FOLDER...]`: test files in one process more than there are processors, as some
 * always wait for something. Threads of one process, as `deno test --parallel` has them, would share a
 * working directory, and commands run in the tests' own process (`support/in_process.ts`).
 *
 * The files of a process share a thread, so that the program is loaded and becomes fast once
 * (`support/test_group.ts`); not so those of suites with a task of their own, and on a binary. What they
 * write is in memory, where nobody waits for a disk, unless TMPDIR says where.
 *
 * Ends as `deno test` does: a list of what failed, and one line of counts.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fastDirectory } from "./support/fast_directory.ts";
import { IS_BINARY, PROJECT } from "./support/fixtures.ts";

/** Suites about disks, ends of processes and other machines: their files run one by one, on a disk. */
const APART = ["batch", "binary", "browser", "crash", "package", "remote", "wasm"];

/** Suites that have tasks of their own: they need time, or something beside this repository. */
const OWN_TASKS = [...APART, "conformance", "postgres"];

/** Files that take long, below `tests`: about how many seconds, so that groups end at about the same time. */
const SECONDS: Readonly<Record<string, number>> = {
  "check/file/rebuild_test.ts": 4,
  "check/remote_test.ts": 5,
  "cli/aggregate_refusals_test.ts": 4,
  "cli/bad_input_test.ts": 13,
  "cli/broken_files_test.ts": 7,
  "cli/check_advice_test.ts": 12,
  "cli/demo_test.ts": 5,
  "cli/help_test.ts": 7,
  "cli/locked_registry_test.ts": 4,
  "cli/ls_test.ts": 4,
  "cli/output_guard_test.ts": 7,
  "cli/refusals_test.ts": 7,
  "cli/scan_test.ts": 5,
  "cli/self_test_test.ts": 5,
  "cli/troubleshooting_test.ts": 6,
  "codec/zip_test.ts": 5,
  "conformance/chain_ingest_test.ts": 8,
  "conformance/chains_test.ts": 5,
  "conformance/check_test.ts": 18,
  "conformance/dump_state_test.ts": 5,
  "conformance/exclusion_test.ts": 7,
  "conformance/interrupted_test.ts": 9,
  "conformance/medium_test.ts": 9,
  "conformance/more_stages_test.ts": 10,
  "conformance/remote_ingest_test.ts": 7,
  "conformance/stages_test.ts": 16,
  "conformance/undo_test.ts": 10,
  "ingest/graph_at_uri_test.ts": 5,
  "ingest/ingest_refusals_test.ts": 4,
  "ingest/right_graph_test.ts": 5,
  "postgres/check_test.ts": 10,
  "postgres/faults_test.ts": 20,
  "postgres/interrupted_test.ts": 12,
  "postgres/main_job_test.ts": 5,
  "postgres/registry_test.ts": 18,
  "qg/lookup_budget_test.ts": 8,
  "simulate/simulate_test.ts": 4,
  "storage/remote/dav_faults_test.ts": 5,
};

/** What other files take, seconds. */
const USUAL_SECONDS = 0.6;

/** What a group of files came to. */
interface GroupResult {
  passed: number;
  steps: number;
  failed: number;
  ignored: number;
  failures: string[];
}

function testFiles(folder: string): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      const isApart = folder === join(PROJECT, "tests") && OWN_TASKS.includes(entry.name);
      if (!isApart) files.push(...testFiles(path));
    } else if (entry.name.endsWith("_test.ts")) files.push(path);
  }
  return files;
}

/** Files that were asked for. */
function chosenFiles(asked: readonly string[]): string[] {
  return (asked.length === 0 ? ["tests"] : asked)
    .map((path) => resolve(path))
    .flatMap((path) => Deno.statSync(path).isDirectory ? testFiles(path) : [path]);
}

/** Groups that take about the same time: files that take longest first, each into the shortest group. */
function deal(files: readonly string[], nGroups: number): string[][] {
  const groups = Array.from(
    { length: Math.min(nGroups, files.length) },
    () => ({ seconds: 0, files: [] as string[] }),
  );
  const timed = files.map((path) => ({
    path,
    seconds: SECONDS[relative(join(PROJECT, "tests"), path)] ?? USUAL_SECONDS,
  }));
  timed.sort((a, b) => b.seconds - a.seconds || (a.path < b.path ? -1 : 1));
  for (const { path, seconds } of timed) {
    const shortest = groups.reduce((a, b) => b.seconds < a.seconds ? b : a);
    shortest.files.push(path);
    shortest.seconds += seconds;
  }
  return groups.map((group) => group.files);
}

/** Lines of the section that lists what failed. */
function failuresIn(lines: readonly string[]): string[] {
  const from = lines.findIndex((line) => line.trim() === "FAILURES");
  if (from < 0) return [];
  const section = lines.slice(from + 1);
  const end = section.findIndex((line) => /^(?:ok|FAILED) \| /.test(line));
  return section.slice(0, end < 0 ? undefined : end).filter((line) => line !== "");
}

/** Where a group keeps in which files the tests stand that failed. */
function placesFile(module: string): string {
  return `${module}.failed`;
}

/** Lines that list what failed, with the place where a test stands instead of that of its group. */
function withPlaces(failures: readonly string[], module: string): string[] {
  if (failures.length === 0 || !existsSync(placesFile(module))) return [...failures];
  const nameOf = (line: string) => line.slice(0, line.lastIndexOf(" => "));
  const told = Deno.readTextFileSync(placesFile(module)).split("\n");
  const places = new Map(told.map((line) => [nameOf(line), line]));
  return failures.map((line) => places.get(nameOf(line)) ?? line);
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \((\d+) steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/;

/** The end of a process's output, from the list of what failed on. */
const ENDING = /(?:^ FAILURES $[^]*)?^(?:ok|FAILED) \| \d+ passed[^]*/m;

function resultOf(output: string, code: number, files: readonly string[]): GroupResult {
  const lines = output.split("\n");
  const found = lines.map((line) => SUMMARY.exec(line)).findLast((match) => match !== null);
  const [passed, steps, failed, ignored] = (found ?? []).slice(1).map((text) => Number(text ?? 0));
  const failures = failuresIn(lines);
  if (found === undefined || (code !== 0) !== (failed > 0)) {
    const names = files.map((path) => relative(PROJECT, path)).join(" ");
    failures.push(`a process ended with status ${code} (${names})`);
    return { passed: passed ?? 0, steps: steps ?? 0, failed: 1, ignored: ignored ?? 0, failures };
  }
  return { passed, steps, failed, ignored, failures };
}

/** Holds what tests write, and the modules that import groups of them. */
const scratch = Deno.makeTempDirSync({
  prefix: "provgraph-tests-",
  // A binary may open nothing below /dev: its runtime asks for more permissions there than it has.
  dir: Deno.env.get("TMPDIR") || (IS_BINARY ? null : fastDirectory()) || undefined,
});
// Like other temporary directories: servers run by other users read in it.
Deno.chmodSync(scratch, 0o1777);

/** Whether files are of a suite that runs file by file. */
function areApart(files: readonly string[]): boolean {
  return files.some((path) => APART.includes(relative(join(PROJECT, "tests"), path).split("/")[0]));
}

/** Output of processes that run, by process. */
const running = new Map<Deno.ChildProcess, string[]>();

/** A module that has the tests of all files. */
function moduleOf(files: readonly string[]): string {
  const path = Deno.makeTempFileSync({ dir: scratch, prefix: "group-", suffix: "_test.ts" });
  const group = pathToFileURL(join(PROJECT, "tests", "support", "test_group.ts")).href;
  const urls = files.map((file) => pathToFileURL(file).href);
  Deno.writeTextFileSync(
    path,
    `import { importTests } from ${JSON.stringify(group)};\n` +
      `await importTests(${JSON.stringify(urls)}, ${JSON.stringify(placesFile(path))});\n`,
  );
  return path;
}

/** Keeps a stream's text. */
async function keep(stream: ReadableStream<Uint8Array>, texts: string[]): Promise<void> {
  const decoder = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
  for await (const text of stream.pipeThrough(decoder)) texts.push(text);
}

/** Runs a group of files and prints what they say when they have ended. */
async function runGroup(files: readonly string[]): Promise<GroupResult> {
  const isApart = areApart(files);
  const modules = isApart || IS_BINARY ? files : [moduleOf(files)];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--quiet"],
      ...[`--config=${join(PROJECT, "deno.json")}`],
      ...[`--lock=${join(PROJECT, "tests", "deno.lock")}`, "--frozen"],
      ...modules,
    ],
    cwd: PROJECT,
    env: { NO_COLOR: "1", ...(isApart ? {} : { TMPDIR: scratch }) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const texts: string[] = [];
  running.set(child, texts);
  await Promise.all([keep(child.stdout, texts), keep(child.stderr, texts)]);
  const { code } = await child.status;
  running.delete(child);
  const output = texts.join("");
  // The list of what failed, and the line of counts, are those of all groups, and come once.
  console.log(output.replace(ENDING, "").trimEnd());
  const result = resultOf(output, code, files);
  return { ...result, failures: withPlaces(result.failures, modules[0]) };
}

/** Removes what is left of tests; processes that tests have killed may be about to write something. */
function removeScratch(): void {
  try {
    Deno.removeSync(scratch, { recursive: true });
  } catch (error) {
    console.error(`left: ${scratch} (${error})`);
  }
}

/** Ends all processes and prints what they have said so far: whoever has no patience wants to know where. */
function endAll(): void {
  for (const [child, texts] of running) {
    child.kill("SIGKILL");
    console.log(texts.join(""));
  }
  removeScratch();
  Deno.exit(1);
}

async function main(asked: readonly string[]): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, endAll);
  const start = performance.now();
  const chosen = chosenFiles(asked);
  const { hardwareConcurrency: nProcessors } = navigator;
  // Few long files end more evenly in more groups, and nothing is gained by a shared start.
  const isApart = areApart(chosen);
  const nProcesses = isApart ? nProcessors : nProcessors + 1;
  const groups = deal(chosen, isApart ? 2 * nProcesses : nProcesses);
  const results: GroupResult[] = [];
  const work = async () => {
    for (let files; (files = groups.shift()) !== undefined;) results.push(await runGroup(files));
  };
  await Promise.all(Array.from({ length: nProcesses }, work));
  const failures = results.flatMap((result) => result.failures);
  if (failures.length > 0) console.log(`\n FAILURES \n\n${failures.join("\n")}\n`);
  const sum = (field: Exclude<keyof GroupResult, "failures">) =>
    results.reduce((n, result) => n + result[field], 0);
  const isGood = sum("failed") === 0 && sum("passed") > 0;
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(
    `${isGood ? "ok" : "FAILED"} | ${sum("passed")} passed (${sum("steps")} steps) | ` +
      `${sum("failed")} failed | ${sum("ignored")} ignored (${seconds}s)`,
  );
  return isGood ? 0 : 1;
}

if (import.meta.main) {
  const code = await main(Deno.args);
  removeScratch();
  Deno.exit(code);
}
