/**
 * Hints of errors. Those that name what to type are followed in the state in which they are printed; of all
 * in the code it is known that what they name exists, and that none tells people to remove anything but a
 * stale lock.
 */

import assert from "node:assert/strict";
import { fixturePath, PROJECT, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { PREDICTED } from "../qg/support.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked, replaceFile } from "./support.ts";

/** An error and what its hint says to do. */
interface HintCase {
  name: string;
  /** Fixture in whose copy it happens. */
  archive: string;
  /** Prepares the state; default is the fixture as it is. */
  prepare?: (work: TemporaryDirectory) => Promise<void> | void;
  args: (work: TemporaryDirectory) => string[];
  hint: RegExp;
  /** Command lines that do what the hint says, each in a state of its own. */
  follow: ((work: TemporaryDirectory) => string[])[];
}

const SECOND = fixturePath("second-run", "predicted.qg");
const graphOf = (work: TemporaryDirectory) => work.join("provenance.qg");

async function run(...args: string[]): Promise<void> {
  const { code, stderr } = await runHere(["-q", ...args]);
  assert.ok(code === 0 || code === 3, `${args.join(" ")}: ${code}\n${stderr}`);
}

const CASES: HintCase[] = [
  {
    name: "a repository is checked without RUN",
    archive: "aggregated",
    args: ({ repo }) => ["check", repo],
    hint: /for a repository, give --run RUN/,
    follow: [({ repo }) => ["check", repo, "--run", RUN]],
  },
  {
    name: "a graph is checked with --graph",
    archive: "aggregated",
    args: (work) => ["check", graphOf(work), "--graph", graphOf(work)],
    hint: /give the repository as TARGET, and --run RUN/,
    follow: [(work) => ["check", work.repo, "--run", RUN, "--graph", graphOf(work)]],
  },
  {
    name: "the RUN isn't registered yet",
    archive: "before",
    args: ({ repo }) => ["check", repo, "--run", RUN],
    hint: /aggregate-graph registers it/,
    follow: [(work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "-o", work.join("x.qg")]],
  },
  {
    name: "a chain is checked as RUN",
    archive: "aggregated",
    args: ({ repo }) => ["check", repo, "--run", "u/oracle/out"],
    hint: new RegExp(`its members are .*${RUN}`),
    follow: [({ repo }) => ["check", repo, "--run", RUN]],
  },
  {
    name: "nothing is given to be ingested",
    archive: "aggregated",
    args: ({ repo }) => ["ingest-graph", repo],
    hint: /give the graph file, or --output-run RUN/,
    follow: [(work) => ["ingest-graph", work.repo, graphOf(work)]],
  },
  {
    name: "the graph is of another RUN than the one named",
    archive: "aggregated",
    args: (work) => ["ingest-graph", work.repo, graphOf(work), "--output-run", "u/other"],
    hint: new RegExp(`give --output-run "${RUN}" or leave the option out`),
    follow: [
      (work) => ["ingest-graph", work.repo, graphOf(work), "--output-run", RUN],
      (work) => ["ingest-graph", work.repo, graphOf(work)],
    ],
  },
  {
    name: "an ingest is to go on that was never begun",
    archive: "aggregated",
    args: (work) => ["ingest-graph", work.repo, graphOf(work), "--resume"],
    hint: /leave out --resume to begin/,
    follow: [(work) => ["ingest-graph", work.repo, graphOf(work)]],
  },
  {
    name: "the RUN has another graph already",
    archive: "aggregated",
    prepare: async (work) => {
      await run("ingest-graph", work.repo, graphOf(work));
      Deno.copyFileSync(
        fixturePath("small-mixed", "provenance-with-dictionary.qg"),
        work.join("another.qg"),
      );
    },
    args: (work) => ["ingest-graph", work.repo, work.join("another.qg")],
    hint: new RegExp(`give --output-run "${RUN}" without a graph to finish with that one`),
    follow: [({ repo }) => ["ingest-graph", repo, "--output-run", RUN]],
  },
  {
    name: "the graph was moved into the repository",
    archive: "aggregated",
    prepare: async (work) => await run("ingest-graph", work.repo, graphOf(work)),
    args: (work) => ["ingest-graph", work.repo, graphOf(work)],
    hint: /give --output-run RUN instead/,
    follow: [({ repo }) => ["ingest-graph", repo, "--output-run", RUN]],
  },
  {
    name: "a moved graph is looked at by its old name",
    archive: "aggregated",
    prepare: async (work) => await run("ingest-graph", work.repo, graphOf(work)),
    args: (work) => ["info", graphOf(work)],
    hint: /give the repository and the RUN instead/,
    follow: [
      ({ repo }) => ["check", repo, "--run", RUN],
      ({ repo }) => ["ls", repo, "quanta", "--run", RUN],
      ({ repo }) => ["provenance-report", repo, RUN],
    ],
  },
  {
    name: "only the chunk log of a graph is there",
    archive: "before",
    prepare: async (work) => {
      await run(
        "aggregate-graph",
        PREDICTED,
        work.repo,
        "-j1",
        "--keep-chunks",
        "-o",
        work.join("x.qg"),
      );
      Deno.removeSync(work.join("x.qg"));
    },
    args: (work) => ["info", work.join("x.qg")],
    hint: /the same aggregate-graph goes on with it; give ".*x\.qg\.chunks"/,
    follow: [
      (work) => ["info", work.join("x.qg.chunks")],
      (work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "-o", work.join("x.qg")],
    ],
  },
  {
    name: "something else has the name of the chunk log",
    archive: "before",
    prepare: (work) => replaceFile(work.join("x.qg.chunks"), "my own notes, long enough\n"),
    args: (work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "-o", work.join("x.qg")],
    hint: /give another (?:--output|file), or move/,
    follow: [(work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "-o", work.join("y.qg")]],
  },
  {
    name: "a dataset type isn't registered and mustn't be",
    archive: "before",
    args: (work) => [
      "aggregate-graph",
      PREDICTED,
      work.repo,
      "-j1",
      "--no-register-dataset-types",
      "-o",
      work.join("x.qg"),
    ],
    hint: /leave out --no-register-dataset-types/,
    follow: [(work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "-o", work.join("x.qg")]],
  },
  {
    name: "shards are given without output",
    archive: "before",
    args: (work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "--chunks", work.join("*.x")],
    hint: /give --output PATH as well, or leave out --chunks/,
    follow: [(work) => ["aggregate-graph", PREDICTED, work.repo, "-j1", "-o", work.join("x.qg")]],
  },
  {
    name: "a report is asked of a repository",
    archive: "ingested",
    args: ({ repo }) => ["provenance-report", repo],
    hint: /for a repository, name the COLLECTION as well/,
    follow: [({ repo }) => ["provenance-report", repo, RUN]],
  },
  {
    name: "a report is asked of a RUN without graph",
    archive: "aggregated",
    args: ({ repo }) => ["provenance-report", repo, RUN],
    hint: /ingest-graph puts it there; before that, give the graph file alone/,
    follow: [(work) => ["provenance-report", graphOf(work)]],
  },
  {
    name: "the graph of another RUN is given",
    archive: "before",
    args: (work) => ["ingest-graph", work.repo, SECOND],
    hint: /aggregate-graph wrote/,
    follow: [],
  },
];

for (const { name, archive, prepare, args, hint, follow } of CASES) {
  Deno.test(`the hint is true when ${name}`, async () => {
    for (const next of follow.length === 0 ? [null] : follow) {
      await using work = await copyOfFixture("small-mixed", archive);
      await prepare?.(work);
      const { code, stderr, stdout } = await runHere(["-q", ...args(work)]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      const said = stderr.split("\n").find((line) => line.startsWith("hint: "));
      assert.match(said ?? stderr, hint);
      if (next !== null) await run(...next(work));
    }
  });
}

/** Source files below a folder. */
function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

/** Texts of all hints in the code, with the file of each. */
function allHints(): { file: string; text: string }[] {
  const literal = "\"(?:[^\"\\\\]|\\\\.)*\"|`(?:[^`\\\\]|\\\\.)*`|'(?:[^'\\\\]|\\\\.)*'";
  const pattern = new RegExp(`\\bhint:[^;{}]*?((?:${literal})(?:\\s*\\+\\s*(?:${literal}))*)`, "g");
  return [...sources(`${PROJECT}/lib`)].flatMap((path) =>
    [...Deno.readTextFileSync(path).matchAll(pattern)].map((match) => ({
      file: path.slice(PROJECT.length + 1),
      text: match[1],
    }))
  );
}

Deno.test("hints are found in the code", () => {
  assert.ok(allHints().length > 100);
});

Deno.test("no hint says to remove anything but a lock or a setting", () => {
  const telling = allHints().filter(({ file, text }) =>
    /\b(?:remove|delete|rm|prune|purge)\b/i.test(text) && !/lock/.test(file) &&
    !/registry\.managers|moved?\b/i.test(text)
  );
  assert.deepEqual(telling, []);
});

Deno.test("options and commands that hints name exist", () => {
  const definitions = [...sources(`${PROJECT}/lib/cli`)].map((path) => Deno.readTextFileSync(path))
    .join("\n");
  const options = new Set(
    [...definitions.matchAll(/(?:\.(?:requiredO|o)ption\(|new Option\()\s*"([^"]*)"/g)]
      .flatMap(([, flags]) => flags.match(/--[a-z][a-z-]*/g) ?? []),
  );
  options.add("--help").add("--version");
  const commands = new Set(
    [...definitions.matchAll(/new Command\("([a-z-]+)"\)/g)].map(([, command]) => command),
  );
  assert.ok(options.has("--output-run") && commands.has("ingest-graph"));
  for (const { file, text } of allHints()) {
    for (const option of text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []) {
      // Options of the runtime, with which binaries are made and installed.
      if (option === "--allow-net" || option === "--config") continue;
      assert.ok(options.has(option), `${file}: ${text}: there is no ${option}`);
    }
    for (const [, command] of text.matchAll(/\bprovgraph ([a-z-]+)/g)) {
      assert.ok(command === "help" || commands.has(command), `${file}: ${text}`);
    }
  }
});

Deno.test.afterAll(removeUnpacked);
