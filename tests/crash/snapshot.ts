/**
 * All that a command can change, in a form that can be compared: every path below the working directory
 * with the hash of its content, the registry, and the decoded graph.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import assert from "node:assert/strict";
import { parseJson } from "../../lib/base/json_text.ts";
import { assertJsonEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { dumpState } from "../support/dump_state.ts";
import { RUN, type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { pythonJson } from "../support/python_json.ts";
import type { Job } from "./jobs.ts";

/** What stands in the tree where content differs between runs that did the same. */
const MASKED = "<masked>";
const DATABASE = "repo/gen3.sqlite3";
const OWN_GRAPH = "provenance.qg";

/** One moment of a working directory. */
export interface Snapshot {
  /** Relative path to hash, link target, or kind. */
  tree: Map<string, string>;
  /** The registry and the datastore's records, as one JSON text. */
  state: string;
  /** Decoded graph beside the repository, as JSON, or null. */
  graph: string | null;
}

/** Describes a working directory. Opens the database for writing: a hot journal is rolled back. */
export async function takeSnapshot(work: TemporaryDirectory): Promise<Snapshot> {
  const state = dumpState(work.repo, { hashes: false, strict: true });
  return {
    tree: treeOf(work),
    state: normal(work, pythonJson(state as never)),
    graph: await graphText(work),
  };
}

/** Paths of the working directory are different in each. */
function normal(work: TemporaryDirectory, text: string): string {
  return text.replaceAll(work.path, "<work>");
}

async function graphText(work: TemporaryDirectory): Promise<string | null> {
  try {
    Deno.lstatSync(work.join(OWN_GRAPH));
  } catch {
    return null;
  }
  return pythonJson(await dumpGraph(work.join(OWN_GRAPH)) as never);
}

/** Every path with its content. */
export function treeOf(work: TemporaryDirectory): Map<string, string> {
  const tree = new Map<string, string>();
  const visit = (folder: string) => {
    const entries = [...Deno.readDirSync(work.join(folder))]
      .sort((a, b) => a.name < b.name ? -1 : 1);
    for (const entry of entries) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory) {
        tree.set(path, "directory");
        visit(path);
      } else if (entry.isSymlink) {
        tree.set(path, `link to ${normal(work, Deno.readLinkSync(work.join(path)))}`);
      } else if (path === DATABASE || path.endsWith(".chunks")) {
        tree.set(path, MASKED);
      } else {
        tree.set(path, hashOf(work.join(path)));
      }
    }
  };
  visit("");
  return tree;
}

function hashOf(path: string): string {
  return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
}

/** Checks that two moments are the same. */
export function assertSameSnapshot(
  job: Pick<Job, "tool">,
  actual: Snapshot,
  expected: Snapshot,
  what: string,
): void {
  const entries = (snapshot: Snapshot) =>
    [...snapshot.tree].map(([path, content]) => {
      // Blocks are in the order in which scanners answered; the decoded graph is compared below.
      const isOwn = job.tool === "aggregate" && path === OWN_GRAPH;
      return `${path} ${isOwn ? MASKED : content}`;
    });
  assertJsonEqual(entries(actual), entries(expected), `${what}: file tree`);
  for (const part of ["state", "graph"] as const) {
    if (actual[part] === expected[part]) continue;
    const parse = (text: string | null) => text === null ? null : parseJson(text);
    assertJsonEqual(parse(actual[part]), parse(expected[part]), `${what}: ${part}`);
    throw new Error(`${what}: ${part} differs in form`);
  }
}

/** What an interrupted process may leave beside finished files; the next run takes it away. */
const WORKING_FILES =
  /\.(lock|lock\.[0-9a-f]{16}|tmp-[0-9a-f]{16}|chunks|part-[0-9a-f]{16})$|\.sqlite3-journal$/;

/**
 * Checks what an interrupted process left, before anything is run again: each name has its old or its
 * final content, and what the graph is to back is in its original or in the registered graph.
 */
export async function assertNothingLost(
  job: Job,
  work: TemporaryDirectory,
  what: string,
): Promise<void> {
  const tree = treeOf(work);
  for (const [path, content] of tree) {
    if (WORKING_FILES.test(path)) continue;
    if (job.tool === "aggregate" && path === OWN_GRAPH) {
      const graph = await graphText(work);
      assert.ok(
        graph === job.before.graph || graph === job.after.graph,
        `${what}: "${path}" is neither the old graph nor the new one`,
      );
      continue;
    }
    const allowed = [job.before.tree.get(path), job.after.tree.get(path)];
    assert.ok(
      content === "directory" || allowed.includes(content),
      `${what}: "${path}" has content that nothing explains`,
    );
  }
  if (job.tool === "ingest") await assertContentKept(job, work, tree, what);
  if (job.tool === "undo") assertGraphKept(job, tree, what);
}

/** An undo never loses the graph, and takes nothing else away. */
function assertGraphKept(job: Job, tree: Map<string, string>, what: string): void {
  for (const [path, content] of job.before.tree) {
    if (tree.has(path) || content === "directory") continue;
    assert.match(path, /\.qg$/, `${what}: "${path}" is gone`);
    assert.ok([...tree.values()].includes(content), `${what}: the graph is gone`);
  }
}

/** What a process that ended by itself has no excuse to leave. */
export function assertTidy(work: TemporaryDirectory, what: string): void {
  const left = [...treeOf(work).keys()].filter((path) =>
    /\.(lock|lock\.\w+|tmp-\w+|sqlite3-journal)$/.test(path)
  );
  assert.deepEqual(left, [], `${what}: left over`);
}

async function assertContentKept(
  job: Job,
  work: TemporaryDirectory,
  tree: Map<string, string>,
  what: string,
): Promise<void> {
  const missing: string[] = [];
  for (const [path, content] of job.before.tree) {
    if (content !== "directory" && !tree.has(path) && path !== OWN_GRAPH) missing.push(path);
  }
  if (missing.length === 0) return;
  const backing = await backedPaths(work);
  assert.notEqual(backing.provenance, null, `${what}: originals are gone without run_provenance`);
  const graphHash = [...job.before.tree].find(([path]) =>
    path.endsWith(".qg") &&
    !path.endsWith("predicted.qg")
  )![1];
  const registered = `${work.repo}/${backing.provenance}`;
  assert.equal(hashOf(registered), graphHash, `${what}: the registered graph is another`);
  for (const path of missing) {
    const type = path.slice(`repo/${RUN}/`.length).split("/")[0];
    assert.match(type, /_(log|metadata|config)$/, `${what}: "${path}" is gone`);
  }
  // One original for each dataset that the graph backs, at most: commit comes before delete.
  assert.ok(
    missing.length <= backing.nBacked,
    `${what}: ${missing.length} originals are gone, ${backing.nBacked} datasets are backed`,
  );
}

/** What the registry says, read from a copy: opening it would roll back a hot journal. */
async function backedPaths(
  work: TemporaryDirectory,
): Promise<{ provenance: string | null; nBacked: number }> {
  await using aside = await temporaryDirectory();
  for (const suffix of ["", "-journal"]) {
    try {
      Deno.copyFileSync(`${work.join(DATABASE)}${suffix}`, aside.join(`db${suffix}`));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  const database = new DatabaseSync(aside.join("db"));
  try {
    const row = database.prepare(
      "SELECT path FROM file_datastore_records JOIN dataset ON dataset.id = dataset_id " +
        "JOIN dataset_type ON dataset_type.id = dataset_type_id WHERE name = 'run_provenance'",
    ).get();
    const count = database.prepare(
      "SELECT count(*) AS n FROM file_datastore_records JOIN dataset ON dataset.id = dataset_id " +
        "JOIN dataset_type ON dataset_type.id = dataset_type_id " +
        "WHERE path LIKE '%.qg' AND name <> 'run_provenance'",
    ).get();
    return { provenance: (row?.path as string | undefined) ?? null, nBacked: Number(count!.n) };
  } finally {
    database.close();
  }
}
