/**
 * `deno task test:binary`: compiles, then runs the tests of the command line on the binary, in an empty
 * directory with an empty environment, and those of this folder.
 *
 *   deno task test:binary [FILE_OR_FOLDER...]
 *
 * @module
 */

import { join } from "node:path";
import { PROJECT, temporaryDirectory } from "../support/fixtures.ts";

/** Hosts that tests serve graphs on. */
const TEST_HOSTS = "127.0.0.1,localhost";

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
  const chosen = Deno.args.length > 0 ? Deno.args : ["tests/cli/", "tests/binary/"];
  return await deno(["task", "test:some", "--parallel", ...chosen], {
    PROVGRAPH_BINARY: binary,
  });
}

if (import.meta.main) Deno.exit(await main());
