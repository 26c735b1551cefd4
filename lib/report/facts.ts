/**
 * A quantum as the report takes it in, whether a document or a row of a table tells of it.
 *
 * @module
 */

import { parseIsoTime } from "../base/iso_time.ts";
import type { JsonValue } from "../base/json_text.ts";
import type { Attempt, QuantumDocument } from "../provenance/documents/quantum.ts";

/** What an attempt used; NaN for what isn't known. */
export interface UsageFacts {
  memoryBytes: number;
  /** When preparation began, microseconds since 1970 UTC; null if that isn't known. */
  startMicros: number | null;
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
  usage: UsageFacts | null;
}

/** What is counted and listed of a quantum. */
export interface QuantumFacts {
  readonly quantumId: string;
  readonly taskLabel: string;
  /** In order of time; none means blocked. */
  readonly attempts: readonly AttemptFacts[];
  /** Values of the required dimensions, and perhaps of implied ones behind them. */
  readonly values: readonly JsonValue[];
  /** One of them; null if there are fewer. */
  value(position: number): JsonValue;
  /** Message of an attempt's exception, empty without one. */
  message(attempt: number): string;
}

/** A quantum's document. */
export class DocumentFacts implements QuantumFacts {
  readonly quantumId: string;
  readonly taskLabel: string;
  readonly attempts: readonly AttemptFacts[];
  readonly values: readonly JsonValue[];
  readonly #quantum: QuantumDocument;

  constructor(quantum: QuantumDocument) {
    this.#quantum = quantum;
    this.quantumId = quantum.quantumId;
    this.taskLabel = quantum.taskLabel;
    this.values = quantum.dataCoordinate;
    this.attempts = quantum.attempts.map(factsOf);
  }

  value(position: number): JsonValue {
    return this.values[position] ?? null;
  }

  message(attempt: number): string {
    return this.#quantum.attempts[attempt].exception?.message ?? "";
  }
}

function factsOf({ status, caveats, exception, usage }: Attempt): AttemptFacts {
  return {
    status,
    caveats,
    exceptionType: exception?.typeName ?? null,
    usage: usage && {
      memoryBytes: usage.memory,
      startMicros: parseIsoTime(usage.start),
      prepSeconds: usage.prepTime,
      initSeconds: usage.initTime,
      runSeconds: usage.runTime,
      cpuSeconds: usage.cpuSeconds,
    },
  };
}
