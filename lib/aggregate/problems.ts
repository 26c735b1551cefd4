/**
 * What is wrong with files of quanta, told as it is found.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ScanProblem } from "./scan/scan_problem.ts";

/** Problems kept for the summary; the others are counted. */
const MAX_PROBLEMS = 1000;

/** What a run remembers of its problems. */
interface ProblemCounts {
  nProblems: number;
  nBrokenFiles: number;
  /** The first ones. */
  problems: ScanProblem[];
}

/** Counts a problem. */
export function countProblem(counts: ProblemCounts, problem: ScanProblem): void {
  counts.nProblems++;
  if (problem.isBroken) counts.nBrokenFiles++;
  if (counts.problems.length < MAX_PROBLEMS) counts.problems.push(problem);
}

/**
 * Logs a problem.
 *
 * @param isStrict Whether a broken file ends the run.
 * @throws {EnvironmentError} if it does.
 */
export function tellProblem(problem: ScanProblem, isStrict: boolean, log: Log): void {
  const owner = problem.taskLabel === ""
    ? "with the versions of packages"
    : `of quantum ${problem.quantumId} (${problem.taskLabel})`;
  const text = `${problem.isBroken ? "Cannot use" : "Odd"} file "${problem.path}" ${owner}: ` +
    problem.reason;
  if (isStrict && problem.isBroken) {
    throw new EnvironmentError(text, {
      hint: "run without --strict to record the quantum as if the file were absent",
    });
  }
  log.log("WARNING", text);
}

/** Nothing of a run is there: exit code 1, as the next try may find its disk mounted. */
export class NothingFoundError extends EnvironmentError {
  override name = "NothingFoundError";
}
