/** Input that can't be used: one clear error, the documented exit code, nothing changed. */

import assert from "node:assert/strict";
import { dumpState } from "../support/dump_state.ts";
import { assertStateEqual } from "../support/compare.ts";
import {
  expectProvgraph,
  fixturePath,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
} from "../support/fixtures.ts";
import { buildZip, loadZstd, type TestMember, zipMembers } from "../qg/support.ts";
import {
  assertOneError,
  assertRefused,
  assertUnchanged,
  copyOfFixture,
  removeUnpacked,
  replaceFile,
  row,
  snapshot,
  sql,
} from "./support.ts";

const AGGREGATE = ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg"];
const INGEST = ["ingest-graph", "repo", "provenance.qg", "-t", "copy"];
const RUN_FOLDER = `repo/${RUN}`;

/** A repository before aggregation, or before ingest; both graphs beside it, as far as they are made. */
async function fresh(stage: "before" | "aggregated"): Promise<TemporaryDirectory> {
  const work = await copyOfFixture("small-mixed", stage);
  replaceFile(work.join("predicted.qg"), graphBytes("predicted.qg"));
  return work;
}

/** Graph of the stage, and the command that reads it. */
const GRAPHS = [
  { stage: "before", file: "predicted.qg", args: AGGREGATE },
  { stage: "aggregated", file: "provenance.qg", args: INGEST },
] as const;

function graphBytes(file: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(fixturePath("small-mixed", file));
}

/** The graph with the text of its header changed. */
async function withHeader(
  file: string,
  change: (text: string) => string,
): Promise<Uint8Array<ArrayBuffer>> {
  const zstd = await loadZstd();
  return buildZip(
    zipMembers(graphBytes(file)).map((member): TestMember => {
      if (member.name !== "header.json.zst") return member;
      const text = new TextDecoder().decode(
        zstd.decompressor(null).decompress(member.data, "header"),
      );
      const changed = change(text);
      assert.notEqual(changed, text);
      return {
        name: member.name,
        data: zstd.compressor(null, 3).compress(new TextEncoder().encode(changed)),
      };
    }),
  );
}

for (const { stage, file, args } of GRAPHS) {
  Deno.test(`${args[0]} refuses a graph truncated at any member edge`, async () => {
    await using work = await fresh(stage);
    const whole = graphBytes(file);
    const edges = zipMembers(whole).flatMap(({ start, data }) => [start, start + data.length]);
    const cuts = new Set([0, 1, ...edges, whole.length - 22, whole.length - 1]);
    // Every edge is tried in the reader's own tests; here each third, through the whole tool.
    const chosen = [...cuts].filter((_, i) => i % 3 === 0 || i < 2 || i > cuts.size - 3);
    for (const cut of chosen) {
      replaceFile(work.join(file), whole.slice(0, cut));
      await assertRefused(work, args, new RegExp(file.replace(".", "\\.")));
    }
  });

  Deno.test(`${args[0]} refuses a graph with a flipped byte in any member`, async () => {
    await using work = await fresh(stage);
    const whole = graphBytes(file);
    for (const { name, start, data } of zipMembers(whole)) {
      if (data.length === 0) continue;
      const damaged = whole.slice();
      damaged[start + (data.length >> 1)] ^= 0x20;
      replaceFile(work.join(file), damaged);
      const before = snapshot(work);
      const result = await runProvgraph(args, { cwd: work.path });
      assert.equal(result.code, 2, `${name}: ${result.stderr}`);
      assertOneError(result, new RegExp(file.replace(".", "\\.")));
      assertUnchanged(work, before);
    }
  });

  Deno.test(`${args[0]} refuses version 2, another graph type and a RUN that leads out`, async () => {
    await using work = await fresh(stage);
    const type = `"graph_type":"${file.replace(".qg", "")}"`;
    const changes: [RegExp, (text: string) => string][] = [
      [/version is 2/, (text) => text.replace(/"version":1/, '"version":2')],
      [/graph_type is "other"/, (text) => text.replace(type, '"graph_type":"other"')],
      [/part "\.\."/, (text) => text.replace(/"output_run":"[^"]*"/, '"output_run":"u/../../x"')],
      [/begins with "\/"/, (text) => text.replace(/"output_run":"[^"]*"/, '"output_run":"/etc"')],
      [/NUL/, (text) => text.replace(/"output_run":"[^"]*"/, '"output_run":"u\\u0000"')],
      [/not JSON/, (text) => text.slice(0, -5)],
    ];
    for (const [message, change] of changes) {
      replaceFile(work.join(file), await withHeader(file, change));
      await assertRefused(work, args, message);
    }
  });

  Deno.test(`${args[0]} refuses what is no repository`, async () => {
    await using work = await fresh(stage);
    Deno.mkdirSync(work.join("empty"));
    Deno.writeTextFileSync(work.join("text.txt"), "hello\n");
    for (const repository of ["nowhere", "empty", "text.txt", "s3://bucket/repo", ""]) {
      await assertRefused(work, args.with(args.indexOf("repo"), repository), /error: /);
    }
  });

  Deno.test(`${args[0]} refuses registries it doesn't know`, async () => {
    const changes: [RegExp, string][] = [
      [
        /version/i,
        "UPDATE butler_attributes SET value = '99.0.0' WHERE name LIKE 'version:%dataset%'",
      ],
      [
        /universe|dimension|namespace/i,
        "UPDATE butler_attributes SET value = replace(value, '\"daf_butler\"', '\"mine\"') " +
        "WHERE name = 'config:dimensions.json'",
      ],
      [
        /manager/i,
        "UPDATE butler_attributes SET value = 'my.Own' WHERE name = 'config:registry.managers.datasets'",
      ],
    ];
    for (const [message, statement] of changes) {
      await using work = await fresh(stage);
      const before = row(work, "SELECT group_concat(value) AS v FROM butler_attributes").v;
      sql(work, statement);
      const after = row(work, "SELECT group_concat(value) AS v FROM butler_attributes").v;
      assert.notEqual(after, before, statement);
      await assertRefused(work, args, message);
    }
  });
}

Deno.test("ingest-graph refuses the graph of another run", async () => {
  await using work = await fresh("aggregated");
  Deno.copyFileSync(fixturePath("second-run", "provenance.qg"), work.join("other.qg"));
  await assertRefused(work, ["ingest-graph", "repo", "other.qg"], /20260702T000000Z/);
});

Deno.test("ingest-graph refuses another graph of an ingested run", async () => {
  await using work = await fresh("aggregated");
  await expectProvgraph(INGEST, { cwd: work.path });
  const other = await withHeader(
    "provenance.qg",
    (text) => text.replace(/("provenance_dataset_id":")./, "$1f"),
  );
  replaceFile(work.join("provenance.qg"), other);
  await assertRefused(work, INGEST, /another/);
});

/** First file below a folder. */
function fileIn(work: TemporaryDirectory, folder: string): string {
  let path = work.join(RUN_FOLDER, folder);
  while (Deno.statSync(path).isDirectory) {
    path += `/${[...Deno.readDirSync(path)].map(({ name }) => name).sort()[0]}`;
  }
  return path;
}

for (const kind of ["log", "metadata"]) {
  Deno.test(`aggregate-graph lists a broken ${kind} file and ends with 3, with --strict with 1`, async () => {
    for (const content of ["{", "hello", '{"extended":true,"records":[{"name":1}]}', "\xff\xfe"]) {
      await using work = await fresh("before");
      const path = fileIn(work, `calibrate_${kind}`);
      const bytes = Uint8Array.from(content, (c) => c.charCodeAt(0));
      // A metadata file of this content is an object like any other.
      if (kind === "metadata" && content.startsWith('{"ext')) continue;
      replaceFile(path, bytes);
      const strict = await runProvgraph([...AGGREGATE, "--strict"], { cwd: work.path });
      assert.equal(strict.code, 1, strict.stderr);
      assertOneError(strict, /--strict/);
      assert.throws(() => Deno.statSync(work.join("out.qg")), Deno.errors.NotFound);
      const lax = await expectProvgraph(AGGREGATE, { cwd: work.path, code: 3 });
      assert.match(lax.stderr, /1 files? (?:is|are) broken/);
      assert.ok(lax.stderr.includes(path.slice(path.indexOf(`calibrate_${kind}`))), lax.stderr);
      assert.deepEqual(Deno.readFileSync(path), bytes, "left as it was");
      // Its content isn't in the graph, so ingest-graph leaves it and says so.
      const ingest = await expectProvgraph(["ingest-graph", "repo", "out.qg"], {
        cwd: work.path,
        code: 3,
      });
      assert.ok(Deno.statSync(path).isFile, ingest.stderr);
    }
  });

  Deno.test(`aggregate-graph takes a directory in the place of a ${kind} file for broken`, async () => {
    await using work = await fresh("before");
    const path = fileIn(work, `calibrate_${kind}`);
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    for (const readAhead of ["always", "never"]) {
      const command = [...AGGREGATE, "--read-ahead", readAhead];
      const strict = await runProvgraph([...command, "--strict"], { cwd: work.path });
      assert.equal(strict.code, 1, strict.stderr);
      assertOneError(strict, /is a directory/);
      assert.throws(() => Deno.statSync(work.join("out.qg")), Deno.errors.NotFound);
      const { stderr } = await expectProvgraph(command, { cwd: work.path, code: 3 });
      assert.match(stderr, /is a directory/);
      Deno.removeSync(work.join("out.qg"));
    }
  });
}

Deno.test("aggregate-graph makes missing output directories and fails with 1 if it can't", async () => {
  await using work = await fresh("before");
  Deno.writeTextFileSync(work.join("file"), "");
  await assertRefused(work, AGGREGATE.with(4, "file/out.qg"), /file/, { code: 1 });
  // Even the superuser may not make anything there.
  if (Deno.build.os === "linux") {
    await assertRefused(work, AGGREGATE.with(4, "/sys/provgraph/out.qg"), /sys/, { code: 1 });
  }
  await assertRefused(work, AGGREGATE.with(4, "repo"), /is a directory/);
  assert.ok(Deno.statSync(work.join("file")).isFile);
  await expectProvgraph(AGGREGATE.with(4, "a/b/out.qg"), { cwd: work.path });
  assert.deepEqual([...Deno.readDirSync(work.join("a/b"))].map(({ name }) => name), ["out.qg"]);
});

Deno.test("aggregate-graph that is refused leaves none of the directories it made", async () => {
  await using work = await fresh("aggregated");
  sql(work, "UPDATE dataset_type SET storage_class = 'StructuredDataList' WHERE name = 'image'");
  Deno.mkdirSync(work.join("a"));
  await assertRefused(work, AGGREGATE.with(4, "a/b/c/out.qg"), /"image".*StructuredDataList/s);
  assert.deepEqual([...Deno.readDirSync(work.join("a"))], []);
});

Deno.test("aggregate-graph refuses a dataset type that is defined otherwise", async () => {
  await using work = await fresh("aggregated");
  sql(work, "UPDATE dataset_type SET storage_class = 'StructuredDataList' WHERE name = 'image'");
  await assertRefused(work, AGGREGATE, /"image".*StructuredDataList/s);
});

Deno.test("aggregate-graph refuses a RUN or chain whose name is another collection's", async () => {
  await using work = await fresh("aggregated");
  sql(work, `UPDATE collection SET type = 2 WHERE name = '${RUN}'`);
  await assertRefused(work, AGGREGATE, /TAGGED/);
});

Deno.test("aggregate-graph names both IDs of a data ID that is there under another one", async () => {
  await using work = await fresh("aggregated");
  const { id } = row(
    work,
    "SELECT d.id AS id FROM dataset d JOIN dataset_type t ON t.id = d.dataset_type_id " +
      `JOIN collection c ON c.collection_id = d.run_id WHERE t.name = 'image' AND c.name = '${RUN}' ` +
      "ORDER BY d.id LIMIT 1",
  );
  const other = "0".repeat(31) + "1";
  const tables = row(
    work,
    "SELECT group_concat(name) AS names FROM sqlite_master WHERE type = 'table' AND name LIKE 'dataset_tags%'",
  );
  sql(
    work,
    `UPDATE dataset SET id = '${other}' WHERE id = '${id}'`,
    `UPDATE dataset_location SET dataset_id = '${other}' WHERE dataset_id = '${id}'`,
    `UPDATE file_datastore_records SET dataset_id = '${other}' WHERE dataset_id = '${id}'`,
    ...String(tables.names).split(",").map((table) =>
      `UPDATE "${table}" SET dataset_id = '${other}' WHERE dataset_id = '${id}'`
    ),
  );
  const state = dumpState(work.repo);
  const result = await runProvgraph(AGGREGATE, { cwd: work.path });
  assert.equal(result.code, 1, result.stderr);
  assertOneError(result, /00000000-0000-0000-0000-000000000001/);
  const text = String(id);
  assert.ok(result.stderr.includes(text.slice(0, 8)), result.stderr);
  assertStateEqual(dumpState(work.repo), state);
  assert.throws(() => Deno.statSync(work.join("out.qg")), Deno.errors.NotFound);
});

Deno.test("aggregate-graph leaves no graph when the registry refuses datasets long after it is written", async () => {
  await using work = await fresh("before");
  sql(
    work,
    "CREATE TRIGGER slow_refusal BEFORE INSERT ON dataset BEGIN " +
      "SELECT CASE WHEN (WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n " +
      "WHERE i < 3000000) SELECT count(*) FROM n) > 0 THEN RAISE(ABORT, 'refused by a test') END; END",
  );
  const before = [...Deno.readDirSync(work.path)].map(({ name }) => name);
  const result = await runProvgraph(AGGREGATE, { cwd: work.path });
  assert.equal(result.code, 1, result.stderr);
  assertOneError(result, /Cannot register dataset/);
  const left = [...Deno.readDirSync(work.path)].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => !before.includes(name)), ["out.qg.chunks"]);
  sql(work, "DROP TRIGGER slow_refusal");
  const again = await runProvgraph(AGGREGATE, { cwd: work.path });
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(
    [...Deno.readDirSync(work.path)].map(({ name }) => name).sort(),
    [...before, "out.qg"].sort(),
  );
});

Deno.test("cat refuses a record whose path leads out of the datastore", async () => {
  await using work = await fresh("aggregated");
  for (const path of ["../../../etc/passwd", "/etc/passwd", "u/../../x", "s3://bucket/x"]) {
    sql(
      work,
      `UPDATE file_datastore_records SET path = '${path}' WHERE path LIKE '%calibrate_config%'`,
      `UPDATE file_datastore_records SET path = '${path}' WHERE path LIKE '%passwd' OR path LIKE '%/x'`,
    );
    await assertRefused(work, ["cat", "repo", "config", "calibrate"], /error: /);
  }
});

Deno.test.afterAll(removeUnpacked);
