/**
 * What is wrong with files of quanta, told as it is found.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ScanProblem } from "./messages.ts";

/**
 * Logs a problem.
 *
 * @param isStrict Whether a broken file ends the run.
 * @throws {EnvironmentError} if it does.
 */
export function tellProblem(problem: ScanProblem, isStrict: boolean, log: Log): void {
  const text = `${problem.isBroken ? "Cannot use" : "Odd"} file "${problem.path}" of quantum ` +
    `${problem.quantumId} (${problem.taskLabel}): ${problem.reason}`;
  if (isStrict && problem.isBroken) {
    throw new EnvironmentError(text, {
      hint: "run without --strict to record the quantum as if the file were absent",
    });
  }
  log.log("WARNING", text);
}
