/**
 * `why`: how a quantum ended, or why a dataset is not there, with what is needed to go on. Reads what is
 * asked for by its ID, and then what is next to it.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import { uuidFromText } from "../../base/uuid.ts";
import {
  type Attempt,
  type QuantumDocument,
  readQuantum,
} from "../../provenance/documents/quantum.ts";
import { type Verdict, verdictOf } from "../../provenance/verdict.ts";
import { logEnd } from "../../sources/logs/log_end.ts";
import type { LogEnd } from "../../sources/logs/log_store.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { dataIdObject } from "../../sources/rows.ts";
import type { Selector } from "../../sources/selector.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type {
  TracedDataset,
  TracedQuantum,
  TraceKey,
  TraceSource,
} from "../../sources/trace/trace_source.ts";
import type {
  Cause,
  Causes,
  DatasetAnswer,
  NamedDataId,
  QuantumAnswer,
  WhyAnswer,
} from "./answer.ts";
import { findBlocked, findCauses, type FoundCause, isBlocking } from "./neighbours.ts";

/** Failed quanta that are named. */
const MAX_CAUSES = 10;
/** Outputs of a quantum that are looked at: more would take longer than somebody likes to wait. */
const MAX_OUTPUTS = 1000;

/**
 * Explains what a selector names.
 *
 * @param maxNodes Quanta and datasets around it to look at, in each direction.
 * @throws {RefusedError} if the source is a plan, or doesn't know quanta.
 * @throws {NotFoundError} if there is nothing of that name.
 */
export async function why(
  source: DocumentSource,
  selector: Selector,
  maxNodes: number,
): Promise<WhyAnswer> {
  if (source.isPlan) {
    throw new RefusedError(`Cannot explain anything of ${source.name}: it has not been run`, {
      hint: "give the provenance graph, the chunk log or the repository",
    });
  }
  const graph = await source.traceSource();
  const key = await graph.locate(selector);
  const inquiry = new Inquiry(source, graph, maxNodes);
  if (key.kind === "quantum") return { dataset: null, quantum: await inquiry.quantum(key.id) };
  const { row } = await graph.dataset(key.id);
  return {
    dataset: datasetAnswer(graph, key.id, row),
    quantum: row.producer === null ? null : await inquiry.quantum(row.producer),
  };
}

function datasetAnswer(
  graph: TraceSource,
  datasetId: string,
  row: TracedDataset["row"],
): DatasetAnswer {
  return {
    datasetId,
    typeName: row.typeName,
    run: row.run,
    produced: row.produced,
    producer: row.producer,
    ...namedDataId(graph, "dataset", row.typeName, row.dataCoordinate),
  };
}

function namedDataId(
  graph: TraceSource,
  kind: TraceKey["kind"],
  label: string,
  values: TracedQuantum["dataCoordinate"],
): NamedDataId {
  const group = graph.group(kind, label);
  return { dataId: dataIdObject(group, values), required: group?.required ?? [] };
}

/** One question about one source. */
class Inquiry {
  readonly #source: DocumentSource;
  readonly #graph: TraceSource;
  readonly #maxNodes: number;

  constructor(source: DocumentSource, graph: TraceSource, maxNodes: number) {
    this.#source = source;
    this.#graph = graph;
    this.#maxNodes = maxNodes;
  }

  async quantum(quantumId: string): Promise<QuantumAnswer> {
    const traced = await this.#graph.quantum(quantumId);
    // Of what has no document of its own, only the edges are known.
    const isRecorded = !traced.isInit && traced.status !== null;
    const { attempts } = isRecorded ? await this.#quantum(quantumId) : { attempts: [] };
    const log = attempts.length === 0 ? null : await this.#logEnd(quantumId, attempts);
    const verdict = traced.isInit
      ? "init"
      : isRecorded
      ? verdictOf(lastOf(attempts, log))
      : "unknown";
    return {
      quantumId,
      task: traced.taskLabel,
      ...namedDataId(this.#graph, "quantum", traced.taskLabel, traced.dataCoordinate),
      status: traced.status,
      verdict,
      attempts,
      log: isLogTelling(verdict) ? log : null,
      outputs: await this.#outputs(traced),
      causes: verdict === "blocked" ? await this.#causes(traced) : null,
      blocks: isBlocking(traced.status)
        ? await findBlocked(this.#graph, traced, this.#maxNodes)
        : null,
    };
  }

  async #quantum(quantumId: string): Promise<QuantumDocument> {
    const id = uuidFromText(quantumId);
    const text = await this.#source.quantum({ kind: "id", id, words: [quantumId] });
    return parseStored(
      `quantum ${quantumId} in ${this.#source.name}`,
      () => readQuantum(text),
    );
  }

  /** Logs may be long: they are read where it matters whether there is one, or what it says. */
  async #logEnd(quantumId: string, attempts: readonly Attempt[]): Promise<LogEnd | null> {
    const last = attempts.at(-1)!;
    const verdict = verdictOf(lastOf(attempts, null));
    return last.exception !== null || verdict === "left_nothing" || verdict === "aborted"
      ? await logEnd(this.#source, quantumId, attempts.length - 1)
      : null;
  }

  async #outputs({ outputs }: TracedQuantum): Promise<QuantumAnswer["outputs"]> {
    const ids = [...new Set([...outputs.values()].flat())];
    if (ids.length > MAX_OUTPUTS) return null;
    await this.#graph.announce(ids.map((id) => ({ kind: "dataset", id })));
    let nProduced = 0;
    for (const id of ids) {
      const { produced } = (await this.#graph.dataset(id)).row;
      if (produced === null) return null;
      if (produced) nProduced++;
    }
    return { n: ids.length, nProduced };
  }

  async #causes(traced: TracedQuantum): Promise<Causes> {
    const { found, nUnknown, isComplete } = await findCauses(this.#graph, traced, this.#maxNodes);
    const shown: Cause[] = [];
    for (const cause of found.slice(0, MAX_CAUSES)) shown.push(await this.#cause(cause));
    return { shown, n: found.length, nUnknown, isComplete };
  }

  async #cause({ quantumId, quantum, nSteps }: FoundCause): Promise<Cause> {
    const { attempts } = await this.#quantum(quantumId);
    return {
      quantumId,
      task: quantum.taskLabel,
      status: quantum.status!,
      exception: attempts.at(-1)?.exception ?? null,
      nSteps,
      ...namedDataId(this.#graph, "quantum", quantum.taskLabel, quantum.dataCoordinate),
    };
  }
}

function lastOf(attempts: readonly Attempt[], log: LogEnd | null) {
  const last = attempts.at(-1);
  if (last === undefined) return null;
  const { status, caveats, exception } = last;
  return { status, caveats: caveats ?? 0, hasException: exception !== null, hasLog: log !== null };
}

/** Whether the end of a log belongs to the explanation. */
function isLogTelling(verdict: Verdict): boolean {
  return verdict === "raised" || verdict === "killed" || verdict === "succeeded_with_caveats";
}
