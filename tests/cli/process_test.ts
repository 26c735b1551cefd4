/** What a process tells of itself. */

import assert from "node:assert/strict";
import { PROJECT } from "../support/fixtures.ts";

const SIZE = 200e6;

/** Takes much memory, gives it back, and tells the peak and what it has then. */
const SCRIPT = `
  import { peakRssBytes } from "${new URL("../../lib/cli/process.ts", import.meta.url)}";
  new Uint8Array(${SIZE}).fill(1).buffer.transfer(0);
  console.log(JSON.stringify([peakRssBytes(), Deno.memoryUsage().rss]));
`;

async function measure(permissions: readonly string[]): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--config", `${PROJECT}/deno.json`],
      ...permissions,
      "--ext=js",
      "-",
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(SCRIPT));
  await writer.close();
  return JSON.parse(new TextDecoder().decode((await child.output()).stdout));
}

for (
  const [who, permissions] of [
    ["run from source", ["-A"]],
    // The binary has no more.
    ["that has few permissions", ["--allow-read", "--allow-sys"]],
  ] as const
) {
  Deno.test({
    name: `the peak of memory of a process ${who} is the peak, and not what it has now`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const [peak, now] = await measure(permissions);
      assert.ok(now < SIZE, `it still has ${now} bytes`);
      assert.ok(peak > SIZE && peak < 4 * SIZE, `its peak is ${peak} bytes`);
    },
  });
}
