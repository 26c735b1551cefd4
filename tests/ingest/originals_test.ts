/** An original goes only if the graph has its content, whatever names and times say. */

import assert from "node:assert/strict";
import { fixturePath, RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { aggregateHere, ingestHere } from "./in_process.ts";

/** Originals below the run, by what they are. */
function originals(work: TemporaryDirectory): Map<string, string[]> {
  const found = new Map<string, string[]>([["log", []], ["metadata", []], ["config", []]]);
  const walk = (directory: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${work.repo}/${directory}`)) {
      const path = `${directory}/${name}`;
      if (isDirectory) walk(path);
      else found.get(/_(log|metadata|config)\//.exec(path)?.[1] ?? "")?.push(path);
    }
  };
  walk(RUN);
  for (const paths of found.values()) paths.sort();
  return found;
}

type Kind = "log" | "metadata" | "config";

/** Changes a text, and the length with it or not. */
function rewrite(path: string, change: (text: string) => string): void {
  const text = Deno.readTextFileSync(path);
  const changed = change(text);
  assert.notEqual(changed, text, "the test must change something");
  Deno.writeTextFileSync(path, changed);
}

/** Another letter for the first one of a value, so that the size stays. */
const SAME_SIZE: Record<Kind, (text: string) => string> = {
  log: (text) => text.replace(/"message":"./, '"message":"\u007e'),
  metadata: (text) => text.replace(/("startUtc":\[?"20)2/, "$13"),
  config: (text) => text.replace("config.saveLogOutput=True", "config.saveLogOutput=Trve"),
};

interface Change {
  what: string;
  kind: Kind;
  apply: (path: string, work: TemporaryDirectory) => void;
  /** Whether the file must stay. */
  stays: boolean;
}

const CHANGES: Change[] = [
  ...(["log", "metadata", "config"] as const).flatMap((kind): Change[] => [
    {
      what: "was rewritten with the same size, its times set back",
      kind,
      apply: (path) => {
        const { atime, mtime } = Deno.statSync(path);
        rewrite(path, SAME_SIZE[kind]);
        Deno.utimeSync(path, atime!, mtime!);
      },
      stays: true,
    },
    {
      what: "was rewritten before the graph was copied",
      kind,
      apply: (path, work) => {
        rewrite(path, SAME_SIZE[kind]);
        const soon = Date.now() / 1000 + 100;
        Deno.utimeSync(work.join("provenance.qg"), soon, soon);
      },
      stays: true,
    },
    {
      what: "was written again with the same content, later than the graph",
      kind,
      apply: (path) => {
        const bytes = Deno.readFileSync(path);
        Deno.removeSync(path);
        Deno.writeFileSync(path, bytes);
        Deno.utimeSync(path, Date.now() / 1000 + 1000, Date.now() / 1000 + 1000);
      },
      stays: false,
    },
    {
      what: "was cut to nothing",
      kind,
      apply: (path) => Deno.truncateSync(path),
      stays: true,
    },
    {
      what: "was replaced by a link that leads nowhere else than to itself",
      kind,
      apply: (path) => {
        Deno.removeSync(path);
        Deno.symlinkSync(path, path);
      },
      stays: true,
    },
    {
      what: "was replaced by a directory",
      kind,
      apply: (path) => {
        Deno.removeSync(path);
        Deno.mkdirSync(path);
        Deno.writeTextFileSync(`${path}/file`, "x");
      },
      stays: true,
    },
  ]),
  {
    what: "names other modules that it loads",
    kind: "config",
    apply: (path) => rewrite(path, (text) => `import another.module\n${text}`),
    stays: false,
  },
];

/** How a repository gets to the point before its ingest. */
const SOURCES: Record<string, () => Promise<TemporaryDirectory>> = {
  "a graph with digests": async () => {
    const work = await unpackFixture("small-mixed", "before");
    await Deno.copyFile(fixturePath("small-mixed", "predicted.qg"), work.join("predicted.qg"));
    await aggregateHere(work);
    return work;
  },
  "a graph of the reference": () => unpackFixture("small-mixed", "aggregated"),
};

/** What an ingest came to after some changes, each to another file. */
interface Outcome {
  /** The file of each change. */
  paths: ReadonlyMap<Change, string>;
  /** What the changed files were before and are after, null for nothing. */
  before: ReadonlyMap<string, string | null>;
  after: ReadonlyMap<string, string | null>;
  keptInRehearsal: ReadonlySet<string>;
  kept: ReadonlySet<string>;
  nDeletedInRehearsal: number;
  nDeleted: number;
  /** Originals that are left besides. */
  others: string[];
  hasRehearsalChanged: boolean;
}

async function outcomeOf(
  prepare: () => Promise<TemporaryDirectory>,
  changes: readonly Change[],
): Promise<Outcome> {
  await using work = await prepare();
  const all = originals(work);
  const nOf = new Map<Kind, number>();
  const paths = new Map(changes.map((change) => {
    const n = nOf.get(change.kind) ?? 0;
    nOf.set(change.kind, n + 1);
    return [change, all.get(change.kind)![n]];
  }));
  assert.equal(new Set(paths.values()).size, changes.length, "each changes another file");
  for (const [{ apply }, path] of paths) apply(`${work.repo}/${path}`, work);
  const look = () =>
    new Map([...paths.values()].map((path) => [path, describe(`${work.repo}/${path}`)]));
  const before = look();
  const snapshotBefore = snapshot(work);
  const rehearsed = await ingestHere(work, { isDryRun: true });
  const hasRehearsalChanged = JSON.stringify(snapshot(work)) !== JSON.stringify(snapshotBefore);
  const summary = await ingestHere(work);
  const pathsOf = (files: readonly { path: string }[]) => new Set(files.map(({ path }) => path));
  const changed = [...paths.values()];
  return {
    paths,
    before,
    after: look(),
    keptInRehearsal: pathsOf(rehearsed.keptFiles),
    kept: pathsOf(summary.keptFiles),
    nDeletedInRehearsal: rehearsed.nFilesDeleted,
    nDeleted: summary.nFilesDeleted,
    others: [...originals(work).values()].flat().filter((path) =>
      !changed.some((name) => path.startsWith(name))
    ),
    hasRehearsalChanged,
  };
}

/** Changes to each kind of file that are made to one repository. */
const N_TOGETHER = 4;

for (const [source, prepare] of Object.entries(SOURCES)) {
  const kinds = ["log", "metadata", "config"];
  const groups = [0, 1].map((k) =>
    kinds.flatMap((kind) =>
      CHANGES.filter((change) => change.kind === kind)
        .slice(k * N_TOGETHER, (k + 1) * N_TOGETHER)
    )
  );
  for (const group of groups) {
    // Made by the first row that asks, as both tools take longer than all comparing.
    let outcome: Promise<Outcome> | null = null;
    for (const change of group) {
      const { what, kind, stays } = change;
      Deno.test(`ingestGraph() of ${source} ${stays ? "keeps" : "deletes"} a ${kind} that ${what}`, async () => {
        const found = await (outcome ??= outcomeOf(prepare, group));
        const path = found.paths.get(change)!;
        assert.equal(found.kept.has(path), stays);
        assert.equal(found.keptInRehearsal.has(path), stays);
        assert.equal(found.after.get(path), stays ? found.before.get(path) : null);
      });
    }
    Deno.test(`ingestGraph() of ${source} deletes all originals but the ${group.length} that were changed`, async () => {
      const found = await (outcome ??= outcomeOf(prepare, group));
      assert.deepEqual(found.others, []);
      assert.equal(found.kept.size, group.filter(({ stays }) => stays).length);
      assert.equal(found.nDeletedInRehearsal, found.nDeleted);
      assert.equal(found.hasRehearsalChanged, false);
    });
  }
}

for (const [source, prepare] of Object.entries(SOURCES)) {
  Deno.test(`ingestGraph() of ${source} deletes all originals of a copy of the repository, in place too`, async () => {
    await using work = await prepare();
    const nOriginals = [...originals(work).values()].flat().length;
    const copied = new Deno.Command("cp", { args: ["-a", work.repo, work.join("copy")] });
    assert.ok(copied.outputSync().success);
    const summary = await ingestHere(work, {
      repository: work.join("copy"),
      transfer: "copy",
      inPlace: true,
    });
    assert.deepEqual([summary.nFilesDeleted, summary.nKept], [nOriginals, 0]);
    // The graph is that of the first repository as well, in place or not.
    const path = originals(work).get("log")![0];
    rewrite(`${work.repo}/${path}`, SAME_SIZE.log);
    const other = await ingestHere(work, { inPlace: true });
    assert.deepEqual(other.keptFiles.map((file) => file.path), [path]);
    assert.equal(other.nFilesDeleted, nOriginals - 1);
  });
}

/** Content of a file, or what it is; null if there is none. */
function describe(path: string): string | null {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  if (info.isSymlink) return `link ${Deno.readLinkSync(path)}`;
  return info.isDirectory ? "directory" : Deno.readTextFileSync(path);
}

/** Every file of a directory with its size and time. */
function snapshot(work: TemporaryDirectory): unknown {
  const found: unknown[] = [];
  const walk = (directory: string) => {
    for (const { name } of Deno.readDirSync(directory)) {
      const path = `${directory}/${name}`;
      const { isDirectory, isSymlink, size, mtime, ino } = Deno.lstatSync(path);
      if (isDirectory) walk(path);
      found.push([path, isSymlink, size, isDirectory ? 0 : mtime!.getTime(), ino]);
    }
  };
  walk(work.path);
  return found.sort();
}
