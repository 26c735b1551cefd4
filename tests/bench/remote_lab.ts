/**
 * A simulated run whose files are on a server behind a proxy that adds latency to each request and counts
 * them, and both tools at work on copies of its repository.
 *
 * @module
 */

import { join } from "node:path";
import { NoReferenceError, Reference } from "../oracle/reference.ts";
import { type RequestProxy, type Server, startProxyFor } from "../remote/servers.ts";
import { setRoot, SIMULATED_ROOT, simulateOn } from "../remote/simulated.ts";
import { copyTree, provgraphCommand, type TemporaryDirectory } from "../support/fixtures.ts";
import { load } from "./machine.ts";
import { type Cost, measure } from "./measure.ts";
import { underWay } from "./under_way.ts";

/** About 1,000 quanta, as `deno task bench` has them. */
const RUN = { nVisits: 20, nDetectors: 24, failFraction: 0.02, logSize: 30_000 };

/** One run of one tool. */
export interface Row extends Cost {
  /** Store and work, `s3` or `s3 ingest`. */
  name: string;
  nProcesses: number;
  tool: "provgraph" | "reference";
  requests: number;
  mostAtOnce: number;
  /** Mean number of requests under way in each twentieth of the run. */
  underWay: number[];
  /** Mean number of processes that could run, before it. */
  load: number;
}

/** A command line, of which `DIR` in each argument is the copy's folder. */
export interface Work {
  name: string;
  nProcesses: number;
  ours: readonly string[];
  theirs: readonly string[];
}

/** Both tools on one server. */
export class RemoteLab {
  readonly work: TemporaryDirectory;
  readonly nQuanta: number;
  readonly #server: Server;
  readonly #proxy: RequestProxy;
  readonly #reference: Reference | null;
  readonly #env: Record<string, string>;
  #nCopies = 0;

  private constructor(
    server: Server,
    made: { work: TemporaryDirectory; nQuanta: number },
    proxy: RequestProxy,
    reference: Reference | null,
  ) {
    this.work = made.work;
    this.nQuanta = made.nQuanta;
    this.#server = server;
    this.#proxy = proxy;
    this.#reference = reference;
    this.#env = useProxy(server, proxy.port, made.work.repo);
  }

  /** @param delay Added to each request, milliseconds. */
  static async open(server: Server, delay: number): Promise<RemoteLab> {
    const made = await simulateOn(server, RUN);
    const reference = await findReference(made.work.path);
    return new RemoteLab(server, made, await startProxyFor(server, delay), reference);
  }

  /** Runs both tools, one after the other, each on a copy of `base` below the work folder. */
  async runBoth(work: Work, base: readonly string[], before: () => void = () => {}) {
    const rows: Row[] = [];
    for (const tool of ["provgraph", "reference"] as const) {
      if (tool === "reference" && this.#reference === null) continue;
      before();
      rows.push(await this.#run(tool, work, base));
    }
    return rows;
  }

  /** Runs ours once without measuring it, in the work folder itself and without latency. */
  async prepare(args: readonly string[]): Promise<void> {
    const { delay } = this.#proxy;
    this.#proxy.delay = 0;
    const [program, prefix] = provgraphCommand();
    const options = { cwd: this.work.path, scratch: this.work.path, env: this.#env };
    await measure([program, ...prefix, ...args], options);
    this.#proxy.delay = delay;
  }

  async #run(tool: Row["tool"], work: Work, base: readonly string[]): Promise<Row> {
    const { name, nProcesses } = work;
    const copy = `copy${this.#nCopies++}`;
    const folder = this.work.join(copy);
    Deno.mkdirSync(folder);
    for (const each of base) copyAny(this.work.join(each), join(folder, each));
    const command = tool === "provgraph" ? ours(work.ours) : this.#theirs(work.theirs, copy);
    this.#proxy.reset();
    const loadBefore = load();
    const cost = await measure(command, { cwd: folder, scratch: this.work.path, env: this.#env });
    const { requests, mostAtOnce } = this.#proxy.stats();
    const { wallSeconds, cpuSeconds, peakRssBytes, writtenBytes } = cost;
    const row: Row = {
      ...{ name, nProcesses, tool, wallSeconds, cpuSeconds, peakRssBytes, writtenBytes },
      ...{ requests, mostAtOnce, underWay: underWay(this.#proxy.entries, wallSeconds, 20) },
      load: loadBefore,
    };
    Deno.removeSync(folder, { recursive: true });
    console.log(rowText(row));
    return row;
  }

  #theirs(args: readonly string[], copy: string): string[] {
    const inside = args.map((arg) => arg.replace(/^DIR/, `/data/${copy}`));
    const { command, env } = this.#reference!.command(["butler", ...inside]);
    return ["env", ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...command];
  }

  /** What the server holds, to be put back after a run that deletes. */
  snapshot(): () => void {
    const kept = this.work.join("snapshot");
    const copy = (from: string, to: string) => {
      const { success } = new Deno.Command("sh", {
        args: ["-c", 'rm -rf "$2" && cp -a "$1" "$2"', "sh", from, to],
      }).outputSync();
      if (!success) throw new Error(`Cannot copy "${from}" to "${to}"`);
    };
    const folders = ["objects", "sidecar"].filter((name) =>
      isThere(join(this.#server.folder, name))
    );
    Deno.mkdirSync(kept);
    for (const name of folders) copy(join(this.#server.folder, name), join(kept, name));
    return () => {
      // The folders themselves stay: the server has them open.
      for (const name of folders) {
        for (const each of Deno.readDirSync(join(kept, name))) {
          copy(join(kept, name, each.name), join(this.#server.folder, name, each.name));
        }
      }
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#proxy.stop();
    await this.work[Symbol.asyncDispose]();
  }
}

async function findReference(data: string): Promise<Reference | null> {
  if (Deno.env.get("ORACLE_ROOT") === undefined) {
    console.log("skipped: ORACLE_ROOT doesn't name an installed reference");
    return null;
  }
  try {
    return await Reference.install(data);
  } catch (error) {
    if (!(error instanceof NoReferenceError)) throw error;
    console.log(`skipped: the reference: ${error.message}`);
    return null;
  }
}

/** Variables with which requests go through the proxy, for a repository that names it where that is needed. */
function useProxy(server: Server, port: number, repository: string): Record<string, string> {
  if (server.kind === "s3") {
    return { ...server.variables, S3_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  }
  // The file of the server is no place that the reference sees; it says nothing but defaults.
  setRoot(repository, `dav://127.0.0.1:${port}/${SIMULATED_ROOT}`);
  return {};
}

function ours(args: readonly string[]): string[] {
  const [program, prefix] = provgraphCommand();
  return [program, ...prefix, ...args.map((arg) => arg.replace(/^DIR\//, ""))];
}

function copyAny(from: string, to: string): void {
  if (Deno.statSync(from).isDirectory) copyTree(from, to);
  else Deno.copyFileSync(from, to);
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function rowText(row: Row): string {
  return [
    row.name.padEnd(9),
    `-j ${row.nProcesses}`,
    row.tool.padEnd(10),
    `${row.wallSeconds.toFixed(2)} s`.padStart(9),
    `${row.cpuSeconds.toFixed(2)} s of processors`,
    `${(row.peakRssBytes / 1e6).toFixed(0)} MB`,
    `${row.requests} requests, at most ${row.mostAtOnce} at once`,
    `load ${row.load}`,
    `\n          under way in each twentieth: ${row.underWay.join(" ")}`,
  ].join("  ");
}
