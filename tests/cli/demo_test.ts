/** The demo, as a newcomer runs it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { expectProvgraph, IS_BINARY, PROJECT, temporaryDirectory } from "../support/fixtures.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

async function deno(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

const ofSource = { ignore: IS_BINARY };

Deno.test(
  "the demo works, and the commands that it prints can be typed again",
  ofSource,
  async () => {
    await using work = await temporaryDirectory();
    const folder = work.join("demo");
    const demo = ["run", "-A", join(PROJECT, "tests", "tools", "demo.ts"), folder];
    const { code, stdout, stderr } = await deno(...demo);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /was ingested before; there was nothing left to do/);
    assert.match(stdout, /étendue\nsecond line of the message/);
    assert.match(stdout, /^status +FAILED$/m);
    const commands = stdout.split("\n").filter((line) => line.startsWith("$ deno "));
    assert.equal(commands.length, 6);
    for (const command of commands.slice(-4)) {
      const again = await deno(...command.slice("$ deno ".length).split(" "));
      assert.equal(again.code, 0, `${command}\n${again.stderr}`);
      assert.ok(stdout.includes(again.stdout));
    }
    // What was aggregated and ingested isn't taken for a run that failed.
    const first = await deno(...commands[0].slice("$ deno ".length).split(" "));
    assert.equal(first.code, 2);
    assert.match(first.stderr, /holds run_provenance/);
    const second = await deno(...demo);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /it is not empty/);
  },
);

Deno.test("the transcript in the README is what the commands print", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const readme = Deno.readTextFileSync(join(PROJECT, "README.md"));
  const transcript = readme.split("```console\n")[1].split("```")[0];
  const parts = transcript.split(/^\$ provgraph /m).slice(1);
  assert.equal(parts.length, 3);
  for (const part of parts) {
    const [command, ...lines] = part.trimEnd().split("\n");
    const words = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ""));
    const { stdout, stderr } = await expectProvgraph(words, { cwd: work.path });
    const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");
    const isLog = (line: string) => line.startsWith("provgraph.");
    // The order of blocks in a graph is that in which quanta were scanned.
    assert.deepEqual(
      linesOf(stdout).sort(),
      lines.filter((line) => !isLog(line)).sort(),
    );
    // Not every runtime of a binary tells the peak of memory.
    const told = (line: string) => IS_BINARY ? line.replace(/; peak memory [\d.]+ MB/, "") : line;
    // Times, sizes and places differ.
    const shape = (line: string) =>
      told(line).replaceAll(/ \([^()]*\/s\)/g, "").replaceAll(/[\d.]+(?: [kMG]B)?|\/\S+/g, "*");
    assert.deepEqual(
      linesOf(stderr).filter(isLog).map(shape),
      lines.filter(isLog).map(shape),
    );
  }
});

Deno.test.afterAll(removeUnpacked);
