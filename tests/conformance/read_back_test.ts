/** What `cat` prints is what Python reads: before and after ingest, from repository and graph. */

import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { NotFoundError } from "../../lib/base/errors.ts";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { cat, type CatOptions } from "../../lib/inspect/cat/cat.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { assertJsonEqual } from "../support/compare.ts";
import { dumpState } from "../support/dump_state.ts";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  RUN,
  SECOND_RUN,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import {
  configFingerprint,
  logTextFingerprint,
  metadataTextFingerprint,
  packagesFingerprint,
} from "../support/payload_hashes.ts";
import { aggregate, CASES, ingest } from "./harness.ts";

type Section = Record<string, JsonValue>;
type ReadBack = Record<string, Section>;

const NO_ENVIRONMENT = { get: () => undefined };
const SMALL = ["small-ok", "small-mixed", "small-failed", "small-mock"];

/** Prints documents of one source; null where there is none. */
class Printer implements AsyncDisposable {
  readonly #source: Awaited<ReturnType<typeof openSource>>;

  constructor(source: Awaited<ReturnType<typeof openSource>>) {
    this.#source = source;
  }

  static async open(path: string, run: string | null): Promise<Printer> {
    return new Printer(await openSource(path, run, NO_ENVIRONMENT, "/"));
  }

  async print(options: Pick<CatOptions, "what"> & Partial<CatOptions>): Promise<string | null> {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let text = "";
    try {
      await cat(this.#source, {
        idWords: [],
        attempt: null,
        allAttempts: false,
        format: "text",
        filter: null,
        isRaw: true,
        ...options,
      }, (piece) => {
        text += typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
      });
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}

/** Hash of one dataset as Python's, and the text that was hashed. */
async function fingerprint(
  printer: Printer,
  type: string,
  id: string,
): Promise<{ hash: unknown; text: string | null }> {
  if (type === "packages") {
    // As the run stored it. In JSON it is what a graph holds: the same with this tool added.
    const text = await printer.print({ what: "packages" });
    return { hash: text === null ? null : packagesFingerprint(parseYaml(text)), text };
  }
  const kind = type.split("_").at(-1) as "log" | "metadata" | "config";
  const text = await printer.print({ what: kind, idWords: [id] });
  if (text === null) return { hash: null, text };
  const hash = {
    log: logTextFingerprint,
    metadata: metadataTextFingerprint,
    config: configFingerprint,
  }[kind](text);
  return { hash, text };
}

/** Compares everything with a read-back; returns the texts by dataset. */
async function compareAll(
  path: string,
  run: string | null,
  expected: ReadBack,
): Promise<Map<string, string | null>> {
  await using printer = await Printer.open(path, run);
  const texts = new Map<string, string | null>();
  for (const [type, section] of Object.entries(expected)) {
    if (type === "run_provenance") continue;
    for (const [id, wanted] of Object.entries(section)) {
      const { hash, text } = await fingerprint(printer, type, id);
      // Logs never written: the reference's butler has a dataset that can't be read.
      const isUnreadable = typeof wanted === "object" && wanted !== null && "error" in wanted;
      assertJsonEqual(hash, isUnreadable ? null : wanted, `${type} ${id}`);
      texts.set(id, text);
    }
  }
  return texts;
}

for (const name of SMALL) {
  Deno.test(`cat prints what Python reads, and the same bytes after ingest, when given ${name}`, async () => {
    // A graph of ours: the reference writes metadata and logs anew, with other bytes.
    await using work = await unpackFixture(name, "before");
    await aggregate(work, CASES[name]);
    const before = await compareAll(
      work.repo,
      RUN,
      expectedJson(name, "aggregated.readback") as ReadBack,
    );
    await ingest(work);
    const after = await compareAll(
      work.repo,
      RUN,
      expectedJson(name, "ingested.readback") as ReadBack,
    );
    assert.ok(before.size >= 40);
    for (const [id, text] of before) assert.equal(after.get(id), text, id);
  });

  Deno.test(`cat prints what Python reads when the reference has ingested ${name}`, async () => {
    await using work = await unpackFixture(name, "ingested");
    await compareAll(work.repo, RUN, expectedJson(name, "ingested.readback") as ReadBack);
  });

  Deno.test(`cat prints every attempt of every quantum when given the graph of ${name}`, async () => {
    const { run_provenance } = expectedJson(name, "ingested.readback") as ReadBack;
    await using printer = await Printer.open(fixturePath(name, "provenance.qg"), null);
    const hashes = { log: logTextFingerprint, metadata: metadataTextFingerprint };
    for (
      const [what, key] of [
        ["log", "logs by quantum"],
        ["log", "logs by dataset"],
        ["metadata", "metadata by quantum"],
        ["metadata", "metadata by dataset"],
      ] as const
    ) {
      const attempts = run_provenance[key] as Record<string, JsonValue[]>;
      for (const [id, wanted] of Object.entries(attempts)) {
        for (const [attempt, hash] of wanted.entries()) {
          const text = await printer.print({ what, idWords: [id], attempt });
          assertJsonEqual(
            text === null ? null : hashes[what](text),
            hash,
            `${key} ${id} ${attempt}`,
          );
        }
        const beyond = await printer.print({ what, idWords: [id], attempt: wanted.length });
        assert.equal(beyond, null, `${id} has ${wanted.length} attempts`);
      }
    }
  });
}

Deno.test("cat prints what Python reads when a repository has two runs in one chain", async () => {
  await using work = await unpackFixture("second-run", "before");
  await aggregate(work, CASES["second-run"]);
  await ingest(work);
  for (const run of [RUN, SECOND_RUN]) {
    const expected = expectedJson("second-run", `ingested.readback.${run.split("/").at(-1)}`);
    await compareAll(work.repo, run, expected as ReadBack);
  }
});

/** Standard output of the command. */
async function catProcess(work: TemporaryDirectory, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await expectProvgraph(["cat", ...args], { cwd: work.path });
  assert.equal(stderr, "");
  return stdout;
}

Deno.test("cat prints the stored bytes when called as a command, before and after ingest", async () => {
  await using work = await unpackFixture("small-mixed", "before");
  await aggregate(work, CASES["small-mixed"]);
  const expected = expectedJson("small-mixed", "aggregated.readback") as ReadBack;
  const [logId] = Object.keys(expected.calibrate_log);
  const [metadataId] = Object.keys(expected.calibrate_metadata);
  const source = ["repo", "--run", RUN];
  const print = async () => [
    await catProcess(work, ...source, "--raw", "log", logId),
    await catProcess(work, ...source, "--raw", "metadata", metadataId),
    await catProcess(work, ...source, "log", logId),
    await catProcess(work, ...source, "--raw", "config", "calibrate"),
  ];
  const before = await print();
  assertJsonEqual(logTextFingerprint(before[0]), expected.calibrate_log[logId], logId);
  assertJsonEqual(
    metadataTextFingerprint(before[1]),
    expected.calibrate_metadata[metadataId],
    metadataId,
  );
  const { file_datastore_records: records } = dumpState(work.repo, { hashes: false }).tables;
  const { path } = records.find((row) => row.dataset_id === metadataId)!;
  assert.equal(before[1], Deno.readTextFileSync(`${work.repo}/${path}`));
  for (const token of ["NaN", "-Infinity", String(2n ** 60n + 1n), "3.0", "true", "ümläut"]) {
    assert.ok(before[1].includes(token), token);
  }
  await ingest(work);
  assert.deepEqual(await print(), before);
});
