/** What is loaded before a command does anything: each module of Node takes 10 to 30 ms of a start. */

import assert from "node:assert/strict";
import { PROJECT } from "../support/fixtures.ts";

interface Dependency {
  code?: { specifier?: string };
  isDynamic?: boolean;
}

/** Modules that are loaded with one, itself among them; what it loads later and types are not. */
async function modulesLoadedWith(path: string): Promise<string[]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${PROJECT}/${path}`],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  assert.ok(success);
  const { roots, modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    roots: string[];
    modules: { specifier: string; dependencies?: Dependency[] }[];
  };
  const dependencies = new Map(modules.map((module) => [module.specifier, module.dependencies]));
  const found = new Set<string>(roots);
  for (const specifier of found) {
    for (const { code, isDynamic } of dependencies.get(specifier) ?? []) {
      if (code?.specifier !== undefined && !isDynamic) found.add(code.specifier);
    }
  }
  return [...found];
}

for (
  const [path, expected] of [
    ["main.ts", []],
    ["lib/sources/open_source.ts", []],
    ["lib/inspect/cat/cat.ts", []],
    ["lib/sources/repository_source.ts", ["node:sqlite"]],
  ] as const
) {
  Deno.test(`${path} loads no more of Node and of packages than it needs`, async () => {
    const loaded = await modulesLoadedWith(path);
    assert.ok(loaded.length > 5, `only ${loaded.length} modules found`);
    assert.deepEqual(loaded.filter((specifier) => !specifier.startsWith("file:")), expected);
  });
}
