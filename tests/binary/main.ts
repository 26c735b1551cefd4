/**
 * `deno task test:binary`: compiles, then runs the tests of this folder on the binary, in an empty directory
 * with an empty environment, and those of the command line that are about processes. All others of the
 * command line say nothing of a binary that one command of each kind doesn't say; to run them, name them.
 *
 *   deno task test:binary [FILE_OR_FOLDER...]
 *
 * @module
 */

import { join } from "node:path";
import { PROJECT, temporaryDirectory } from "../support/fixtures.ts";

/** Hosts that tests serve graphs on. */
const TEST_HOSTS = "127.0.0.1,localhost";

/** Start, streams, signals, workers, and what a binary carries with it. */
const CHOSEN = [
  "tests/binary/",
  ...["cat_batch", "help", "json_errors", "plain_command", "self_test", "usage"].map((name) =>
    `tests/cli/${name}_test.ts`
  ),
];

async function deno(args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: PROJECT, env });
  return (await command.spawn().status).code;
}

async function main(): Promise<number> {
  await using work = await temporaryDirectory();
  const binary = work.join("provgraph");
  const code = await deno([
    "run",
    "--quiet",
    "-A",
    join(PROJECT, "tests", "tools", "compile.ts"),
    "--allow-net",
    TEST_HOSTS,
    "--output",
    binary,
  ]);
  if (code !== 0) return code;
  const chosen = Deno.args.length > 0 ? Deno.args : CHOSEN;
  return await deno(["run", "-A", "tests/main.ts", ...chosen], { PROVGRAPH_BINARY: binary });
}

if (import.meta.main) Deno.exit(await main());
