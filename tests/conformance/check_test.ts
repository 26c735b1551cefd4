/** `check REPO --run RUN`: every state is named, and the commands that it prints mend it. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { assertStateEqual, logsNeverWritten } from "../support/compare.ts";
import { dumpState } from "../support/dump_state.ts";
import {
  expectedJson,
  fixtureArchives,
  fixturePath,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { LockFile } from "../../lib/storage/lock_file.ts";
import { TemporaryFile } from "../../lib/storage/temporary_file.ts";
import { PROVENANCE, zipMembers } from "../qg/support.ts";
import { CASES, expectedAfterIngest } from "./harness.ts";
import { check, runHere, runPrinted, shellWords } from "../cli/check_support.ts";
import { copyOfFixture, removeUnpacked, replaceFile, row, sql } from "../cli/support.ts";

const MIXED = CASES["small-mixed"];
const GRAPH = `${RUN}/run_provenance/run_provenance_${RUN.replaceAll("/", "_")}.qg`;
/** Seconds since 1970: older and newer than a graph of the year 2000. */
const GRAPH_TIME = 946_684_800;

/** Kinds that the reference's own leftovers are not: logs never written, which stay registered. */
function withoutReferenceLogs(kinds: string[]): string[] {
  return kinds.filter((kind) => kind !== "backed-without-content");
}

async function mended(line: string): Promise<void> {
  const { code, stderr } = await runPrinted(line);
  assert.equal(code, 0, `${line}\n${stderr}`);
}

/** The problem that a killed ingest of the reference leaves. */
function expectedKinds(archive: string): string[] {
  if (archive === "opened") return [];
  if (archive.startsWith("forget-")) return ["interrupted-forget"];
  if (archive === "forgotten") return ["promised-ingest"];
  if (archive === "graph-moved") return ["unregistered-graph"];
  if (/^batch-ingested-3$|rmdir/.test(archive)) return ["empty-directory"];
  return ["interrupted-ingest"];
}

/** Points at which the batch with the logs never written had been committed: they stay. */
const KEEPS_LOGS_NEVER_WRITTEN =
  /^batch-ingested-|^batch-(part-)?deleted-2$|^before-rmdir$|^mid-rmdir-4$|^promise-batch-deleted-2$/;

function assertFinished(work: TemporaryDirectory, archive: string): void {
  const expected = KEEPS_LOGS_NEVER_WRITTEN.test(archive)
    ? expectedJson("small-mixed", "ingested.state")
    : expectedAfterIngest(MIXED, {
      before: archive.startsWith("promise-") ? "aggregated-promise" : "aggregated",
    });
  assertStateEqual(dumpState(work.repo), expected, archive);
}

for (const archive of fixtureArchives("interrupted-ingest")) {
  const graphArgs = (work: TemporaryDirectory) => {
    const path = work.join("provenance.qg");
    return [...Deno.readDirSync(work.path)].some(({ name }) => name === "provenance.qg")
      ? ["--graph", path]
      : [];
  };

  Deno.test(`check names the problem and mends it when the reference was killed at ${archive}`, async () => {
    await using work = await copyOfFixture("interrupted-ingest", archive);
    const before = dumpState(work.repo);
    const args = [work.repo, "--run", RUN, ...graphArgs(work)];
    const found = await check(...args);
    assert.deepEqual(withoutReferenceLogs(found.kinds), expectedKinds(archive));
    assert.equal(found.code, found.summary.n_problems === 0 ? 0 : 3);
    assertStateEqual(dumpState(work.repo), before, "state after a check");
    const problem = found.problems.find(({ kind }) => kind === expectedKinds(archive)[0]);
    if (problem === undefined) return;
    assert.ok(problem.repairable);
    await mended(problem.command!);
    assertFinished(work, archive);
    assert.deepEqual(withoutReferenceLogs((await check(...args)).kinds), []);
  });

  if (archive === "opened") continue;
  Deno.test(`check --repair finishes the ingest when the reference was killed at ${archive}`, async () => {
    await using work = await copyOfFixture("interrupted-ingest", archive);
    const given = graphArgs(work);
    const { kinds, repaired } = await check(work.repo, "--run", RUN, ...given, "--repair");
    assert.deepEqual(withoutReferenceLogs(kinds), []);
    assert.equal(repaired.length, 1);
    assertFinished(work, archive);
    // The graph that was given stays.
    if (given.length > 0) Deno.statSync(given[1]);
  });
}

/** Where this tool is killed, and the problem that it then leaves. */
const KILLS: Record<string, string[]> = {
  "forget.committed": ["interrupted-forget", "left-over-lock"],
  "transfer.placed": ["left-over-lock", "left-over-temporary", "promised-ingest"],
  "transfer.named": ["left-over-lock", "unregistered-graph"],
  "backed.before-commit": ["left-over-lock", "unregistered-graph"],
  "backed.committed:2": ["interrupted-ingest", "left-over-lock"],
  "directories.before": ["empty-directory", "left-over-lock"],
};

for (const [failpoint, kinds] of Object.entries(KILLS)) {
  Deno.test(`check --repair finishes the ingest when this tool was killed at ${failpoint}`, async () => {
    await using work = await copyOfFixture("small-mixed", "aggregated");
    const killed = await runProvgraph(
      [
        ...["-q", "ingest-graph", "repo", "provenance.qg", "--batch-size", "20"],
        // A move makes a hard link, which needs no temporary file.
        ...["--transfer", failpoint === "transfer.placed" ? "copy" : "move"],
      ],
      { cwd: work.path, env: { PROVGRAPH_FAILPOINTS: `${failpoint}=kill` } },
    );
    // A binary without the permission to send signals ends by one all the same.
    assert.match(killed.signal ?? "none", /^SIG(KILL|ABRT)$/);
    const args = [work.repo, "--run", RUN, "--graph", work.join("provenance.qg")];
    assert.deepEqual((await check(...args)).kinds, kinds);
    assert.deepEqual((await check(...args, "--repair")).kinds, []);
    assertStateEqual(dumpState(work.repo), expectedAfterIngest(MIXED), failpoint);
  });
}

for (const archive of ["aggregated", "aggregated-promise"]) {
  Deno.test(`check takes the placeholder for the graph when it knows none of ${archive}`, async () => {
    await using work = await copyOfFixture("small-mixed", archive);
    const { kinds, problems } = await check(work.repo, "--run", RUN);
    assert.deepEqual(kinds, archive === "aggregated" ? [] : ["promised-ingest"]);
    for (const { command } of problems) {
      assert.match(command!, / GRAPH$/);
      await mended(`${command!.replace("GRAPH", work.join("provenance.qg"))} --transfer copy`);
      const expected = expectedAfterIngest(MIXED, { before: archive });
      assertStateEqual(dumpState(work.repo), expected, archive);
    }
  });
}

Deno.test("check says to aggregate again when an aggregation was cut", async () => {
  await using work = await copyOfFixture("interrupted-aggregate", "batch-1");
  const { kinds, problems } = await check(work.repo, "--run", RUN);
  assert.deepEqual(kinds, ["unfinished-aggregation"]);
  await mended(
    problems[0].command!.replace("PREDICTED_GRAPH", fixturePath("small-mixed", "predicted.qg"))
      .replace("GRAPH", work.join("out.qg")),
  );
  assertStateEqual(dumpState(work.repo), expectedJson("small-mixed", "aggregated.state"));
  assert.deepEqual(
    (await check(work.repo, "--run", RUN, "--graph", work.join("out.qg"))).kinds,
    [],
  );
});

Deno.test("check lists the logs never written when the reference registered them", async () => {
  await using work = await copyOfFixture("small-mixed", "ingested");
  const { problems, kinds } = await check(work.repo, "--run", RUN);
  assert.deepEqual(kinds, ["backed-without-content"]);
  const ids = problems.map(({ where }) => /[-0-9a-f]{36}/.exec(where)![0]);
  const never = logsNeverWritten(expectedJson("small-mixed", "provenance.graph"));
  assert.deepEqual(ids.sort(), [...never].sort());
  for (const { command, repairable } of problems) {
    assert.ok(!repairable);
    const words = shellWords(command!);
    assert.deepEqual(words.slice(0, 6), [
      "butler",
      "prune-datasets",
      work.repo,
      RUN,
      "--purge",
      RUN,
    ]);
    assert.match(
      words[words.indexOf("--where") + 1],
      /^instrument='OracleCam' AND detector=\d AND visit=\d$/,
    );
  }
});

/** Ingested by this tool, without any problem. */
async function ingested(): Promise<TemporaryDirectory> {
  const work = await copyOfFixture("small-mixed", "aggregated");
  const graph = work.join("provenance.qg");
  // Not linked with other copies, and of a known time.
  replaceFile(graph, Deno.readFileSync(graph));
  Deno.utimeSync(graph, GRAPH_TIME, GRAPH_TIME);
  const { code, stderr } = await runHere(["-q", "ingest-graph", work.repo, graph]);
  assert.equal(code, 0, stderr);
  return work;
}

/** Path of some file below a directory of the RUN, relative to the datastore. */
function fileOf(work: TemporaryDirectory, typeName: string): string {
  const find = (directory: string): string => {
    for (const { name, isDirectory } of Deno.readDirSync(work.join("repo", directory))) {
      return isDirectory ? find(`${directory}/${name}`) : `${directory}/${name}`;
    }
    throw new Error(`no file in ${directory}`);
  };
  return find(`${RUN}/${typeName}`);
}

function put(work: TemporaryDirectory, path: string, seconds: number): string {
  const full = work.join("repo", path);
  Deno.mkdirSync(dirname(full), { recursive: true });
  Deno.writeTextFileSync(full, "{}");
  Deno.utimeSync(full, seconds, seconds);
  return full;
}

Deno.test("check finds nothing when ingest-graph is done", async () => {
  await using work = await ingested();
  for (const more of [[], ["--read-data"]]) {
    const { kinds, notes, summary } = await check(work.repo, "--run", RUN, ...more);
    assert.deepEqual([kinds, notes], [[], []]);
    assert.deepEqual(summary.contents, ["92 datasets", "37 files", "provenance graph ingested"]);
  }
});

Deno.test("check --repair sweeps originals when their content is in the graph, and only these", async () => {
  await using aggregated = await copyOfFixture("small-mixed", "aggregated");
  await using work = await ingested();
  const before = dumpState(work.repo);
  const older = fileOf(aggregated, "warp_metadata");
  // By content, not by time: it came after the graph.
  const content = Deno.readTextFileSync(aggregated.join("repo", older));
  Deno.writeTextFileSync(put(work, older, GRAPH_TIME + 1), content);
  const newer = fileOf(aggregated, "warp_log");
  put(work, newer, GRAPH_TIME - 1);
  // Metadata of a quantum that failed: its log is there, so the name is known.
  const unrecorded = failedMetadata(aggregated);
  put(work, unrecorded, GRAPH_TIME - 1);
  const args = [work.repo, "--run", RUN];
  const found = await check(...args);
  assert.deepEqual(found.kinds, ["newer-original", "orphaned-original", "unrecorded-original"]);
  const byKind = new Map(found.problems.map((problem) => [problem.kind, problem]));
  assert.equal(byKind.get("orphaned-original")!.where, older);
  assert.equal(byKind.get("newer-original")!.where, newer);
  assert.equal(byKind.get("unrecorded-original")!.where, unrecorded);

  const { code } = await runPrinted(byKind.get("orphaned-original")!.command!);
  assert.equal(code, 3);
  const { kinds } = await check(...args);
  assert.deepEqual(kinds, ["newer-original", "unrecorded-original"]);
  for (const path of [newer, unrecorded]) Deno.statSync(work.join("repo", path));
  // What remains is for people to judge; the command is there if they don't want it.
  for (const kind of ["newer-original", "unrecorded-original"]) {
    const { command } = byKind.get(kind)!;
    await mended(command!.replace(/DIRECTORY$/, work.join(kind)));
  }
  const end = await check(...args);
  assert.deepEqual(end.kinds, ["empty-directory"]);
  await mended(end.problems[0].command!);
  assert.deepEqual((await check(...args)).kinds, []);
  assertStateEqual(dumpState(work.repo), before);
});

/** Where metadata of a quantum would be that has a log but none. */
function failedMetadata(work: TemporaryDirectory): string {
  const names = (directory: string): string[] =>
    [...Deno.readDirSync(work.join("repo", directory))].flatMap(({ name, isDirectory }) =>
      isDirectory ? names(`${directory}/${name}`) : [`${directory}/${name}`]
    );
  const have = new Set(names(`${RUN}/calibrate_metadata`));
  return names(`${RUN}/calibrate_log`)
    .map((path) => path.replaceAll("calibrate_log", "calibrate_metadata"))
    .find((path) => !have.has(path))!;
}

Deno.test("check names datasets when file or record is missing", async () => {
  await using work = await ingested();
  const path = fileOf(work, "warp");
  Deno.removeSync(work.join("repo", path));
  const { id } = row(
    work,
    "SELECT d.id FROM dataset d JOIN dataset_type t ON t.id = d.dataset_type_id " +
      "WHERE t.name = 'coadd' LIMIT 1",
  );
  sql(work, `DELETE FROM file_datastore_records WHERE dataset_id = '${id}'`);
  const { kinds, problems } = await check(work.repo, "--run", RUN);
  // The file of the dataset without record is nobody's now.
  assert.deepEqual(kinds, [
    "file-without-record",
    "registered-without-file",
    "registered-without-record",
  ]);
  const find = (kind: string) => problems.find((problem) => problem.kind === kind)!;
  assert.ok(find("registered-without-file").what.includes(path));
  assert.match(
    find("registered-without-file").command!,
    /^butler prune-datasets .* --datasets warp /,
  );
  assert.ok(
    find("registered-without-record").where.replaceAll("-", "").includes(`${id} (coadd)`),
  );
  // Nothing else has its content, so nothing is said that would remove it.
  const orphan = find("file-without-record");
  assert.match(orphan.where, /\/coadd\//);
  assert.equal(orphan.command, null);
});

Deno.test("check leaves files of another RUN alone when its name begins with this one's", async () => {
  await using work = await ingested();
  put(work, `${RUN}/sub/warp/x.pickle`, GRAPH_TIME);
  put(work, `${RUN}/new/type/x_${`${RUN}/new`.replaceAll("/", "_")}.json`, GRAPH_TIME);
  const args = [work.repo, "--run", RUN];
  // Not aggregated yet, so that no registry knows them.
  const before = await check(...args);
  assert.deepEqual(before.kinds, []);
  assert.deepEqual(
    before.notes,
    ["new", "sub"].map((name) =>
      `1 files are left alone, as they look like those of RUN "${RUN}/${name}", which isn't registered`
    ),
  );
  sql(work, `INSERT INTO collection (name, type) VALUES ('${RUN}/sub', 1), ('${RUN}/new', 1)`);
  const after = await check(...args);
  assert.deepEqual([after.kinds, after.notes], [[], []]);
});

Deno.test("check says to put the graph back when records point at one that isn't there", async () => {
  await using work = await ingested();
  const graph = work.join("repo", GRAPH);
  const copy = work.join("a copy's.qg");
  Deno.renameSync(graph, copy);
  const { kinds, problems } = await check(work.repo, "--run", RUN, "--graph", copy);
  assert.deepEqual(kinds, ["missing-graph"]);
  // The record of the graph itself, and of all that it backs.
  assert.equal(problems.length, 2);
  assert.match(problems[1].what, /^55 datasets are backed by the graph/);
  await mended(problems[1].command!);
  assert.deepEqual((await check(work.repo, "--run", RUN)).kinds, []);
});

Deno.test("check tells the sizes when that of the graph's record is wrong", async () => {
  await using work = await ingested();
  sql(work, "UPDATE file_datastore_records SET file_size = file_size + 1 WHERE path LIKE '%.qg'");
  const { kinds, problems } = await check(work.repo, "--run", RUN);
  assert.deepEqual(kinds, ["graph-size"]);
  assert.match(problems[0].what, /has \d+ bytes, its record says \d+/);
});

Deno.test("check leads to the repair of the graph when its addresses are damaged", async () => {
  await using work = await ingested();
  const path = work.join("repo", GRAPH);
  const bytes = Deno.readFileSync(path);
  const wanted = bytes.slice();
  const { start, data } = zipMembers(bytes).find(({ name }) => name === "nodes.addr")!;
  bytes[start + (data.length >> 1)] ^= 1;
  Deno.writeFileSync(path, bytes);
  Deno.utimeSync(path, GRAPH_TIME, GRAPH_TIME);
  const original = put(work, `${RUN}/warp_metadata/x.json`, GRAPH_TIME);
  const found = await check(work.repo, "--run", RUN);
  assert.deepEqual(found.kinds, ["damaged-graph"]);
  // Without the graph nobody knows whether the content of an original is anywhere else.
  assert.match(found.notes[0], /^1 metadata, log and config files were not compared/);
  Deno.removeSync(dirname(original), { recursive: true });
  // First command: what is wrong with the graph; its command: the repair.
  const words = shellWords(found.problems[0].command!);
  assert.deepEqual(words.slice(0, 2), ["provgraph", "check"]);
  const ofFile = await check(...words.slice(2));
  assert.ok(ofFile.problems.length > 0);
  await mended(ofFile.problems[0].command!);
  assert.deepEqual(Deno.readFileSync(path), wanted);
  assert.deepEqual((await check(work.repo, "--run", RUN)).kinds, []);
});

Deno.test("check --repair removes locks and temporary files when their process is gone", async () => {
  await using work = await ingested();
  const ended = new Deno.Command("true").spawn();
  await ended.status;
  const { pid } = ended;
  const graph = work.join("beside.qg");
  Deno.copyFileSync(PROVENANCE, graph);
  const holder = (fields: Record<string, unknown>) =>
    JSON.stringify({
      host: Deno.hostname(),
      pid,
      pidNamespace: Deno.readLinkSync("/proc/self/ns/pid"),
      processStart: "1",
      since: "2026-01-01T00:00:00Z",
      keepsAdvisory: true,
      ...fields,
    });
  Deno.writeTextFileSync(`${graph}.lock`, holder({}));
  Deno.writeTextFileSync(`${graph}.tmp-0123456789abcdef`, "half a graph");
  Deno.writeTextFileSync(`${graph}.chunks`, "");
  Deno.writeTextFileSync(work.join("repo", `${GRAPH}.tmp-0123456789abcdef`), "half a copy");
  const elsewhere = work.join("repo", `${GRAPH}.lock`);
  Deno.writeTextFileSync(elsewhere, holder({ host: "elsewhere", keepsAdvisory: false }));
  const args = [work.repo, "--run", RUN, "--graph", graph];
  const found = await check(...args);
  assert.deepEqual(found.summary.counts, {
    "left-over-temporary": 2,
    "left-over-lock": 2,
    "left-over-chunk-log": 1,
  });
  // The lock of another host may be held: only a person there can tell.
  const unknown = found.problems.find(({ where }) => where === elsewhere)!;
  assert.ok(!unknown.repairable);
  assert.match(unknown.what, /process \d+ on host "elsewhere"; it is stale if/);
  const stale = found.problems.find(({ where }) => where === `${graph}.lock`)!;
  await runPrinted(stale.command!);
  const left = await check(...args);
  assert.deepEqual(left.kinds, ["left-over-chunk-log", "left-over-lock", "left-over-temporary"]);
  // What lies beside a lock that may be held stays until that is settled.
  await mended(unknown.command!);
  await check(...args, "--repair");
  const end = await check(...args);
  assert.deepEqual(end.kinds, ["left-over-chunk-log"]);
  await mended(end.problems[0].command!);
  assert.deepEqual((await check(...args)).kinds, []);
});

Deno.test("check --repair keeps a temporary file when it is the only graph there is", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated-promise");
  const temporary = work.join("repo", `${GRAPH}.tmp-0123456789abcdef`);
  Deno.mkdirSync(dirname(temporary));
  Deno.renameSync(work.join("provenance.qg"), temporary);
  const args = [work.repo, "--run", RUN];
  const { kinds, problems } = await check(...args, "--repair");
  assert.deepEqual(kinds, ["left-over-temporary", "promised-ingest"]);
  await mended(problems.find(({ kind }) => kind === "left-over-temporary")!.command!);
  assert.deepEqual((await check(...args)).kinds, ["unregistered-graph"]);
  assert.deepEqual((await check(...args, "--repair")).kinds, []);
  assertStateEqual(
    dumpState(work.repo),
    expectedAfterIngest(MIXED, { before: "aggregated-promise" }),
  );
});

Deno.test("check leaves a lock and temporary file alone when their process runs", async () => {
  await using work = await ingested();
  const graph = work.join("beside.qg");
  Deno.copyFileSync(PROVENANCE, graph);
  using temporary = TemporaryFile.create(graph);
  using _lock = LockFile.acquire(graph);
  const { kinds, notes, code } = await check(work.repo, "--run", RUN, "--graph", graph, "--repair");
  assert.deepEqual([kinds, code], [[], 0]);
  assert.equal(notes.length, 2);
  assert.match(notes[0], new RegExp(`lock of process ${Deno.pid} on host .*, which is running`));
  assert.match(notes[1], /temporary of a process, which is running/);
  Deno.statSync(temporary.path);
});

Deno.test("check prints lines for people and for programs when run as a process", async () => {
  await using work = await temporaryDirectory();
  const bytes = Deno.readFileSync(PROVENANCE);
  const { start } = zipMembers(bytes).find(({ name }) => name === "nodes.addr")!;
  bytes[start + 40] ^= 1;
  Deno.writeFileSync(work.join("a graph.qg"), bytes);
  const options = { cwd: work.path };
  const text = await runProvgraph(["check", "a graph.qg"], options);
  assert.equal(text.code, 3);
  assert.match(text.stderr, /^provgraph\.check INFO: Speed: read .* kB in .* s.*\.\n$/);
  const lines = text.stdout.trimEnd().split("\n");
  assert.match(lines.at(-1)!, /^provenance graph "a graph\.qg" \(53 quanta, .*\): \d+ problems?$/);
  for (const line of lines.slice(0, -1)) {
    assert.match(
      line,
      /^[a-z-]+: a graph\.qg.*; mend with: provgraph check 'a graph\.qg' --repair$/,
    );
  }
  const json = await runProvgraph(["check", "a graph.qg", "--json"], options);
  const messages = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(messages.length, lines.length);
  assert.equal(messages.at(-1).message_type, "summary");
  const repaired = await runProvgraph(
    shellWords(messages[0].command!).slice(1),
    options,
  );
  assert.equal(repaired.code, 0, repaired.stderr);
  assert.match(repaired.stderr, /^(provgraph\.check INFO: Speed: .*\n)*$/);
  assert.match(repaired.stdout, /^repaired: rebuilt the 262 addresses of "a graph\.qg"/);
  assert.deepEqual(Deno.readFileSync(work.join("a graph.qg")), Deno.readFileSync(PROVENANCE));
  assert.match((await runProvgraph(["check", "--help"])).stdout, /--read-data[\s\S]*Exit codes/);
});

Deno.test("check refuses what it can't check", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const cases: [args: string[], message: RegExp][] = [
    [[work.repo], /it is no file that can be checked/],
    [[work.join("nothing.qg")], /no such file|No such file/i],
    [[work.join("repo", "butler.yaml")], /it is no file that can be checked/],
    [[work.join("repo", "gen3.sqlite3")], /it is neither a quantum graph nor a chunk log/],
    [[PROVENANCE, "--graph", PROVENANCE], /--graph/],
    [[work.repo, "--run", "no/such/run"], /Cannot find RUN "no\/such\/run"/],
    [[work.repo, "--run", "u/oracle/out"], /it is a CHAINED collection/],
    [[work.join("nowhere"), "--run", RUN], /nowhere/],
    [
      [work.repo, "--run", RUN, "--graph", fixturePath("second-run", "provenance.qg")],
      /it is of RUN/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr, stdout } = await runHere(["check", ...args]);
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
});

Deno.test.afterAll(removeUnpacked);
