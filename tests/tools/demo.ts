/**
 * `deno task demo [FOLDER]`: a really executed run, with failures and retries in it, is recorded,
 * ingested and read back. Every command is printed as it can be typed again.
 *
 * @module
 */

import { isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { extractTarGz } from "../support/tar.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const ARCHIVE = join(PROJECT, "testdata", "fixtures", "small-mixed", "before.tar.gz");
const RUN = "u/oracle/out/20260701T000000Z";

/** A step of the demo: what it shows and the arguments of the tool. */
interface Step {
  title: string;
  args: string[];
}

function steps(folder: string): Step[] {
  const repo = `${folder}/repo`;
  const graph = `${folder}/provenance.qg`;
  const failed = ["calibrate", "visit=3", "detector=1"];
  return [
    {
      title: "Scan what the run left behind, register it, write the provenance graph",
      args: ["aggregate-graph", `${folder}/predicted.qg`, repo, "-o", graph],
    },
    {
      title: "Put the graph into the repository; it replaces the log and metadata files",
      args: ["ingest-graph", repo, graph],
    },
    {
      title: "The same once more, as after an interruption: there is nothing left to do",
      args: ["ingest-graph", repo, "--output-run", RUN, "--resume"],
    },
    {
      title: "The log of one quantum, read out of the graph",
      args: ["cat", repo, "--run", RUN, "log", "calibrate", "visit=1", "detector=4"],
    },
    {
      title: "A quantum that failed in each of its attempts",
      args: ["cat", repo, "--run", RUN, "quantum", ...failed],
    },
    {
      title: "What it logged in its first attempt",
      args: ["cat", repo, "--run", RUN, "log", ...failed, "--attempt", "0"],
    },
  ];
}

/** A word as a shell needs it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Empty folder for the demo; a given one must not hold anything. */
function makeFolder(given: string | undefined): string {
  if (given === undefined) return Deno.makeTempDirSync({ prefix: "provgraph-demo-" });
  const folder = resolve(given);
  Deno.mkdirSync(folder, { recursive: true });
  if ([...Deno.readDirSync(folder)].length > 0) {
    throw new Error(`Cannot use folder "${folder}": it is not empty`);
  }
  return folder;
}

async function main(args: readonly string[]): Promise<number> {
  const startMs = performance.now();
  const folder = makeFolder(args[0]);
  console.log(`Unpacking a run of 53 quanta into ${folder}\n`);
  extractTarGz(ARCHIVE, folder);
  const inside = relative(PROJECT, folder);
  const shown = inside.startsWith("..") || isAbsolute(inside) ? folder : inside;
  for (const { title, args } of steps(shown)) {
    const words = ["run", "-A", "main.ts", ...args];
    console.log(`# ${title}\n$ deno ${words.map(quoted).join(" ")}`);
    const child = new Deno.Command(Deno.execPath(), { args: words, cwd: PROJECT }).spawn();
    const { code } = await child.status;
    if (code !== 0) {
      console.error(`The demo stops here: that command ended with exit code ${code}`);
      return 1;
    }
    console.log();
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`Done in ${seconds} s. Everything is in ${folder}; remove it when you like.`);
  console.log(
    "The last four commands can be typed again as they are, here in the project's folder;",
  );
  console.log("for the others begin anew with: deno task demo NEW_FOLDER");
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = 1;
  }
}
