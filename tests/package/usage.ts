/**
 * What an installed `provgraph` must be able to do, however it was installed: the main steps of the demo, in
 * an environment that is empty and without network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RUN, temporaryDirectory, unpackFixture } from "../support/fixtures.ts";

/** What a process printed. */
interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** An installed command. */
export interface Installed {
  /** Program and arguments in front of those of `provgraph`. */
  command: readonly string[];
  /** Whether it holds the work of others, as binaries and packages do. */
  isDistributed?: boolean;
  /** All of its environment; `PATH` and `HOME` are made. */
  env?: Readonly<Record<string, string>>;
}

/** Runs a command without network (where the system lets us take it away) and with nothing but `env`. */
export async function runOffline(
  command: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<Output> {
  const words = [...withoutNetwork(), ...command];
  const { code, stdout, stderr } = await new Deno.Command(words[0], {
    args: words.slice(1),
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: cwd, NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

let unshare: readonly string[] | null = null;

function withoutNetwork(): readonly string[] {
  if (unshare !== null) return unshare;
  const words = ["unshare", "--net", "--map-root-user"];
  try {
    const { success } = new Deno.Command(words[0], { args: [...words.slice(1), "true"] })
      .outputSync();
    unshare = success ? words : [];
  } catch {
    unshare = [];
  }
  if (unshare.length === 0) console.log("no network namespaces here: the network stays reachable");
  return unshare;
}

/** The main steps of the demo. */
export async function useForDemo(
  { command, isDistributed = true, env = {} }: Installed,
): Promise<void> {
  await using work = await unpackFixture("small-mixed", "before");
  await using home = await temporaryDirectory();
  const run = async (...args: string[]): Promise<Output> => {
    const result = await runOffline([...command, ...args], {
      cwd: work.path,
      env: { HOME: home.path, ...env },
    });
    assert.equal(result.code, 0, `${args.join(" ")}\n${result.stderr}`);
    return result;
  };
  await run("aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "-j", "2");
  await run("ingest-graph", "repo", "provenance.qg");
  const again = await run("ingest-graph", "repo", "--output-run", RUN, "--resume");
  assert.match(again.stderr, /was ingested before/);
  const log = await run("cat", "repo", "--run", RUN, "log", "calibrate", "visit=1", "detector=4");
  assert.match(log.stdout, /étendue\nsecond line of the message/);
  const listed = await run(
    ...["ls", "repo", "quanta", "--run", RUN, "--status", "FAILED", "--json"],
  );
  assert.equal(listed.stdout.split("\n").filter((line) => line.includes('"quantum"')).length, 6);
  await run("check", "repo", "--run", RUN);
  const licenses = await run("--licenses");
  assert.match(licenses.stdout, /The provgraph authors/);
  if (isDistributed) {
    // Packages of the program and of its page, and what one of them holds.
    for (const name of ["commander", "preact", "hyparquet", "Zstandard"]) {
      assert.ok(licenses.stdout.includes(name), name);
    }
  }
  const { stdout } = await run("--version", "--json");
  assert.match(JSON.parse(stdout).commit, /^(?:[0-9a-f]{40,64}(?:\+changes)?|unknown)$/);
}
