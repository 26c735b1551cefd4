/**
 * `deno task compile`: makes `dist/provgraph`, one binary with workers, wasm and schema in it.
 *
 *   deno task compile [--target TRIPLE] [--allow-net HOST[:PORT][,...]] [--output FILE]
 *
 * It may read and write files, read the environment, ask the system for its name and memory, and serve the
 * explorer's page on the loopback address, and nothing else. A registry or an HTTP server can be reached if its host is given here.
 *
 * The runtime part, `denort`, is downloaded by Deno unless `DENORT_BIN` names one; then `DENO` must
 * name a Deno of the same version.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeLicenses } from "../package/licenses.ts";
import { writeBuildRecord } from "../package/project.ts";
import { makeProgramTree } from "./program_tree.ts";

/** Platforms that binaries are made for. */
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
];

/**
 * Young generations of 8 instead of 16 MB, and old ones that grow by 15 % between collections, in the main
 * thread and every worker: a quarter less memory for runs of 100,000 quanta, in the same time. Only who
 * starts the process can say so.
 */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=4,--heap-growing-percent=15";

/** Where `explore` serves its page. */
const LOOPBACK = "127.0.0.1";

/** How the time of a file begins in a binary, and the one that all get: 2020-01-01 in milliseconds. */
const TIME_KEY = '"t":';
const FILE_TIME = "1577836800000";

const root = new URL("../../", import.meta.url);
const project = fileURLToPath(root);
const { values } = parseArgs({
  args: Deno.args,
  options: {
    target: { type: "string", default: Deno.build.target },
    "allow-net": { type: "string", multiple: true, default: [] },
    output: { type: "string" },
  },
});
const { target } = values;
if (!TARGETS.includes(target)) {
  fail(`there is no target "${target}"`, `one of ${TARGETS.join(", ")}`);
}
const isForHere = target === Deno.build.target;
const output = resolve(
  project,
  values.output ?? `dist/provgraph${isForHere ? "" : `-${target}`}`,
);
// A runtime that somebody has put here is one for here.
const denort = isForHere ? Deno.env.get("DENORT_BIN") : undefined;
const deno = denort === undefined ? Deno.execPath() : Deno.env.get("DENO") ?? Deno.execPath();
if (denort !== undefined && !isFile(denort)) {
  fail(`DENORT_BIN names "${denort}", which is no file`, "name one, or unset it to download it");
}

Deno.mkdirSync(`${project}dist`, { recursive: true });
const build = writeBuildRecord(`${project}dist`);
writeLicenses(`${project}dist`);
const tree = `${project}dist/program`;
const start = makeProgramTree(project, tree);
for (const name of ["build.json", "THIRD_PARTY_LICENSES"]) {
  Deno.mkdirSync(`${tree}/dist`, { recursive: true });
  Deno.copyFileSync(`${project}dist/${name}`, `${tree}/dist/${name}`);
}
const hosts = values["allow-net"];
const args = [
  "compile",
  "--quiet",
  // Types are checked by `deno task ok`; the compiler may be an older one, to which the lock file is new.
  "--no-check",
  ...(denort === undefined ? [] : ["--no-lock"]),
  ...(knowsOption("--exclude-unused-npm") ? ["--exclude-unused-npm"] : []),
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  `--allow-net=${[LOOPBACK, ...hosts].join(",")}`,
  "--no-prompt",
  V8_FLAGS,
  // The cache would be a file of a known name in a directory that others can write to.
  "--no-code-cache",
  // With all that is loaded by names the compiler can't foresee.
  "--include",
  "lib",
  "--include",
  "workers",
  "--include",
  "schema",
  "--include",
  "dist/build.json",
  "--include",
  "dist/THIRD_PARTY_LICENSES",
  "--include",
  "LICENSE",
  ...(isForHere ? [] : ["--target", target]),
  "--output",
  output,
  start,
];
const result = new Deno.Command(deno, { cwd: tree, args }).outputSync();
if (!result.success) {
  const reason = new TextDecoder().decode(result.stderr).trim();
  fail(
    reason,
    denort === undefined
      ? `where the runtime (denort ${Deno.version.deno} for ${target}) can't be downloaded, bring it from ` +
        "a machine where it can (it is an asset of Deno's release of that version) and set DENORT_BIN to " +
        "its path; if it is of another version, set DENO to a Deno of that version as well"
      : `DENORT_BIN is "${denort}"; DENO must be of the same version, and is "${deno}"`,
  );
}
forgetTimes(output);
console.log(`${output}: ${(Deno.statSync(output).size / 1e6).toFixed(1)} MB, ${build.commit}`);

function fail(reason: string, hint: string): never {
  console.error(`error: Cannot compile: ${reason}\nhint: ${hint}`);
  Deno.exit(1);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function knowsOption(option: string): boolean {
  const { stdout } = new Deno.Command(deno, { args: ["compile", "--help=full"] }).outputSync();
  return new TextDecoder().decode(stdout).includes(option);
}

/**
 * Gives all files in a binary the same time of change, so that the same source makes the same bytes: the
 * compiler embeds those of the disk, 13 digits of milliseconds in a JSON text. Nothing reads them.
 */
function forgetTimes(path: string): void {
  const bytes = Deno.readFileSync(path);
  const text = Buffer.from(bytes.buffer);
  const time = Buffer.from(FILE_TIME);
  for (let at = text.indexOf(TIME_KEY); at >= 0; at = text.indexOf(TIME_KEY, at + 1)) {
    const start = at + TIME_KEY.length;
    const isTime = /^\d{13}[,}]$/.test(text.toString("latin1", start, start + time.length + 1));
    if (isTime) text.set(time, start);
  }
  Deno.writeFileSync(path, bytes);
}
