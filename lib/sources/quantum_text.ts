/**
 * ProvenanceQuantum and ProvenanceDataset documents: the few values that inspection needs, and a
 * readable form. Source: `schema/quantum-graph.md`, sections 8.3 and 8.4.
 *
 * @module
 */

import type { QuantumView } from "../provenance/documents/quantum_view.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import { caveatNames } from "../provenance/success_caveats.ts";

/** Name of the last attempt's status; a quantum without any was blocked. */
export function lastStatusName({ attempts }: QuantumView): string {
  return attemptStatusName(attempts.at(-1)?.status ?? AttemptStatus.BLOCKED);
}

/** A quantum for people. */
export function quantumText(view: QuantumView): string {
  const lines = [
    `quantum    ${view.quantumId}`,
    `task       ${view.taskLabel}`,
    `data ID    ${view.dataCoordinate.map(String).join(", ") || "(empty)"}`,
    `status     ${attemptStatusName(view.attempts.at(-1)?.status ?? AttemptStatus.BLOCKED)}`,
    `attempts   ${view.attempts.length || "none: a quantum upstream failed"}`,
  ];
  view.attempts.forEach(({ status, caveats, exception, usage }, i) => {
    lines.push(
      `  ${i}  ${attemptStatusName(status)}` +
        (caveats === 0 ? "" : ` (${caveatNames(caveats).join(", ")})`),
    );
    if (usage !== null) {
      const seconds = usage.prepTime + usage.initTime + usage.runTime;
      lines.push(
        `     ${usage.start}, ${seconds.toFixed(3)} s, CPU ${usage.cpuSeconds.toFixed(3)} s, ` +
          `memory ${(usage.memory / 1e6).toFixed(1)} MB`,
      );
    }
    if (exception !== null) {
      const [first, ...rest] = exception.message.split("\n");
      lines.push(`     ${exception.typeName}: ${first}`, ...rest.map((line) => `       ${line}`));
    }
  });
  for (const [title, edges] of [["inputs", view.inputs], ["outputs", view.outputs]] as const) {
    lines.push(title);
    const width = Math.max(0, ...[...edges.keys()].map((name) => name.length));
    for (const [connection, ids] of edges) {
      ids.forEach((id, i) => lines.push(`  ${(i === 0 ? connection : "").padEnd(width)}  ${id}`));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Why an attempt of a quantum left no log, or no metadata: a clause. */
export function missingReason(
  kind: "log" | "metadata",
  view: Pick<QuantumView, "attempts">,
  attempt: number,
): string {
  const status = view.attempts[attempt]?.status;
  if (status === AttemptStatus.ABORTED_SUCCESS) {
    return `it is ABORTED_SUCCESS, that is, it ended before its log was written`;
  }
  if (status === undefined) return "nothing is known about it";
  const name = attemptStatusName(status);
  return kind === "log"
    ? `it is ${name} and ended without writing a log`
    : `it is ${name} and ended without writing metadata`;
}
