/** The package of npm, installed into an empty folder. */

import assert from "node:assert/strict";
import { temporaryDirectory } from "../support/fixtures.ts";
import { makeNpmPackage } from "./npm.ts";
import { execute } from "./project.ts";
import { useForDemo } from "./usage.ts";

const PACKAGE = makeNpmPackage();

Deno.test("the npm package installs into an empty folder and works there without network", async () => {
  await using work = await temporaryDirectory();
  Deno.writeTextFileSync(work.join("package.json"), '{ "private": true }');
  execute("npm", ["install", "--no-audit", "--no-fund", PACKAGE], { cwd: work.path });
  await useForDemo({ command: [work.join("node_modules/.bin/provgraph")] });
  const printed = execute("npx", ["--no-install", "provgraph", "--version"], { cwd: work.path });
  assert.match(printed, /^provgraph \d/);
});

Deno.test("the npm package has the same bytes when it is made again", () => {
  const first = Deno.readFileSync(PACKAGE);
  assert.equal(makeNpmPackage(), PACKAGE);
  assert.deepEqual(Deno.readFileSync(PACKAGE), first);
});

Deno.test("the npm package holds licences, and neither tests nor Python", () => {
  const files = execute("tar", ["tzf", PACKAGE]).split("\n");
  for (const name of ["LICENSE", "THIRD_PARTY_LICENSES", "README.md", "main.js", "deno.json"]) {
    assert.ok(files.includes(`package/${name}`), name);
  }
  assert.deepEqual(files.filter((name) => /\.(?:ts|py)$|^package\/tests/.test(name)), []);
});
