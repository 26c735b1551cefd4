/**
 * A command and what it costs: wall time, processor time of the whole process tree, memory, bytes
 * written. Linux only: the numbers come from `bash` and `/proc`.
 *
 * @module
 */

import { join } from "node:path";

/** What one run of a command cost. */
export interface Cost {
  wallSeconds: number;
  /** User and system, of the process and all it waited for. */
  cpuSeconds: number;
  /** Peak of the resident memory, bytes; of several processes the sum, sampled. */
  peakRssBytes: number;
  /** Bytes given to `write()` and the like. */
  writtenBytes: number;
}

/** What a command did and cost. */
export interface Measured extends Cost {
  stdout: string;
  stderr: string;
}

/** How often memory is looked at. */
const SAMPLE_MS = 20;

/** Runs `"$@"` and writes down what its children cost, which the shell knows when it has waited. */
const WRAPPER = `
start=$EPOCHREALTIME
"$@"
code=$?
end=$EPOCHREALTIME
{ echo "$start $end"; times; cat "/proc/$$/io"; } > "$BENCH_USAGE"
exit $code
`;

/**
 * Runs a command and waits for it.
 *
 * @param scratch Directory for a small file.
 * @throws {Error} with the end of its standard error if it fails with another code than `code`.
 */
export async function measure(
  command: readonly string[],
  options: { cwd: string; scratch: string; env?: Record<string, string>; code?: number },
): Promise<Measured> {
  const usagePath = join(options.scratch, "usage");
  const child = new Deno.Command("bash", {
    args: ["-c", WRAPPER, "bench", ...command],
    cwd: options.cwd,
    env: { NO_COLOR: "1", ...options.env, BENCH_USAGE: usagePath },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let peakRssBytes = 0;
  const timer = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, treeRssBytes(child.pid));
  }, SAMPLE_MS);
  const { code, stdout, stderr } = await child.output();
  clearInterval(timer);
  const text = new TextDecoder().decode(stderr);
  if (code !== (options.code ?? 0)) {
    throw new Error(
      `${command.join(" ")}: exit code ${code}\n${text.split("\n").slice(-20).join("\n")}`,
    );
  }
  const [times, , children, ...io] = Deno.readTextFileSync(usagePath).split("\n");
  const [start, end] = times.split(" ").map(Number);
  return {
    wallSeconds: end - start,
    cpuSeconds: children.split(" ").reduce((sum, time) => sum + shellSeconds(time), 0),
    peakRssBytes: Math.max(peakRssBytes, toldPeakBytes(text)),
    writtenBytes: Number(/\d+/.exec(io.find((line) => line.startsWith("wchar")) ?? "")?.[0]),
    stdout: new TextDecoder().decode(stdout),
    stderr: text,
  };
}

/** Seconds of a time such as `1m2.345s`. */
function shellSeconds(text: string): number {
  const match = /^(\d+)m([\d.]+)s$/.exec(text);
  return match === null ? NaN : Number(match[1]) * 60 + Number(match[2]);
}

/** The exact peak, where the tool tells it in its last log line. */
function toldPeakBytes(log: string): number {
  const match = /peak memory ([\d.]+) ([kMG])B/.exec(log);
  return match === null ? 0 : Number(match[1]) * { k: 1e3, M: 1e6, G: 1e9 }[match[2]]!;
}

/** Resident memory of the processes below one. Pages that they share count more than once. */
function treeRssBytes(pid: number): number {
  let nBytes = 0;
  for (const child of readProc(`${pid}/task/${pid}/children`).split(" ")) {
    if (child === "") continue;
    nBytes += Number(readProc(`${child}/statm`).split(" ")[1] ?? 0) * 4096;
    nBytes += treeRssBytes(Number(child));
  }
  return nBytes;
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** Middle value; of an even number, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Seconds that an action takes. */
export async function timed(action: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

/** Medians of several runs; the largest peak of memory. */
export function medianCost(costs: readonly Cost[]): Cost {
  return {
    wallSeconds: median(costs.map((cost) => cost.wallSeconds)),
    cpuSeconds: median(costs.map((cost) => cost.cpuSeconds)),
    peakRssBytes: Math.max(...costs.map((cost) => cost.peakRssBytes)),
    writtenBytes: median(costs.map((cost) => cost.writtenBytes)),
  };
}
