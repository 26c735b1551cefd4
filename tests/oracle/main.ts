/**
 * Compares this tool with the Python reference on fresh repositories.
 *
 *     deno task test:oracle [SCENARIO...]
 *
 * Ends with "N passed, N failed". Where the reference can't be installed it prints "skipped: " and
 * the reason, and succeeds. ORACLE_ROOT names the reference's folder; KEEP_WORK=1 keeps the
 * repositories for a look at them.
 */

import { temporaryDirectory } from "../support/fixtures.ts";
import { Report, ScenarioRun } from "./checks.ts";
import { checkExport } from "./export.ts";
import { checkRemote } from "./remote.ts";
import { NoReferenceError, Reference } from "./reference.ts";
import { type Scenario, SCENARIOS } from "./scenarios.ts";

async function runScenario(scenario: Scenario, report: Report): Promise<void> {
  const work = await temporaryDirectory();
  const start = performance.now();
  try {
    const reference = await Reference.install(work.path);
    await new ScenarioRun(scenario, reference, report, work.path).run();
  } catch (error) {
    report.fail(`${scenario.name}: stages`, error);
  } finally {
    if (Deno.env.get("KEEP_WORK") === "1") console.log(`kept ${work.path}`);
    else work[Symbol.dispose]();
  }
  console.log(`${scenario.name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

/** Not scenarios: tables of fixtures, read by other programs; files on S3 and WebDAV servers. */
const EXPORT = "export";
const REMOTE = "remote";

async function main(names: readonly string[]): Promise<number> {
  const known = [...SCENARIOS.map(({ name }) => name), EXPORT, REMOTE];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(
      `no scenario "${unknown[0]}"; there are: ${known.join(", ")}`,
    );
    return 2;
  }
  const report = new Report();
  const waiting = SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name));
  try {
    // Whether there is a reference at all, before several scenarios ask for it.
    await using nothing = await temporaryDirectory();
    await Reference.install(nothing.path);
    await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, async () => {
      for (let next; (next = waiting.shift()) !== undefined;) await runScenario(next, report);
    }));
  } catch (error) {
    if (!(error instanceof NoReferenceError)) throw error;
    console.log(`skipped: ${error.message}`);
    return 0;
  }
  if (names.length === 0 || names.includes(EXPORT)) {
    try {
      await checkExport(report);
    } catch (error) {
      if (error instanceof NoReferenceError) console.log(`skipped: ${error.message}`);
      else report.fail(`${EXPORT}: stages`, error);
    }
  }
  if (names.length === 0 || names.includes(REMOTE)) await checkRemote(report);
  console.log(`${report.nPassed} passed, ${report.nFailed} failed`);
  return report.nFailed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
