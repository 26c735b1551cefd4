/**
 * What a reader of the results must know of the machine and its load.
 *
 * @module
 */

/** Notes to keep with results. */
export interface MachineNotes {
  processor: string;
  nProcessors: number;
  memoryBytes: number;
  system: string;
  deno: string;
  /** File system of the scratch directory. */
  fileSystem: string;
  /** Commit of the project, if git tells. */
  commit: string | null;
}

/** Looks around. */
export function machineNotes(scratch: string): MachineNotes {
  const processor = /^model name\s*: (.*)$/m.exec(readOr("/proc/cpuinfo"))?.[1] ?? "unknown";
  return {
    processor,
    nProcessors: navigator.hardwareConcurrency,
    memoryBytes: Deno.systemMemoryInfo().total,
    system: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    fileSystem: output("stat", ["--file-system", "--format=%T", scratch]) ?? "unknown",
    commit: output("git", ["rev-parse", "--short", "HEAD"]),
  };
}

/** Mean number of processes that could run, over the last minute. */
export function load(): number {
  return Math.round(Deno.loadavg()[0] * 100) / 100;
}

function readOr(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function output(command: string, args: string[]): string | null {
  try {
    const result = new Deno.Command(command, { args, stderr: "null" }).outputSync();
    return result.success ? new TextDecoder().decode(result.stdout).trim() : null;
  } catch {
    return null;
  }
}
