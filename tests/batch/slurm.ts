/** A throw-away Slurm of two nodes on this machine (`../shared/tools/mini-slurm.sh`). */

import assert from "node:assert/strict";
import { PROJECT, type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";

const TOOL = `${PROJECT}/../shared/tools/mini-slurm.sh`;
/** Exit code of the tool where Slurm can't run. */
const CANNOT = 3;

/** Longest wait for anything to happen: a lost node is noticed after 24 s. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 200;

/** What a command printed. */
export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command and waits for it. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Output> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], ...options })
    .output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Waits until something is there; fails with its name if that takes too long. */
export async function eventually<T>(
  what: string,
  look: () => T | null | Promise<T | null>,
): Promise<T> {
  const endMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endMs) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return assert.fail(`waited in vain for ${what}`);
}

/** A running cluster, which ends with the block. */
export class Slurm implements AsyncDisposable {
  /** What every command needs. */
  readonly env: Record<string, string>;
  readonly #directory: TemporaryDirectory;

  private constructor(directory: TemporaryDirectory, env: Record<string, string>) {
    this.#directory = directory;
    this.env = env;
  }

  /** Starts a cluster; or tells why there can't be one. */
  static async start(): Promise<Slurm | string> {
    try {
      Deno.statSync(TOOL);
    } catch {
      return `${TOOL} is not there`;
    }
    const directory = await temporaryDirectory();
    const env = { MINI_SLURM_PORT: "26817" };
    const { code, stderr } = await run(TOOL, ["start", directory.path], { env });
    if (code !== 0) {
      await directory[Symbol.asyncDispose]();
      assert.equal(code, CANNOT, stderr);
      return stderr.trim();
    }
    const line = await run(TOOL, ["env", directory.path]);
    const [, conf] = /^export SLURM_CONF='(.+)'$/m.exec(line.stdout) ?? assert.fail(line.stdout);
    return new Slurm(directory, { SLURM_CONF: conf });
  }

  /** Kills a node's daemon, as a crash does; its jobs live on, unknown to the others. */
  loseNode(name: string): void {
    const pid = Deno.readTextFileSync(this.#directory.join("run", `${name}.pid`)).trim();
    Deno.kill(Number(pid), "SIGKILL");
  }

  /** State of a job or a task of an array, with its exit code: `FAILED 9:0`. */
  async stateOf(job: string): Promise<string | null> {
    const { stdout } = await run("scontrol", ["show", "job", job], { env: this.env });
    const [, state] = /JobState=(\w+)/.exec(stdout) ?? [];
    const [, code] = /ExitCode=([\d:]+)/.exec(stdout) ?? [];
    return state === undefined ? null : `${state} ${code}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { code, stderr } = await run(TOOL, ["stop", this.#directory.path]);
    assert.equal(code, 0, stderr);
    await this.#directory[Symbol.asyncDispose]();
  }
}
