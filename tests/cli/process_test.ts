/** What a process tells of itself. */

import assert from "node:assert/strict";
import { PROJECT } from "../support/fixtures.ts";

const SIZE = 200e6;

/** Takes much memory, gives it back, and tells the peak and what it has then. */
const SCRIPT = `
  import { measurePeakRss } from "${new URL("../../lib/cli/terminal/process.ts", import.meta.url)}";
  const peakRss = measurePeakRss();
  new Uint8Array(${SIZE}).fill(1).buffer.transfer(0);
  console.log(JSON.stringify([peakRss(), Deno.memoryUsage().rss]));
`;

async function runScript(command: readonly string[], script: string): Promise<string> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

function denoCommand(permissions: readonly string[]): string[] {
  return [
    Deno.execPath(),
    ...["run", "--quiet", "--config", `${PROJECT}/deno.json`],
    ...permissions,
    "--ext=js",
    "-",
  ];
}

/** Starts a command from a process that is small, as this one needn't be. */
const FROM_SHELL = ["sh", "-c", '"$0" "$@"; exit $?'];

/** What the binary has at most. */
const FEW_PERMISSIONS = ["--allow-read", "--allow-sys"];

for (
  const [who, permissions] of [
    ["run from source", ["-A"]],
    ["that has few permissions", FEW_PERMISSIONS],
  ] as const
) {
  Deno.test({
    name: `the peak of memory of a process ${who} is the peak, and not what it has now`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const told = await runScript([...FROM_SHELL, ...denoCommand(permissions)], SCRIPT);
      const [peak, now] = JSON.parse(told);
      assert.ok(now < SIZE, `it still has ${now} bytes`);
      assert.ok(peak > SIZE && peak < 4 * SIZE, `its peak is ${peak} bytes`);
    },
  });
}

for (
  const [who, permissions, isKnown] of [
    ["run from source", ["-A"], true],
    ["that has few permissions", FEW_PERMISSIONS, false],
  ] as const
) {
  Deno.test({
    name: `a process ${who} doesn't take the peak of a larger one that started it for its own`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const command = denoCommand(permissions);
      const told = await runScript(
        denoCommand(["-A"]),
        `
          new Uint8Array(${4 * SIZE}).fill(1).buffer.transfer(0);
          const child = new Deno.Command(${JSON.stringify(command[0])}, {
            args: ${JSON.stringify(command.slice(1))},
            stdin: "piped",
            stdout: "inherit",
            stderr: "inherit",
          }).spawn();
          const writer = child.stdin.getWriter();
          await writer.write(new TextEncoder().encode(${JSON.stringify(SCRIPT)}));
          await writer.close();
          await child.status;
        `,
      );
      const [peak] = JSON.parse(told);
      if (isKnown) {
        assert.ok(peak > SIZE && peak < 4 * SIZE, `its peak is ${peak} bytes`);
      } else {
        assert.equal(peak, null);
      }
    },
  });
}
