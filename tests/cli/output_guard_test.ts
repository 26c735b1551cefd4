/** Outputs never destroy inputs: what is named as output is refused, and nothing changes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { fixturePath, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked, replaceFile } from "./support.ts";

const LOG_FOLDER = `repo/${RUN}/calibrate_log`;

/** Every path below a directory with what it is and holds. */
function treeOf(directory: string, prefix = ""): string[] {
  return [...Deno.readDirSync(directory)].flatMap((entry) => {
    const path = join(directory, entry.name);
    const name = `${prefix}${entry.name}`;
    if (entry.isSymlink) return [`${name} -> ${Deno.readLinkSync(path)}`];
    if (entry.isDirectory) return [`${name}/`, ...treeOf(path, `${name}/`)];
    if (!entry.isFile) return [`${name} special`];
    const bytes = Deno.readFileSync(path);
    return [`${name} ${bytes.length} ${crc32(bytes)}`];
  }).sort();
}

/** A run that was aggregated, with its predicted graph, and files that people may have there. */
async function workPlace(): Promise<TemporaryDirectory> {
  const work = await copyOfFixture("small-mixed", "aggregated");
  Deno.copyFileSync(fixturePath("small-mixed", "predicted.qg"), work.join("predicted.qg"));
  Deno.writeTextFileSync(work.join("notes.txt"), "# Run of tonight\n\nall is well\n");
  Deno.writeTextFileSync(work.join("options.yaml"), "report:\n  limit: 3\n");
  Deno.writeTextFileSync(work.join("empty"), "");
  return work;
}

function fifo(path: string): void {
  assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
}

/** Name, words of the command line (`@x`: path of x in the working directory), reason, preparation. */
type Refusal = [
  name: string,
  args: string[],
  reason: RegExp,
  prepare?: (work: TemporaryDirectory) => void,
];

const AGGREGATE = ["aggregate-graph", "@predicted.qg", "@repo", "--dry-run"];
const REPORT = ["report", "@provenance.qg"];
const PROVENANCE_REPORT = ["provenance-report", "@provenance.qg"];
const SCAN = ["scan", "@predicted.qg", "@repo", "--shard", "0/2"];

/** The first file of a folder of a RUN. */
function firstIn(work: TemporaryDirectory, folder: string): string {
  const names: string[] = [];
  const visit = (path: string) => {
    for (const entry of Deno.readDirSync(path)) {
      if (entry.isDirectory) visit(join(path, entry.name));
      else names.push(join(path, entry.name));
    }
  };
  visit(work.join(folder));
  return names.sort()[0];
}

const REFUSALS: Refusal[] = [
  ["aggregate-graph -o: its predicted graph", [...AGGREGATE, "-o", "@predicted.qg"], /the input "/],
  [
    "aggregate-graph -o: a hard link to it",
    [...AGGREGATE, "-o", "@link.qg"],
    /the input "/,
    (w) => Deno.linkSync(w.join("predicted.qg"), w.join("link.qg")),
  ],
  [
    "aggregate-graph -o: a symbolic link to it",
    [...AGGREGATE, "-o", "@link.qg"],
    /the input "/,
    (w) => Deno.symlinkSync("predicted.qg", w.join("link.qg")),
  ],
  [
    "aggregate-graph -o: it by another path",
    [...AGGREGATE, "-o", "@folder/predicted.qg"],
    /the input "/,
    (w) => Deno.symlinkSync(".", w.join("folder")),
  ],
  [
    "aggregate-graph -o: it, even with --force",
    [...AGGREGATE, "-o", "@predicted.qg", "--force"],
    /the input "/,
  ],
  [
    "aggregate-graph -o: another predicted graph",
    [...AGGREGATE, "-o", "@other.qg"],
    /is a predicted graph/,
    (w) => Deno.copyFileSync(w.join("predicted.qg"), w.join("other.qg")),
  ],
  ["aggregate-graph -o: a text", [...AGGREGATE, "-o", "@notes.txt"], /is no provenance graph/],
  [
    "aggregate-graph -o: the configuration",
    [...AGGREGATE, "-o", "@repo/butler.yaml"],
    /the configuration of repository/,
  ],
  [
    "aggregate-graph -o: the database",
    [...AGGREGATE, "-o", "@repo/gen3.sqlite3"],
    /the database of repository/,
  ],
  [
    "aggregate-graph -o: a link to the database",
    [...AGGREGATE, "-o", "@link.qg", "--force"],
    /the database of repository/,
    (w) => Deno.symlinkSync("repo/gen3.sqlite3", w.join("link.qg")),
  ],
  ["aggregate-graph -o: a journal of the database", [
    ...AGGREGATE,
    "-o",
    "@repo/gen3.sqlite3-journal",
  ], /would take it for its journal/],
  [
    "aggregate-graph -o: a dataset",
    [...AGGREGATE, "-o", "@dataset"],
    /may be a part of it/,
    (w) => Deno.symlinkSync(firstIn(w, LOG_FOLDER), w.join("dataset")),
  ],
  [
    "aggregate-graph -o: a dataset, even with --force",
    [...AGGREGATE, "-o", "@dataset", "--force"],
    /may be a part of it/,
    (w) => Deno.symlinkSync(firstIn(w, LOG_FOLDER), w.join("dataset")),
  ],
  ["aggregate-graph -o: a directory", [...AGGREGATE, "-o", "@repo"], /is a directory/],
  [
    "aggregate-graph -o: a FIFO",
    [...AGGREGATE, "-o", "@fifo"],
    /not a regular file/,
    (w) => fifo(w.join("fifo")),
  ],
  ["aggregate-graph -o: a device", [...AGGREGATE, "-o", "/dev/null"], /not a regular file/],
  [
    "aggregate-graph -o: a chunk log that it merges",
    [...AGGREGATE, "-o", "@a.chunks", "--chunks", "@*.chunks"],
    /the input "/,
    (w) => Deno.writeTextFileSync(w.join("a.chunks"), "\x89PGC"),
  ],
  [
    "aggregate-graph -o: other content in the chunk log's place",
    [...AGGREGATE, "-o", "@new.qg", "--no-resume"],
    /is no chunk log/,
    (w) => Deno.renameSync(w.join("notes.txt"), w.join("new.qg.chunks")),
  ],
  ["aggregate-graph --log-file: the chunk log of the output", [
    ...AGGREGATE,
    "-o",
    "@new.qg",
    "--log-file",
    "@new.qg.chunks",
  ], /is the same file/],
  ["scan --chunks: its predicted graph", [...SCAN, "--chunks", "@predicted.qg"], /the input "/],
  [
    "scan --chunks: it, with --no-resume",
    [...SCAN, "--chunks", "@predicted.qg", "--no-resume"],
    /the input "/,
  ],
  [
    "scan --chunks: a text, with --no-resume",
    [...SCAN, "--chunks", "@notes.txt", "--no-resume"],
    /is no chunk log/,
  ],
  ["report --html: its graph", [...REPORT, "--html", "@provenance.qg"], /the input "/],
  [
    "report --markdown: a hard link to its graph",
    [...REPORT, "--markdown", "@link"],
    /the input "/,
    (w) => Deno.linkSync(w.join("provenance.qg"), w.join("link")),
  ],
  [
    "report --html: a predicted graph",
    [...REPORT, "--html", "@predicted.qg"],
    /is not a report page of this tool/,
  ],
  [
    "report --html: another page",
    [...REPORT, "--html", "@page.html"],
    /is not a report page of this tool/,
    (w) => Deno.writeTextFileSync(w.join("page.html"), "<!DOCTYPE html>\n<title>thesis</title>\n"),
  ],
  [
    "report --markdown: notes",
    [...REPORT, "--markdown", "@notes.txt"],
    /is not a report in Markdown/,
  ],
  [
    "report --html and --markdown: one file",
    [...REPORT, "--html", "@new", "--markdown", "@./new"],
    /is the same file/,
  ],
  [
    "report --html: a link to what --markdown writes",
    [...REPORT, "--html", "@link", "--markdown", "@new"],
    /is the same file/,
    (w) => Deno.symlinkSync("new", w.join("link")),
  ],
  [
    "report --html: the configuration of a repository",
    [...REPORT, "--html", "@repo/butler.yaml"],
    /is in repository/,
  ],
  [
    "report REPO --html: its database",
    ["report", "@repo", "--html", "@repo/gen3.sqlite3"],
    /the database of repository/,
  ],
  [
    "report --html: the options file",
    [...REPORT, "-@", "@options.yaml", "--html", "@options.yaml"],
    /the options file/,
  ],
  ["report --html: a directory", [...REPORT, "--html", "@repo"], /is a directory/],
  [
    "report --html: in no directory",
    [...REPORT, "--html", "@absent/r.html"],
    /there is no directory/,
  ],
  [
    "report --html: a FIFO",
    [...REPORT, "--html", "@fifo"],
    /not a regular file/,
    (w) => fifo(w.join("fifo")),
  ],
  ["provenance-report --status-report: the configuration", [
    ...PROVENANCE_REPORT,
    "--status-report",
    "@repo/butler.yaml",
  ], /is in repository/],
  [
    "provenance-report --status-report: the graph's hard link",
    [...PROVENANCE_REPORT, "--status-report", "@link"],
    /the input "/,
    (w) => Deno.linkSync(w.join("provenance.qg"), w.join("link")),
  ],
  ["provenance-report --resource-usage: in no directory", [
    ...PROVENANCE_REPORT,
    "--resource-usage",
    "@absent/s.csv",
  ], /there is no directory/],
  ["provenance-report --resource-usage: a text", [
    ...PROVENANCE_REPORT,
    "--resource-usage",
    "@notes.txt",
  ], /is not a table of resource usage/],
  [
    "provenance-report --resource-usage: a dataset",
    [...PROVENANCE_REPORT, "--resource-usage", "@dataset"],
    /is in repository/,
    (w) => Deno.symlinkSync(firstIn(w, LOG_FOLDER), w.join("dataset")),
  ],
  ["provenance-report --data-id-table-dir: a repository", [
    ...PROVENANCE_REPORT,
    "--data-id-table-dir",
    "@repo",
  ], /is in repository/],
  ["provenance-report --data-id-table-dir: a file", [
    ...PROVENANCE_REPORT,
    "--data-id-table-dir",
    "@notes.txt",
  ], /not a directory/],
  [
    "provenance-report --data-id-table-dir: where a table's name is taken",
    [...PROVENANCE_REPORT, "--data-id-table-dir", "@tables", "--resource-usage", "@usage.csv"],
    /is no table of data IDs/,
    (w) => {
      Deno.mkdirSync(w.join("tables/calibrate/FAILED"), { recursive: true });
      Deno.writeTextFileSync(w.join("tables/calibrate/FAILED/ValueError.ecsv"), "mine");
    },
  ],
  [
    "info --log-file: the database",
    ["info", "@provenance.qg", "--log-file", "@repo/gen3.sqlite3"],
    /is in repository/,
  ],
  [
    "info REPO --log-file: the configuration",
    ["info", "@repo", "--log-file", "@repo/butler.yaml"],
    /the configuration of repository/,
  ],
  [
    "info --log-file: a dataset",
    ["info", "@provenance.qg", "--log-file", "@dataset"],
    /is in repository/,
    (w) => Deno.symlinkSync(firstIn(w, LOG_FOLDER), w.join("dataset")),
  ],
  [
    "info --log-file: its graph",
    ["info", "@provenance.qg", "--log-file", "@provenance.qg"],
    /the input "/,
  ],
  ["info --log-file: a configuration of something else", [
    "info",
    "@provenance.qg",
    "--log-file",
    "@options.yaml",
  ], /is no log file/],
  [
    "info --log-file: a file with other names",
    ["info", "@provenance.qg", "--log-file", "@other.txt"],
    /other names/,
    (w) => Deno.linkSync(w.join("notes.txt"), w.join("other.txt")),
  ],
  ["--log-file before the command: its graph", [
    "--log-file",
    "@provenance.qg",
    "info",
    "@provenance.qg",
  ], /the input "/],
  [
    "info --log-file: in no directory",
    ["info", "@provenance.qg", "--log-file", "@absent/log.txt"],
    /there is no directory/,
  ],
  [
    "info --log-file: a FIFO",
    ["info", "@provenance.qg", "--log-file", "@fifo"],
    /not a regular file/,
    (w) => fifo(w.join("fifo")),
  ],
  ["two --log-file: one file", [
    "info",
    "@provenance.qg",
    "--log-file",
    "@a.txt",
    "--log-file",
    "@a.txt",
  ], /the same file/],
  ["simulate: a repository", ["simulate", "@repo", "--visits", "1"], /is in repository/],
  [
    "simulate: a folder of a repository",
    ["simulate", `@${LOG_FOLDER}/new`, "--visits", "1"],
    /is in repository/,
  ],
];

for (const [name, args, reason, prepare] of REFUSALS) {
  Deno.test(`refused, and nothing changes: ${name}`, async () => {
    await using work = await workPlace();
    prepare?.(work);
    const before = treeOf(work.path);
    const words = args.map((word) => word.startsWith("@") ? work.join(word.slice(1)) : word);
    if (args.includes("@./new")) words[words.length - 1] = `${work.path}/./new`;
    const { code, stderr } = await runHere(words, {
      append: () => assert.fail("a log line was written"),
    });
    assert.match(stderr, reason);
    assert.equal(code, 2, stderr);
    // Every refusal says what helps.
    assert.match(stderr, /\nhint: /);
    assert.deepEqual(treeOf(work.path), before);
  });
}

const ALLOWED: [name: string, args: string[], prepare?: (work: TemporaryDirectory) => void][] = [
  ["aggregate-graph -o: the graph of the RUN", [...AGGREGATE, "-o", "@provenance.qg"]],
  ["aggregate-graph -o: an empty file", [...AGGREGATE, "-o", "@empty"]],
  ["aggregate-graph -o: something else, by --force", [...AGGREGATE, "-o", "@notes.txt", "--force"]],
  ["aggregate-graph -o: new, in new directories", [...AGGREGATE, "-o", "@a/b/new.qg"]],
  ["aggregate-graph -o: new, in the repository", [...AGGREGATE, "-o", "@repo/new.qg"]],
  ["report --html and --markdown: new", [...REPORT, "--html", "@r.html", "--markdown", "@r.md"]],
  ["report --html: something else, by --force", [...REPORT, "--html", "@notes.txt", "--force"]],
  ["info --log-file: a text", ["info", "@provenance.qg", "--log-file", "@notes.txt"]],
  ["info --log-file: /dev/null", ["info", "@provenance.qg", "--log-file", "/dev/null"]],
];

for (const [name, args, prepare] of ALLOWED) {
  Deno.test(`done: ${name}`, async () => {
    await using work = await workPlace();
    // Other copies share its content.
    replaceFile(work.join("provenance.qg"), Deno.readFileSync(work.join("provenance.qg")));
    prepare?.(work);
    const words = args.map((word) => word.startsWith("@") ? work.join(word.slice(1)) : word);
    const { code, stderr } = await runHere(["-q", ...words]);
    assert.ok(code === 0 || code === 3, stderr);
  });
}

Deno.test("each command replaces what it has written itself", async () => {
  await using work = await workPlace();
  const commands = [
    ["report", "--html", work.join("r.html"), "--markdown", work.join("r.md")],
    [
      "provenance-report",
      "--status-report",
      work.join("s.json"),
      "--resource-usage",
      work.join("u.csv"),
      "--data-id-table-dir",
      work.join("tables"),
    ],
  ];
  for (const [name, ...options] of [...commands, ...commands]) {
    const { code, stderr } = await runHere(["-q", name, work.join("provenance.qg"), ...options]);
    assert.equal(code, 0, stderr);
  }
  const aggregate = ["-q", "aggregate-graph", work.join("predicted.qg"), work.repo, "--dry-run"];
  for (let i = 0; i < 2; i++) {
    const { code, stderr } = await runHere([...aggregate, "-o", work.join("again.qg")]);
    assert.ok(code === 0 || code === 3, stderr);
  }
});

Deno.test("aggregate-graph -o and report --html write through links and keep modes", async () => {
  await using work = await workPlace();
  Deno.mkdirSync(work.join("disk"));
  Deno.symlinkSync("disk/graph.qg", work.join("graph.qg"));
  Deno.symlinkSync("disk/r.html", work.join("r.html"));
  Deno.writeTextFileSync(work.join("disk/r.html"), "");
  Deno.chmodSync(work.join("disk/r.html"), 0o600);
  const aggregate = [...AGGREGATE, "-o", "@graph.qg"];
  for (const args of [aggregate, [...REPORT, "--html", "@r.html"], aggregate]) {
    const words = args.map((word) => word.startsWith("@") ? work.join(word.slice(1)) : word);
    const { code, stderr } = await runHere(["-q", ...words]);
    assert.ok(code === 0 || code === 3, stderr);
    if (Deno.statSync(work.join("disk/graph.qg")).mode! & 0o77) {
      Deno.chmodSync(work.join("disk/graph.qg"), 0o600);
    }
  }
  assert.equal(Deno.readLinkSync(work.join("graph.qg")), "disk/graph.qg");
  assert.equal(Deno.readLinkSync(work.join("r.html")), "disk/r.html");
  assert.deepEqual(
    [...Deno.readDirSync(work.join("disk"))].map(({ name }) => name).sort(),
    ["graph.qg", "r.html"],
  );
  for (const name of ["graph.qg", "r.html"]) {
    const info = Deno.statSync(work.join("disk", name));
    assert.equal(info.mode! & 0o777, name === "graph.qg" ? 0o600 : 0o600);
    assert.ok(info.size > 1000);
  }
});

Deno.test("a chunk log that another process takes away while it is looked at isn't missed", async () => {
  await using work = await workPlace();
  const chunks = work.join("provenance.qg.chunks");
  const args = ["-q", "aggregate-graph", work.join("predicted.qg"), work.repo, "--dry-run"];
  const again = [...args, "-o", work.join("provenance.qg")];
  assert.notEqual((await runHere([...again, "--keep-chunks"])).code, 2);
  const open = Deno.openSync;
  let nTaken = 0;
  Deno.openSync = (path, options) => {
    if (path === chunks && nTaken++ === 0) Deno.removeSync(chunks);
    return open(path, options);
  };
  try {
    const { code, stderr } = await runHere(again);
    assert.ok(code === 0 || code === 3, stderr);
  } finally {
    Deno.openSync = open;
  }
  assert.ok(nTaken > 0);
});

Deno.test("the chunk log of an output that is private is private", async () => {
  await using work = await workPlace();
  replaceFile(work.join("provenance.qg"), Deno.readFileSync(work.join("provenance.qg")));
  Deno.chmodSync(work.join("provenance.qg"), 0o600);
  const args = ["aggregate-graph", work.join("predicted.qg"), work.repo, "--dry-run", "-q"];
  for (const more of [["--keep-chunks"], ["--keep-chunks", "--no-resume"]]) {
    const { code, stderr } = await runHere([...args, "-o", work.join("provenance.qg"), ...more]);
    assert.ok(code === 0 || code === 3, stderr);
    for (const name of ["provenance.qg", "provenance.qg.chunks"]) {
      assert.equal(Deno.statSync(work.join(name)).mode! & 0o777, 0o600, name);
    }
  }
});

Deno.test.afterAll(async () => {
  await removeUnpacked();
});
