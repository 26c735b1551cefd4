/**
 * The Python reference, installed by `../shared/oracle/setup-oracle.sh` and run in its chroot.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { tmpdir } from "node:os";
import { type JsonValue, parseJson } from "../../lib/base/json_text.ts";
import { type ProcessResult, PROJECT } from "../support/fixtures.ts";

/** Why there is no reference to compare with. */
export class NoReferenceError extends Error {
  override name = "NoReferenceError";
}

const decoder = new TextDecoder();

async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ProcessResult> {
  const { code, signal, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs programs of the reference on directories below one data folder. */
export class Reference {
  readonly #scripts: string;
  readonly #root: string;
  readonly #data: string;

  private constructor(scripts: string, root: string, data: string) {
    this.#scripts = scripts;
    this.#root = root;
    this.#data = data;
  }

  /**
   * Finds or installs the reference: in ORACLE_ROOT, else in a folder that stays in the temporary
   * directory, so that the next run finds it.
   *
   * @param data folder that the reference sees as `/data`.
   * @throws {NoReferenceError} if it can't be installed here.
   */
  static async install(data: string): Promise<Reference> {
    const scripts = join(PROJECT, "..", "shared", "oracle");
    const setup = join(scripts, "setup-oracle.sh");
    if (!exists(setup)) {
      throw new NoReferenceError("there is no ../shared/oracle beside the project");
    }
    const root = resolve(Deno.env.get("ORACLE_ROOT") ?? join(tmpdir(), "oracle"));
    const reference = new Reference(scripts, root, data);
    if (!(await reference.#isReady())) {
      console.log(`installing the reference into ${root}`);
      const result = await run("bash", [setup, root]);
      if (result.code !== 0) {
        const reason = result.stderr.trim().split("\n").at(-1);
        throw new NoReferenceError(`setup-oracle.sh fails: ${reason || `status ${result.code}`}`);
      }
      if (!(await reference.#isReady())) {
        throw new NoReferenceError(`the reference does not run in ${root}`);
      }
    }
    return reference;
  }

  async #isReady(): Promise<boolean> {
    if (!exists(join(this.#root, "opt/v/bin/butler"))) return false;
    const { code } = await this.run(["python", "-c", "import lsst.pipe.base"]);
    return code === 0;
  }

  /** What to start in order to run a command; paths in it are below `/data`. */
  command(args: readonly string[]): { command: string[]; env: Record<string, string> } {
    return {
      command: ["bash", join(this.#scripts, "run-oracle.sh"), ...args],
      env: { ORACLE_ROOT: this.#root, ORACLE_DATA: this.#data },
    };
  }

  /** Runs a command; paths in it are below `/data`. */
  run(args: readonly string[]): Promise<ProcessResult> {
    const { command: [program, ...rest], env } = this.command(args);
    return run(program, rest, env);
  }

  /**
   * Runs a command that must succeed.
   *
   * @throws {Error} with its last lines otherwise.
   */
  async expect(args: readonly string[]): Promise<ProcessResult> {
    const result = await this.run(args);
    if (result.code !== 0) {
      const tail = result.stderr.trim().split("\n").slice(-12).join("\n");
      throw new Error(`reference: ${args.join(" ")}: status ${result.code}\n${tail}`);
    }
    return result;
  }

  /** Runs one of the oracle's scripts that print JSON. */
  async script(name: string, ...args: string[]): Promise<JsonValue> {
    const { stdout } = await this.expect(["python", `/oracle/${name}`, ...args]);
    return parseJson(stdout);
  }

  /** Runs several of the oracle's scripts that print JSON, in one process: that starts for seconds. */
  async scripts(...commands: readonly (readonly string[])[]): Promise<JsonValue[]> {
    const own = join(this.#data, "several.py");
    Deno.copyFileSync(join(import.meta.dirname!, "site", "several.py"), own);
    const lines = commands.map(([name, ...args]) => [`/oracle/${name}`, ...args]);
    const { stdout } = await this.expect(["python", "/data/several.py", JSON.stringify(lines)]);
    return (JSON.parse(stdout) as string[]).map((text) => parseJson(text));
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
