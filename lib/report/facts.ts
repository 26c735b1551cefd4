/**
 * A quantum as the report takes it in, whether a document or a row of a table tells of it.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import {
  coordinateValues,
  exceptionMessage,
  type ReportAttempt,
  type ReportQuantum,
} from "../provenance/documents/quantum_report.ts";

/** What is counted and listed of an attempt. */
export type AttemptFacts = Omit<ReportAttempt, "messageRange">;

/** What is counted and listed of a quantum. */
export interface QuantumFacts {
  readonly quantumId: string;
  readonly taskLabel: string;
  /** In order of time; none means blocked. */
  readonly attempts: readonly AttemptFacts[];
  /** Values of required, then implied dimensions. */
  readonly values: readonly JsonValue[];
  /** Message of an attempt's exception, empty without one. */
  message(attempt: number): string;
}

/** A quantum's document. Values and messages are read when they are asked for. */
export class DocumentFacts implements QuantumFacts {
  readonly #quantum: ReportQuantum;
  #values: JsonValue[] | null = null;

  constructor(quantum: ReportQuantum) {
    this.#quantum = quantum;
  }

  get quantumId(): string {
    return this.#quantum.quantumId;
  }

  get taskLabel(): string {
    return this.#quantum.taskLabel;
  }

  get attempts(): readonly AttemptFacts[] {
    return this.#quantum.attempts;
  }

  get values(): readonly JsonValue[] {
    return this.#values ??= coordinateValues(this.#quantum);
  }

  message(attempt: number): string {
    return exceptionMessage(this.#quantum, this.#quantum.attempts[attempt]);
  }
}
