/** `deno install -g` from a clone and from an unpacked package, first use of a clone, and publishing. */

import assert from "node:assert/strict";
import { copyTree, type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { execute, isTypesOnly, ROOT } from "./project.ts";
import { makeNpmPackage } from "./npm.ts";
import { useForDemo } from "./usage.ts";

/** Most bytes that the first use may download. */
const MOST_BYTES = 20e6;
/** What a clone has and a program needs. */
const CLONED = ["main.ts", "lib", "workers", "schema", "deno.json", "deno.lock", "LICENSE"];

/** A folder as a clone is, but without tests and data. */
async function clone(): Promise<TemporaryDirectory> {
  const work = await temporaryDirectory();
  for (const name of CLONED) {
    const path = `${ROOT}${name}`;
    if (Deno.statSync(path).isDirectory) copyTree(path, work.join(name));
    else Deno.copyFileSync(path, work.join(name));
  }
  return work;
}

/** Installs an entry point with its configuration, and uses the command. */
async function installAndUse(
  config: string,
  main: string,
  isDistributed: boolean,
): Promise<void> {
  await using work = await temporaryDirectory();
  const env = { DENO_DIR: work.join("deno"), DENO_NO_UPDATE_CHECK: "1" };
  execute(
    Deno.execPath(),
    [
      ...["install", "--global", "--allow-all", "--root", work.join("root")],
      ...["--config", config, "--name", "provgraph", main],
    ],
    { cwd: work.path, env },
  );
  // The command is a shell script that starts `deno`.
  Deno.mkdirSync(work.join("bin"));
  Deno.symlinkSync(Deno.execPath(), work.join("bin", "deno"));
  await useForDemo({
    command: [work.join("root", "bin", "provgraph")],
    isDistributed,
    env: { ...env, PATH: `${work.join("bin")}:/usr/bin:/bin` },
  });
}

Deno.test("deno install -g from a clone makes a command that works without network", async () => {
  await using work = await clone();
  await installAndUse(work.join("deno.json"), work.join("main.ts"), false);
});

Deno.test("deno install -g from the unpacked npm package works as well", async () => {
  await using work = await temporaryDirectory();
  execute("tar", ["xzf", makeNpmPackage(), "-C", work.path]);
  // Its own is for packages that npm has installed beside it.
  const config = work.join("package", "install.json");
  await installAndUse(config, work.join("package", "main.js"), true);
});

Deno.test("without its configuration the installed command says how to install it", async () => {
  await using work = await clone();
  const root = work.join("root");
  const env = { DENO_DIR: work.join("cache") };
  const args = ["install", "-g", "-A", "--root", root, "-n", "provgraph", "main.ts"];
  execute(Deno.execPath(), args, { cwd: work.path, env });
  const { code, stderr } = new Deno.Command(`${root}/bin/provgraph`, {
    args: ["--version"],
    env: { ...env, NO_COLOR: "1" },
  }).outputSync();
  const text = new TextDecoder().decode(stderr);
  assert.equal(code, 2, text);
  assert.match(text, /^error: Cannot load "\.\/program\.ts": .*"deno\.json"/m);
  assert.match(text, /^hint: .*--config/m);
});

/** Bytes of all files below a folder. */
function bytesBelow(path: string): number {
  return [...Deno.readDirSync(path)].reduce((sum, { name, isDirectory }) => {
    const below = `${path}/${name}`;
    return sum + (isDirectory ? bytesBelow(below) : Deno.statSync(below).size);
  }, 0);
}

for (
  const args of [["--help"], ["cat", "testdata/fixtures/small-mixed/provenance.qg", "header"], [
    "self-test",
  ]]
) {
  Deno.test(`first use: ${args[0]} with an empty cache downloads at most 20 MB`, async () => {
    await using work = await temporaryDirectory();
    const cache = work.join("deno");
    const main = ["run", "-A", "main.ts", ...args];
    execute(Deno.execPath(), main, { env: { DENO_DIR: cache } });
    let nBytes = 0;
    try {
      // Unpacked, so more than what was sent.
      nBytes = bytesBelow(`${cache}/npm`);
    } catch (error) {
      // Nothing at all for a plain `cat`.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    console.log(`${args[0]}: ${(nBytes / 1e6).toFixed(1)} MB of packages`);
    assert.ok(nBytes <= MOST_BYTES, `${nBytes} bytes`);
    assert.ok(args[0] === "cat" || nBytes > 0, "nothing was downloaded");
  });
}

Deno.test("the locked packages of the program are those that it runs with", () => {
  const { npm, specifiers } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.lock`)) as {
    npm: Record<string, unknown>;
    specifiers: Record<string, string>;
  };
  const forTests = /postgres\/|ajv|embedded/;
  assert.deepEqual(Object.keys(npm).filter((name) => forTests.test(name)), []);
  assert.deepEqual(Object.keys(specifiers).filter((name) => forTests.test(name)), []);
  assert.ok(Object.keys(npm).some((name) => isTypesOnly(name.replace(/@[^@]*$/, ""))));
});

Deno.test("deno publish would publish it, with no file that isn't of the program", () => {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).outputSync();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text.slice(-2000));
  assert.doesNotMatch(text, /testdata|tests\/|\.py\b/);
  assert.match(text, /main\.ts/);
});
