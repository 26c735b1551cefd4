/**
 * `deno task bench:slow-files [QUANTA]`: aggregation where each file is waited for, as behind a
 * network, with and without reading ahead. Needs Linux and a C compiler, `cc`: what slows the files
 * down is a library that is loaded before the system's.
 *
 * @module
 */

import { join } from "node:path";
import { temporaryDirectory } from "../support/fixtures.ts";
import { Lab } from "./lab.ts";

/** Longer time of each stat() and open(), in microseconds. */
const DELAYS = [0, 500, 1000, 5000];
const LOG_SIZE = 30_000;

const nQuanta = Number(Deno.args[0] ?? 1000);

function compile(directory: string): string {
  const library = join(directory, "slow_files.so");
  const source = join(import.meta.dirname!, "slow_files.c");
  const args = ["-O1", "-fno-builtin", "-shared", "-fPIC", "-o", library, source, "-ldl"];
  const { success, stderr } = new Deno.Command("cc", { args }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return library;
}

/** Runs a command with slow files. */
async function slowly<T>(delay: number, run: () => Promise<T>): Promise<T> {
  const variables: Record<string, string> = {
    LD_PRELOAD: library,
    SLOW_FILES_UNDER: `/${lab.run}/`,
    SLOW_FILES_MICROSECONDS: String(delay),
  };
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
  }
}

/** Wall times of an aggregation from scratch, and of one after `--incomplete`, in seconds. */
async function measureBoth(delay: number, readAhead: string): Promise<[number, number]> {
  const args = lab.aggregateArgs("--read-ahead", readAhead);
  const fresh = lab.linkedCopy();
  const whole = await slowly(delay, () => lab.provgraph(fresh, args));
  lab.remove(fresh);
  const seen = lab.linkedCopy();
  await lab.provgraph(seen, lab.aggregateArgs("--incomplete"));
  const final = await slowly(delay, () => lab.provgraph(seen, args));
  lab.remove(seen);
  return [whole.wallSeconds, final.wallSeconds];
}

await using scratch = await temporaryDirectory();
const library = compile(scratch.path);
const lab = await Lab.make(scratch.path, nQuanta, navigator.hardwareConcurrency, LOG_SIZE);
console.log(
  `${lab.result.nQuanta} quanta, ${lab.nScanners} scanners; seconds without and with reading ahead\n`,
);
console.log("delay [ms]     from scratch         ratio     after --incomplete    ratio");
for (const delay of DELAYS) {
  const without = await measureBoth(delay, "never");
  const ahead = await measureBoth(delay, "auto");
  const columns = without.map((seconds, i) =>
    `${seconds.toFixed(1).padStart(9)} ${ahead[i].toFixed(1).padStart(9)} ` +
    `${(seconds / ahead[i]).toFixed(1).padStart(8)}  `
  );
  console.log(`${(delay / 1000).toFixed(1).padStart(10)} ${columns.join("   ")}`);
}
