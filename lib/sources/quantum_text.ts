/**
 * ProvenanceQuantum and ProvenanceDataset documents: the few values that inspection needs, and a
 * readable form. Source: `schema/quantum-graph.md`, sections 8.3 and 8.4.
 *
 * @module
 */

import { type QuantumDocument, quantumStatus } from "../provenance/documents/quantum.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import { caveatNames } from "../provenance/success_caveats.ts";

/** Name of the last attempt's status; a quantum without any was blocked. */
export function lastStatusName(quantum: QuantumDocument): string {
  return attemptStatusName(quantumStatus(quantum));
}

/** Names for what a quantum's document has IDs of. */
export interface QuantumNames {
  /** `DIMENSION=VALUE...`. */
  dataId: string;
  /** By dataset ID; those without an entry are left as they are. */
  datasets: Map<string, string>;
}

/** A quantum for people. @param names null if nobody knows them. */
export function quantumText(quantum: QuantumDocument, names: QuantumNames | null): string {
  const lines = [
    `quantum    ${quantum.quantumId}`,
    `task       ${quantum.taskLabel}`,
    `data ID    ${names?.dataId || quantum.dataCoordinate.map(String).join(", ") || "(empty)"}`,
    `status     ${lastStatusName(quantum)}`,
    `attempts   ${quantum.attempts.length || "none: a quantum upstream failed"}`,
  ];
  quantum.attempts.forEach(({ status, caveats, exception, usage }, i) => {
    lines.push(
      `  ${i}  ${attemptStatusName(status)}` +
        (!caveats ? "" : ` (${caveatNames(caveats).join(", ")})`),
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
  for (
    const [title, edges] of [["inputs", quantum.inputs], ["outputs", quantum.outputs]] as const
  ) {
    lines.push(title);
    const width = Math.max(0, ...[...edges.keys()].map((name) => name.length));
    for (const [connection, ids] of edges) {
      ids.forEach((id, i) => {
        const name = names?.datasets.get(id) ?? "";
        lines.push(`  ${(i === 0 ? connection : "").padEnd(width)}  ${id}  ${name}`.trimEnd());
      });
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Why an attempt of a quantum left no log, or no metadata: a clause. */
export function missingReason(
  kind: "log" | "metadata",
  quantum: Pick<QuantumDocument, "attempts">,
  attempt: number,
): string {
  const status = quantum.attempts[attempt]?.status;
  if (status === AttemptStatus.ABORTED_SUCCESS) {
    return `it is ABORTED_SUCCESS, that is, it ended before its log was written`;
  }
  if (status === undefined) return "nothing is known about it";
  const name = attemptStatusName(status);
  return kind === "log"
    ? `it is ${name} and ended without writing a log`
    : `it is ${name} and ended without writing metadata`;
}
