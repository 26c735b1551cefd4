/**
 * A quantum as the report takes it in, whether a document or a row of a table tells of it.
 *
 * @module
 */

import { parseIsoTime } from "../base/iso_time.ts";
import type { JsonValue } from "../base/json_text.ts";
import type { Attempt, QuantumDocument } from "../provenance/documents/quantum.ts";
import type { TabledAttempt } from "../provenance/table/earlier_attempts.ts";

/** What an attempt used; NaN for what isn't known. */
export interface UsageFacts {
  memoryBytes: number;
  /** When preparation began, microseconds since 1970 UTC. */
  startMicros: number;
  prepSeconds: number;
  initSeconds: number;
  runSeconds: number;
  cpuSeconds: number;
}

/** What is counted and listed of an attempt. */
export interface AttemptFacts {
  status: number;
  /** Bit set; null if not recorded. */
  caveats: number | null;
  exceptionType: string | null;
  /** Message of the exception, empty without one. A table has its first line. */
  readonly message: string;
  usage: UsageFacts | null;
}

/** Which quantum it is. */
export interface NamedQuantum {
  readonly quantumId: string;
  readonly taskLabel: string;
  /** Values of the required dimensions, and perhaps of implied ones behind them. */
  readonly values: readonly JsonValue[];
}

/** What is counted and listed of a quantum. */
export interface QuantumFacts extends NamedQuantum {
  /** In order of time; none means blocked. */
  readonly attempts: readonly AttemptFacts[];
}

/** What a quantum's document tells. */
export function documentFacts(quantum: QuantumDocument): QuantumFacts {
  const { quantumId, taskLabel, dataCoordinate, attempts } = quantum;
  return { quantumId, taskLabel, values: dataCoordinate, attempts: attempts.map(factsOf) };
}

/** What a table tells of an attempt before the last one. */
export function tabledFacts(attempt: TabledAttempt): AttemptFacts {
  const { status, caveats, exception: exceptionType, message } = attempt;
  const { memory, start, prepTime, initTime, runTime, cpuTime } = attempt;
  const usage: UsageFacts = {
    memoryBytes: memory,
    startMicros: start,
    prepSeconds: prepTime,
    initSeconds: initTime,
    runSeconds: runTime,
    cpuSeconds: cpuTime,
  };
  return { status, caveats, exceptionType, message, usage: hasUsage(usage) ? usage : null };
}

/** Whether anything is recorded. */
export function hasUsage(usage: UsageFacts): boolean {
  return !(
    Number.isNaN(usage.startMicros) && Number.isNaN(usage.runSeconds) &&
    Number.isNaN(usage.memoryBytes) && Number.isNaN(usage.cpuSeconds) &&
    Number.isNaN(usage.prepSeconds) && Number.isNaN(usage.initSeconds)
  );
}

function factsOf({ status, caveats, exception, usage }: Attempt): AttemptFacts {
  return {
    status,
    caveats,
    exceptionType: exception?.typeName ?? null,
    message: exception?.message ?? "",
    usage: usage && {
      memoryBytes: usage.memory,
      startMicros: parseIsoTime(usage.start) ?? NaN,
      prepSeconds: usage.prepTime,
      initSeconds: usage.initTime,
      runSeconds: usage.runTime,
      cpuSeconds: usage.cpuSeconds,
    },
  };
}
