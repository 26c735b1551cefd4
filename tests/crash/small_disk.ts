/**
 * File systems of a given size, for tests of full and read-only disks.
 *
 * @module
 */

import { temporaryDirectory } from "../support/fixtures.ts";

/** A mounted tmpfs. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Mounts one.
   *
   * @returns the reason as text where that isn't permitted.
   */
  static async mount(sizeBytes: number): Promise<SmallDisk | string> {
    if (Deno.build.os !== "linux") return "only Linux has tmpfs";
    const { path } = await temporaryDirectory();
    const problem = await run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", path);
    if (problem === null) return new SmallDisk(path);
    Deno.removeSync(path);
    return `mount is not permitted: ${problem}`;
  }

  /** Changes options: a size, or `ro` and `rw`. */
  async remount(options: string): Promise<void> {
    const problem = await run("mount", "-o", `remount,${options}`, this.path);
    if (problem !== null) throw new Error(`cannot remount "${this.path}": ${problem}`);
  }

  /** Writes a file of zeros until no byte fits any more, and gives `spareBytes` back. */
  fill(name: string, spareBytes = 0): void {
    using file = Deno.openSync(`${this.path}/${name}`, { write: true, create: true });
    const zeros = new Uint8Array(4096);
    try {
      for (;;) file.writeSync(zeros);
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOSPC") throw error;
    }
    file.truncateSync(file.statSync().size - spareBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A process that was killed may not be quite gone.
    const problem = await run("umount", "-l", this.path);
    if (problem !== null) throw new Error(`cannot unmount "${this.path}": ${problem}`);
    Deno.removeSync(this.path);
  }
}

async function run(command: string, ...args: string[]): Promise<string | null> {
  try {
    const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
    return success ? null : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
