/** Options: all of the reference's, global ones in front and behind, and those of an options file. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { Command } from "commander";
import { addGlobalOptions, globalOptionsOf } from "../../lib/cli/global_options.ts";
import { PROJECT, runProvgraph } from "../support/fixtures.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

/** An option as the reference defines it; `testdata/cli/ORIGIN.md`. */
interface ReferenceOption {
  names: string[];
  off_names: string[];
  is_flag: boolean;
  is_repeatable: boolean;
  type: string;
  choices: string[] | null;
}

const REFERENCE: Record<string, ReferenceOption[]> = JSON.parse(
  Deno.readTextFileSync(join(PROJECT, "testdata/cli/butler_options.json")),
);

/** Operands that let the command end right after its options are parsed. */
const OPERANDS: Record<string, string[]> = {
  "aggregate-graph": ["nowhere.qg", "nowhere"],
  "ingest-graph": ["nowhere"],
  "provenance-report": ["nowhere.qg"],
};

/** Values for options whose type doesn't say enough. */
const VALUES: Record<string, string> = {
  "--log-level": "lsst.pipe.base=DEBUG",
  "--log-label": "LABEL=x",
  "--worker-log-level": "DEBUG",
  "--zstd-level": "1",
  "--no-state": "FAILED",
};

function wordsFor({ names, off_names: offNames, is_flag: isFlag, type, choices }: ReferenceOption) {
  return [...names, ...offNames].flatMap((name) => {
    if (isFlag) return [[name]];
    const values = choices ?? [
      VALUES[names.at(-1)!] ?? VALUES[names[0]] ??
        (type.startsWith("integer") ? "7" : "x.txt"),
    ];
    return values.flatMap((value) =>
      name.startsWith("--")
        ? [[name, value], [`${name}=${value}`]]
        : [[name, value], [name + value]]
    );
  });
}

for (const [command, operands] of Object.entries(OPERANDS)) {
  Deno.test(`${command} takes every option of the reference, and the global ones at either end`, async () => {
    let nTried = 0;
    const tryOut = async (...args: string[]) => {
      const { code, stdout, stderr } = await runHere(args);
      nTried++;
      if (args.some((arg) => arg === "--help" || arg === "-h")) {
        assert.equal(code, 0, args.join(" "));
        assert.match(stdout, /^Usage: provgraph/);
        return;
      }
      // Taken: what is wrong is the repository or the graph, not the command line.
      assert.equal(code, 2, `${args.join(" ")}\n${stderr}`);
      assert.match(stderr, /nowhere/, args.join(" "));
      assert.doesNotMatch(stderr, /unknown option|argument|is invalid/, args.join(" "));
    };
    const output = command === "ingest-graph" ? ["--output-run", "x"] : [];
    for (const option of REFERENCE[command]) {
      for (const words of wordsFor(option)) await tryOut(command, ...operands, ...output, ...words);
    }
    for (const option of REFERENCE.butler) {
      for (const words of wordsFor(option)) {
        await tryOut(...words, command, ...operands, ...output);
        await tryOut(command, ...words, ...operands, ...output);
        await tryOut(command, ...operands, ...output, ...words);
      }
    }
    await tryOut(command, "-h");
    assert.ok(nTried >= 50, String(nTried));
  });
}

Deno.test("global options in front of the command and behind it add up", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const args = ["aggregate-graph", "predicted.qg", "repo", "--dry-run"];
  const result = await runProvgraph([
    "--log-label",
    "a=1",
    "--log-file",
    "one.json",
    "--log-level",
    "ERROR",
    ...args,
    "-v",
    "--log-label",
    "b=2",
    "--log-file=two.txt",
    "--log-level",
    "provgraph.aggregate=INFO",
    "--no-log-tty",
  ], { cwd: work.path });
  assert.equal(result.code, 0, result.stderr);
  assert.equal(result.stderr, "");
  const [first] = Deno.readTextFileSync(work.join("one.json")).split("\n");
  assert.deepEqual(JSON.parse(first).MDC, { A: "1", B: "2" });
  assert.match(Deno.readTextFileSync(work.join("two.txt")), /^provgraph\.aggregate INFO: /);
});

Deno.test("a command's own options count more than global ones of the same name or letter", () => {
  const program = new Command("p").enablePositionalOptions().exitOverride();
  addGlobalOptions(program, { isProgram: true });
  const given: unknown[] = [];
  const command = new Command("c").option("-q, --quick <n>").option("--progress <n>")
    .action((options) => void given.push(options.quick, options.progress));
  addGlobalOptions(command, { isProgram: false });
  program.addCommand(command);
  program.parse(["-q", "c", "-q", "1", "--progress", "2", "-v"], { from: "user" });
  assert.deepEqual(given, ["1", "2"]);
  const { quiet, verbose } = globalOptionsOf(command);
  assert.deepEqual([quiet, verbose], [true, true]);
});

Deno.test("--color always marks text, never and NO_COLOR don't", async () => {
  const run = async (...args: string[]) => (await runProvgraph(args)).stdout;
  const ls = ["ls", join(PROJECT, "testdata/fixtures/small-mixed/provenance.qg"), "quanta"];
  const plain = await run(...ls);
  const marked = await run(...ls, "--color", "always");
  // deno-lint-ignore no-control-regex -- control sequences are what is looked for
  assert.equal(marked.replaceAll(/\x1b\[\d+m/g, ""), plain);
  assert.notEqual(marked, plain);
  assert.equal(await run("--color=never", ...ls), plain);
});

Deno.test("an options file gives options and arguments; the command line counts more", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const write = (text: string) => Deno.writeTextFileSync(work.join("o.yaml"), text);
  const run = (...args: string[]) => runProvgraph(args, { cwd: work.path });
  const summaryOf = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  write(`aggregate-graph:
  predicted_graph: predicted.qg
  repo: repo
  dry-run: true
  incomplete: true
  register-dataset-types: false
  j: 1
  json: true
  log-level: [ERROR, provgraph.aggregate=WARNING]
ingest-graph:
  nonsense: 1
`);
  const all = await summaryOf("aggregate-graph", "-@", "o.yaml");
  assert.deepEqual([all.dry_run, all.incomplete, all.n_quanta], [true, true, 53]);
  const some = await summaryOf("aggregate-graph", "predicted.qg", "--options-file=o.yaml");
  assert.equal(some.dry_run, true);
  const own = await summaryOf("aggregate-graph", "--complete", "-@o.yaml", "--", "predicted.qg");
  assert.equal(own.incomplete, false);
  // Values of the command line take the place of those in the file, also of repeatable options.
  const { stderr } = await run("aggregate-graph", "-@", "o.yaml", "--log-level", "INFO");
  assert.match(stderr, /INFO: Reading predicted quantum graph/);

  const refused: [yaml: string | null, message: RegExp][] = [
    ["aggregate-graph:\n  nope: 1\n", /"nope" of options file "o\.yaml": it is no option of aggr/],
    ["cat:\n  run: x\n", /it has no options below "aggregate-graph:"/],
    ["aggregate-graph:\n  dry-run: 7\n", /"dry-run" .* must be true or false/],
    ["aggregate-graph:\n  output: {a: 1}\n", /"output" .* must be a text or a number/],
    ["aggregate-graph:\n  processes: 0\n", /--processes.*at least 1/],
    ["aggregate-graph: [\n", /Cannot use options file "o\.yaml": /],
    [null, /Cannot (read|find|open).*options file/],
  ];
  for (const [yaml, message] of refused) {
    if (yaml === null) Deno.removeSync(work.join("o.yaml"));
    else write(yaml);
    const result = await run("aggregate-graph", "predicted.qg", "repo", "-@", "o.yaml");
    assert.equal(result.code, 2, result.stderr);
    assert.equal(result.stdout, "");
    assert.match(result.stderr, message);
  }
});

Deno.test.afterAll(removeUnpacked);
