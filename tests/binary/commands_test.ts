/** Every command on the binary: it says what the same command line says from source, and ends alike. */

import assert from "node:assert/strict";
import {
  fixturePath,
  PROJECT,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { runInProcess } from "../support/in_process.ts";

const GRAPH = fixturePath("small-mixed", "provenance.qg");
const QUANTUM = ["calibrate", "visit=1", "detector=4"];

/** Asks for the same in both ways; in the same directory, as answers may name it. */
async function assertAlike(
  args: readonly string[],
  { cwd, stdin }: { cwd: string; stdin?: Uint8Array },
): Promise<void> {
  const expected = await runInProcess(args, { cwd, stdin });
  const { code, stdout, stderr } = await runProvgraph(args, { cwd, stdin });
  assert.deepEqual({ code, stdout, stderr }, expected);
}

const help = await runInProcess(["help"], { cwd: PROJECT });
const COMMANDS = [
  ...help.stdout.split("\nCommands:\n")[1].split("\n\n")[0].matchAll(/^ {2}([a-z][\w-]*)/gm),
].map(([, name]) => name).filter((name) => name !== "help");

for (const command of COMMANDS) {
  Deno.test(`${command} --help is the same from a binary`, async () => {
    await assertAlike([command, "--help"], { cwd: PROJECT });
  });
}

/** Command lines that read, one of each kind, and some that can't work. */
const READING: readonly (readonly string[])[] = [
  ["cat", GRAPH, "log", ...QUANTUM],
  ["cat", GRAPH, "metadata", ...QUANTUM, "--all-attempts", "--format", "ndjson"],
  ["cat", GRAPH, "packages"],
  ["cat", "nowhere.qg", "header"],
  ["cat", GRAPH, "log", "nothing"],
  ["info", GRAPH, "--json"],
  ["ls", GRAPH, "quanta", "--json"],
  ["ls", GRAPH, "datasets", "--where", "visit = 1"],
  ["diff", GRAPH, fixturePath("small-failed", "provenance.qg")],
  ["trace", GRAPH, ...QUANTUM],
  ["-q", "check", GRAPH],
  ["-q", "check", fixturePath("small-mixed", "predicted.qg")],
  ["report", GRAPH],
  ["completion", "bash"],
  ["man"],
  ["frobnicate"],
];

for (const args of READING) {
  const shown = args.map((word) => word.split("/").at(-1)).join(" ");
  Deno.test(`the binary answers as the source: ${shown}`, async () => {
    await assertAlike(args, { cwd: PROJECT });
  });
}

Deno.test("the binary reads requests from its input", async () => {
  const stdin = new TextEncoder().encode(`log ${QUANTUM.join(" ")}\nheader\nlog nothing\n`);
  await assertAlike(["cat", GRAPH, "--batch", "--json"], { cwd: PROJECT, stdin });
});

/** Command lines that read a repository. */
const ON_REPOSITORY: readonly (readonly string[])[] = [
  ["cat", "repo", "--run", RUN, "log", ...QUANTUM],
  ["ls", "repo", "--run", RUN, "datasets", "--json"],
  ["-q", "check", "repo", "--run", RUN, "--json"],
  ["check-downstream", fixturePath("small-mixed", "predicted.qg"), "repo", "--run", RUN],
  ["provenance-report", "repo", RUN],
];

let unpacked: Promise<TemporaryDirectory> | null = null;

for (const args of ON_REPOSITORY) {
  Deno.test(
    `the binary answers as the source about a repository: ${
      args.filter((word) => /^[a-z-]+$/.test(word)).join(" ")
    }`,
    async () => {
      const work = await (unpacked ??= unpackFixture("small-mixed", "ingested"));
      await assertAlike(args, { cwd: work.path });
    },
  );
}

Deno.test.afterAll(async () => {
  await (await unpacked)?.[Symbol.asyncDispose]();
});
