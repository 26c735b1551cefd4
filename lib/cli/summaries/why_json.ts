/**
 * The answer of `why` as a JSON line (`schema/json/why.schema.json`).
 *
 * @module
 */

import type { Causes, QuantumAnswer, WhyAnswer } from "../../inspect/why/answer.ts";
import type { Attempt } from "../../provenance/documents/quantum.ts";
import { attemptStatusName } from "../../provenance/quantum_status.ts";
import { caveatMeanings, caveatNames } from "../../provenance/success_caveats.ts";
import { verdictText } from "../../provenance/verdict.ts";
import { type JsonFields, jsonLine } from "../terminal/ndjson.ts";
import { datasetSentence, moreCommands } from "../../inspect/why/why_text.ts";

/** @param source Words that name the source on a command line. */
export function whyJson({ dataset, quantum }: WhyAnswer, source: readonly string[]): string {
  return jsonLine("why", {
    dataset: dataset === null ? null : {
      dataset_id: dataset.datasetId,
      dataset_type: dataset.typeName,
      data_id: dataset.dataId,
      run: dataset.run,
      produced: dataset.produced,
      producer: dataset.producer,
      explanation: datasetSentence(dataset, quantum),
    },
    quantum: quantum === null ? null : quantumFields(quantum),
    commands: moreCommands(dataset, quantum, source),
  });
}

function quantumFields(quantum: QuantumAnswer): JsonFields {
  const { verdict, log, outputs, causes, blocks, attempts } = quantum;
  return {
    quantum_id: quantum.quantumId,
    task: quantum.task,
    data_id: quantum.dataId,
    status: quantum.status,
    verdict,
    explanation: verdictText(verdict, outputs?.nProduced ?? null),
    caveats: caveatMeanings(attempts.at(-1)?.caveats ?? 0).map((each) => ({ ...each })),
    attempts: attempts.map(attemptFields),
    log: log === null ? null : {
      attempt: attempts.length - 1,
      n_records: log.nRecords,
      is_errors: log.hasErrors,
      text: log.text,
      last_time: log.lastTime,
      process: log.processId,
    },
    outputs: outputs === null ? null : { n: outputs.n, n_produced: outputs.nProduced },
    causes: causes === null ? null : causesFields(causes),
    blocks: blocks === null ? null : {
      n: blocks.n,
      by_task: Object.fromEntries(blocks.byTask),
      is_complete: blocks.isComplete,
    },
  };
}

function attemptFields({ status, caveats, exception, usage }: Attempt): JsonFields {
  return {
    status: attemptStatusName(status),
    caveats: caveatNames(caveats ?? 0),
    exception: exception === null ? null : exception.typeName,
    message: exception === null ? null : exception.message,
    memory: finite(usage?.memory),
    start: usage?.start ?? null,
    prep_time: finite(usage?.prepTime),
    init_time: finite(usage?.initTime),
    run_time: finite(usage?.runTime),
    run_time_cpu: finite(usage?.cpuSeconds),
  };
}

function causesFields({ shown, n, nUnknown, isComplete }: Causes): JsonFields {
  return {
    n,
    n_unknown: nUnknown,
    is_complete: isComplete,
    quanta: shown.map((cause) => ({
      quantum_id: cause.quantumId,
      task: cause.task,
      data_id: cause.dataId,
      status: cause.status,
      exception: cause.exception?.typeName ?? null,
      message: cause.exception?.message ?? null,
      n_steps: cause.nSteps,
    })),
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
