#!/usr/bin/env node
// Runs provgraph with the Deno that this package depends on; nothing is fetched.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const inPackage = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

function findDeno() {
  try {
    return createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
  } catch (error) {
    console.error(`error: Cannot find Deno, a dependency of this package: ${error.message}`);
    console.error("hint: install again, with optional dependencies");
    process.exit(2);
  }
}

const child = spawn(findDeno(), [
  ...["run", "--quiet", "--allow-all", "--no-lock", "--cached-only"],
  ...["--config", inPackage("deno.json"), inPackage("main.js"), ...process.argv.slice(2)],
], { stdio: "inherit", env: { DENO_NO_UPDATE_CHECK: "1", ...process.env } });

// A terminal sends its signals to both; others know this process only.
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.stdin.isTTY && signal === "SIGINT" || child.kill(signal));
}
child.on("error", (error) => {
  console.error(`error: Cannot start Deno: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(signal === null ? code : 128 + constants.signals[signal]);
});
