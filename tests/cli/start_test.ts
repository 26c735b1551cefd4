/**
 * What is loaded before a command does anything: each module of Node takes 10 to 30 ms of a start, each of
 * ours a third of one. The runtime looks at what a literal `import("...")` leads to as well, so that counts.
 */

import assert from "node:assert/strict";
import { COMMANDS } from "../../lib/cli/command_table.ts";
import { PROJECT } from "../support/fixtures.ts";

interface Dependency {
  code?: { specifier?: string };
  isDynamic?: boolean;
}

/** What every command line but a plain `cat` begins with. */
const PROGRAM = ["main.ts", "lib/cli/program.ts", "lib/cli/load_commands.ts"];

/** Folders of which nothing is needed to tell how a command is used, but for words that options take. */
const HEAVY =
  /^lib\/(?:sources|qg|chunks|codec|provenance|butler|storage\/remote|ingest|aggregate)\//;
const WORDS = [
  "lib/aggregate/scan/compression.ts",
  "lib/butler/config/ignored_datastores.ts",
  "lib/butler/config/local_path.ts",
  "lib/butler/registry/lock_wait.ts",
  "lib/ingest/transfer_mode.ts",
  "lib/provenance/quantum_status.ts",
  "lib/provenance/success_caveats.ts",
  "lib/sources/document_kinds.ts",
  "lib/storage/remote/storage_url.ts",
];

const asked = new Map<string, Promise<{ now: string[]; read: string[] }>>();

/**
 * Modules that are loaded with one (`now`), itself among them; `read` are also those that a literal dynamic
 * import names. Types are neither.
 */
function modulesLoadedWith(path: string): Promise<{ now: string[]; read: string[] }> {
  let answer = asked.get(path);
  if (answer === undefined) asked.set(path, answer = askRuntime(path));
  return answer;
}

async function askRuntime(path: string): Promise<{ now: string[]; read: string[] }> {
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
  const reached = (isDynamicRead: boolean) => {
    const found = new Set<string>(roots);
    for (const specifier of found) {
      for (const { code, isDynamic } of dependencies.get(specifier) ?? []) {
        if (code?.specifier !== undefined && (isDynamicRead || !isDynamic)) {
          found.add(code.specifier);
        }
      }
    }
    return [...found].map((specifier) => specifier.replace(`file://${PROJECT}/`, ""));
  };
  return { now: reached(false), read: reached(true) };
}

/** All that is read for some modules. */
async function readFor(paths: readonly string[]): Promise<string[]> {
  const all = await Promise.all(paths.map(modulesLoadedWith));
  return [...new Set(all.flatMap(({ read }) => read))];
}

for (
  const [path, expected] of [
    ["main.ts", []],
    ["lib/sources/open_source.ts", []],
    ["lib/inspect/cat/cat.ts", []],
    ["lib/cli/plain/quick_cat.ts", []],
    ["lib/cli/plain/quick_repository_cat.ts", ["node:sqlite"]],
    ["lib/cli/plain/plain_cat.ts", []],
    ["lib/cli/plain/plain_info.ts", []],
    ["lib/cli/plain/plain_list.ts", []],
    ["lib/cli/plain/plain_why.ts", []],
    ["lib/cli/plain/plain_report.ts", []],
    ["lib/sources/repository_source.ts", []],
    ["lib/butler/registry/open.ts", ["node:sqlite"]],
  ] as const
) {
  Deno.test(`${path} loads no more of Node and of packages than it needs`, async () => {
    const { now } = await modulesLoadedWith(path);
    assert.ok(now.length > 5, `only ${now.length} modules found`);
    assert.deepEqual(now.filter((specifier) => !specifier.startsWith("lib/")), [
      ...(path === "main.ts" ? [path] : []),
      ...expected,
    ]);
  });
}

// Of the commit before the house was put in order 31 and, because its help loaded all commands, 150.
Deno.test("--help loads the parser of options and the list of commands, and no command", async () => {
  const loaded = await readFor(PROGRAM);
  assert.ok(loaded.length > 30 && loaded.length <= 46, `${loaded.length}: ${loaded.join(" ")}`);
  assert.deepEqual(loaded.filter((path) => path.startsWith("lib/cli/commands/")), []);
  assert.deepEqual(loaded.filter((path) => HEAVY.test(path) && !WORDS.includes(path)), []);
});

for (const { name, module } of COMMANDS) {
  Deno.test(`${name} --help loads what its options need, and nothing that would do the work`, async () => {
    const loaded = await readFor([...PROGRAM, module.replace("./", "lib/cli/")]);
    assert.ok(loaded.length <= 56, `${loaded.length}: ${loaded.join(" ")}`);
    assert.deepEqual(loaded.filter((path) => HEAVY.test(path) && !WORDS.includes(path)), []);
  });
}

Deno.test("cat of a log by its ID loads what reads a graph, and nothing of lists and repositories", async () => {
  const loaded = await readFor(["main.ts", "lib/cli/plain/quick_cat.ts"]);
  assert.ok(loaded.length > 40 && loaded.length <= 62, `${loaded.length}: ${loaded.join(" ")}`);
  const needless = loaded.filter((path) =>
    /^lib\/(?:butler|provenance|chunks|storage\/remote|sources\/(?:table|trace))\//.test(path) &&
    !WORDS.includes(path)
  );
  assert.deepEqual(needless, []);
});

// Of the commit before the house was put in order 91.
Deno.test("cat of a log of a RUN by its ID loads what reads a registry, and nothing that writes one", async () => {
  const loaded = await readFor([
    "main.ts",
    "lib/cli/plain/quick_repository_cat.ts",
    "lib/butler/registry/sqlite/registry.ts",
  ]);
  assert.ok(loaded.length > 80 && loaded.length <= 104, `${loaded.length}: ${loaded.join(" ")}`);
  const needless = /^(?:npm:.*|lib\/(?:butler\/registry\/write|provenance|chunks)\/.*)$/;
  assert.deepEqual(loaded.filter((path) => needless.test(path)), []);
});

for (
  const [what, path, most] of [
    ["info", "lib/cli/plain/plain_info.ts", 90],
    ["cat with options, by ID", "lib/cli/plain/plain_cat.ts", 93],
  ] as [what: string, path: string, most: number][]
) {
  Deno.test(`${what}, of a graph loads no table, nothing about traces and data IDs, and no parser of options`, async () => {
    const loaded = await readFor(["main.ts", path, "lib/sources/open_source.ts"]);
    assert.ok(loaded.length > 70 && loaded.length <= most, `${loaded.length}: ${loaded.join(" ")}`);
    const needless =
      /^(?:npm:.*|lib\/(?:provenance\/table|sources\/(?:table|trace|logs\/graph_logs|data_id))\b.*)$/;
    assert.deepEqual(loaded.filter((name) => needless.test(name)), []);
  });
}
