/**
 * Checks what killed or running processes have beside a graph.
 *
 * @module
 */

import type { Findings } from "../findings.ts";
import { leftoversBeside } from "./leftovers.ts";

/**
 * Reports the files beside a graph that tell of an aggregation into it: its lock, its chunk log, temporary
 * files. Of a graph in a repository the check of its RUN tells them.
 *
 * @param isSound whether the graph itself is whole.
 */
export async function checkBeside(
  path: string,
  findings: Findings,
  isSound: boolean,
): Promise<void> {
  const leftovers = leftoversBeside(path);
  if (leftovers.length === 0) return;
  const { LeftoverReport } = await import("./leftover_report.ts");
  const report = new LeftoverReport({
    findings,
    repository: null,
    repair: null,
    hasSoundGraph: isSound,
  });
  for (const leftover of leftovers) await report.report(leftover);
}
