/**
 * `deno task wheel`: makes `dist/provgraph-VERSION-py3-none-PLATFORM.whl`, a Python package with the compiled
 * binary as the command `provgraph`, as ruff and uv are packed.
 *
 *   deno task wheel [--binary FILE] [--target TRIPLE] [--allow-net HOST[:PORT][,...]]
 *
 * The binary is compiled first, with the same options, unless one is given. The builder, hatchling, is
 * installed into a virtual environment in `dist`, in pinned versions. The same binary makes the same bytes.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { writeLicenses } from "./licenses.ts";
import { DIST, emptyFolder, execute, filesBelow, ROOT, VERSION } from "./project.ts";

/** Platform tags of binaries: the oldest system that they run on. */
const PLATFORMS: Readonly<Record<string, string>> = {
  "x86_64-unknown-linux-gnu": "manylinux_2_27_x86_64",
  "aarch64-unknown-linux-gnu": "manylinux_2_27_aarch64",
  "x86_64-apple-darwin": "macosx_11_0_x86_64",
  "aarch64-apple-darwin": "macosx_11_0_arm64",
};
/** The time of all files in the wheel, seconds: 2020-01-01. */
const FILE_TIME = "1577836800";
const SOURCE = "lib/python";

/** What {@linkcode makeWheel} is told. */
export interface WheelOptions {
  /** Path of the compiled binary. */
  binary: string;
  /** Triple of the platform that it runs on. */
  target: string;
}

/**
 * Makes the wheel.
 *
 * @returns its path.
 */
export function makeWheel({ binary, target }: WheelOptions): string {
  const platform = PLATFORMS[target];
  if (platform === undefined) throw new Error(`Cannot make a wheel for "${target}"`);
  const folder = emptyFolder("wheel");
  for (const path of filesBelow(SOURCE)) {
    if (/\.pyc$/.test(path)) continue;
    const made = `${folder}/${path.slice(SOURCE.length + 1)}`;
    Deno.mkdirSync(made.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.copyFileSync(`${ROOT}${path}`, made);
    Deno.chmodSync(made, 0o644);
  }
  const version = `"""Version of the package."""\n\n__version__ = "${VERSION}"\n`;
  Deno.writeTextFileSync(`${folder}/provgraph/_version.py`, version);
  Deno.mkdirSync(`${folder}/bin`);
  Deno.copyFileSync(binary, `${folder}/bin/provgraph`);
  Deno.chmodSync(`${folder}/bin/provgraph`, 0o755);
  Deno.copyFileSync(`${ROOT}README.md`, `${folder}/README.md`);
  writeLicenses(folder);
  execute(pythonWithBuilder(), ["-m", "hatchling", "build", "--target", "wheel", "-d", DIST], {
    cwd: folder,
    env: { PROVGRAPH_PLATFORM_TAG: platform, SOURCE_DATE_EPOCH: FILE_TIME },
  });
  return `${DIST}provgraph-${VERSION}-py3-none-${platform}.whl`;
}

/** A Python that has the builder, in the versions that `build-requirements.txt` pins. */
function pythonWithBuilder(): string {
  const requirements = `${ROOT}${SOURCE}/build-requirements.txt`;
  const environment = `${DIST}python`;
  const python = `${environment}/bin/python`;
  const installed = `${environment}/${"build-requirements.txt"}`;
  try {
    if (Deno.readTextFileSync(installed) === Deno.readTextFileSync(requirements)) return python;
  } catch {
    // Not made yet.
  }
  execute("python3", ["-m", "venv", "--clear", environment]);
  execute(python, ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements]);
  Deno.copyFileSync(requirements, installed);
  return python;
}

/** Compiles for a platform, and tells where the binary is. */
export function makeBinary(
  target: string = Deno.build.target,
  hosts: readonly string[] = [],
): string {
  const binary = `${DIST}provgraph${target === Deno.build.target ? "" : `-${target}`}`;
  execute(Deno.execPath(), [
    ...["run", "-A", `${ROOT}tests/tools/compile.ts`, "--target", target, "--output", binary],
    ...hosts.flatMap((host) => ["--allow-net", host]),
  ]);
  return binary;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      binary: { type: "string" },
      target: { type: "string", default: Deno.build.target },
      "allow-net": { type: "string", multiple: true, default: [] },
    },
  });
  const { target } = values;
  const wheel = makeWheel({
    binary: values.binary ?? makeBinary(target, values["allow-net"]),
    target,
  });
  console.log(`${wheel}: ${(Deno.statSync(wheel).size / 1e6).toFixed(1)} MB`);
}
