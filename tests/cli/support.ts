/** Helpers of the tests of the command line. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { assertStateEqual } from "../support/compare.ts";
import { dumpState, type RepositoryState } from "../support/dump_state.ts";
import {
  copyOf,
  type ProcessResult,
  runProvgraph,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";

const unpacked = new Map<string, Promise<TemporaryDirectory>>();

/** Copies of archives that are unpacked once in a test file; {@linkcode removeUnpacked} at its end. */
export async function copyOfFixture(name: string, archive: string): Promise<TemporaryDirectory> {
  const key = `${name}/${archive}`;
  let tree = unpacked.get(key);
  if (tree === undefined) unpacked.set(key, tree = unpackFixture(name, archive));
  return await copyOf(await tree, { link: true });
}

/** Removes what {@linkcode copyOfFixture} unpacked. */
export async function removeUnpacked(): Promise<void> {
  for (const tree of unpacked.values()) (await tree)[Symbol.dispose]();
  unpacked.clear();
}

/** Replaces a file of a copied tree, whose content other copies share. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
}

/** Runs SQL on a repository's database, constraints off. */
export function sql(work: TemporaryDirectory, ...statements: string[]): void {
  const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`, {
    enableForeignKeyConstraints: false,
  });
  try {
    for (const statement of statements) database.exec(statement);
  } finally {
    database.close();
  }
}

/** First row of a query, as an array of columns. */
export function row(work: TemporaryDirectory, query: string): Record<string, unknown> {
  const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
  try {
    return { ...database.prepare(query).get() };
  } finally {
    database.close();
  }
}

/** All that a refused command must leave as it is. */
export interface Snapshot {
  state: RepositoryState;
  /** Names beside the repository with size and time. */
  beside: string[];
}

/** Describes repository and working directory. */
export function snapshot(work: TemporaryDirectory): Snapshot {
  const beside = [...Deno.readDirSync(work.path)].map(({ name, isFile }) => {
    if (!isFile) return name;
    const { size, mtime } = Deno.statSync(work.join(name));
    return `${name} ${size} ${mtime?.getTime()}`;
  }).sort();
  return { state: dumpState(work.repo), beside };
}

/** Checks that nothing has changed since. */
export function assertUnchanged(work: TemporaryDirectory, before: Snapshot): void {
  const after = snapshot(work);
  assert.deepEqual(after.beside, before.beside);
  assertStateEqual(after.state, before.state, "state after the command");
}

/** Checks that a command said one clear error and nothing on stdout. */
export function assertOneError(result: ProcessResult, message: RegExp): void {
  const lines = result.stderr.split("\n");
  const errors = lines.filter((line) => line.startsWith("error: "));
  assert.equal(errors.length, 1, result.stderr);
  assert.match(result.stderr, message);
  assert.doesNotMatch(result.stderr, /\n\s+at .*:\d+:\d+|Uncaught|undefined|\[object/);
  assert.equal(result.stdout, "");
}

/** Runs a command that must be refused, and checks that it changed nothing. */
export async function assertRefused(
  work: TemporaryDirectory,
  args: readonly string[],
  message: RegExp,
  { code = 2 } = {},
): Promise<ProcessResult> {
  const before = snapshot(work);
  const result = await runProvgraph(args, { cwd: work.path });
  assert.equal(result.code, code, `${args.join(" ")}\n${result.stderr}`);
  assertOneError(result, message);
  assertUnchanged(work, before);
  return result;
}
