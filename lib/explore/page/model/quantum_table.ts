/**
 * Quanta in columns: what lists, figures and filters need of each, in typed arrays.
 *
 * @module
 */

import { parseIsoTime } from "../../../base/iso_time.ts";
import { Grower } from "../../../base/grower.ts";
import { IdList } from "../../../base/id_list.ts";
import type { JsonValue } from "../../../base/json_text.ts";
import { UUID_SIZE, uuidFromText, uuidToText } from "../../../base/uuid.ts";
import type { WhereRow, WhereValue } from "../../../inspect/list/where_expression.ts";
import type {
  Attempt,
  QuantumDocument,
  ResourceUsage,
} from "../../../provenance/documents/quantum.ts";
import { FailureClusters } from "../../../provenance/failure_clusters.ts";
import { AttemptStatus } from "../../../provenance/quantum_status.ts";
import { hasOddTimes, latestStart } from "../../../report/odd_times.ts";
import { caveatNames } from "../../../provenance/success_caveats.ts";
import { lastStatusName } from "../../../sources/quantum_text.ts";
import type { DimensionGroup } from "../../../butler/dimensions/dimension_group.ts";

/** Letters of a message that are kept. */
const MAX_MESSAGE = 1000;

/** Columns of numbers, by the names that they have in the table of a graph. */
export const NUMBER_COLUMNS = [
  "run_time",
  "memory",
  "run_time_cpu",
  "prep_time",
  "init_time",
  "attempts",
  "n_inputs",
  "n_outputs",
  "n_blocked",
  "caveats",
] as const;

/** Numbers of a quantum that columns are sorted and coloured by. */
export type NumberColumn = typeof NUMBER_COLUMNS[number];

/** Texts by number, each kept once. */
class Texts {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.list.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

/** A quantum as far as a table of quanta has it: attempts before the last are missing. */
export interface QuantumRow {
  /** 16 bytes. */
  id: Uint8Array;
  task: string;
  status: string;
  exception: string | null;
  /** Empty for none. */
  message: string;
  dataId: JsonValue[];
  /** ISO; empty if it isn't known. */
  start: string;
  /** NaN for what isn't known. */
  numbers: Record<NumberColumn, number>;
}

/** An attempt before the last. */
export interface EarlierAttempt {
  usage: ResourceUsage | null;
  /** Whether its times are impossible. */
  isOdd: boolean;
  /** Number of its kind of failure, from 1; 0 for none. */
  failure: number;
  /** Whether it ended in another way than successfully. */
  hasFailed: boolean;
}

/** Failures that belong together, as the report clusters them. */
export interface FailureKind {
  task: string;
  exception: string | null;
  /** Shape of the message; null in a cluster of many that there were too many of. */
  shape: string | null;
  /** The first of them. */
  sample: { id: string; attempt: number; message: string };
}

/** Quanta. Memory: some 250 bytes each. */
export class QuantumTable {
  n = 0;
  readonly tasks = new Texts();
  readonly statuses = new Texts();
  /** Full names of exceptions; number 0 says that there is none. */
  readonly exceptions = new Texts();
  readonly #ids = new IdList();
  readonly #task = new Grower(Uint16Array);
  readonly #status = new Grower(Uint16Array);
  readonly #exception = new Grower(Uint32Array);
  /** Whether the times of the last attempt are impossible; see `report/odd_times.ts`. */
  readonly #isOdd = new Grower(Uint8Array);
  /** When the last attempt began, microseconds since 1970; NaN if that isn't known. */
  readonly #startMicros = new Grower(Float64Array);
  /** Rows that took the place of earlier ones. */
  nReplaced = 0;
  /** Number of the last attempt's kind of failure, from 1; 0 for none. */
  readonly #failure = new Grower(Uint32Array);
  readonly failures: FailureKind[] = [];
  readonly #kinds = new FailureClusters<number>((key) =>
    this.failures.push({ ...key, sample: { id: "", attempt: 0, message: "" } })
  );
  /** Attempts before the last, with the numbers of their kinds of failure, of rows that have any. */
  readonly earlier = new Map<number, EarlierAttempt[]>();
  readonly #numbers: Record<NumberColumn, Grower<Float64Array>>;
  readonly #dataIds: JsonValue[][] = [];
  readonly #starts: string[] = [];
  readonly #messages = new Map<number, string>();
  readonly #latest: number;
  readonly #groups: ReadonlyMap<string, DimensionGroup>;
  /** Rows by id, if rows may be replaced. */
  readonly #rows: Map<string, number> | null;

  /**
   * @param groups Dimensions of tasks.
   * @param timestamp When the graph was built, as its header has it.
   * @param isReplacing Whether a quantum that comes again takes the place of the earlier one.
   */
  constructor(
    groups: ReadonlyMap<string, DimensionGroup>,
    timestamp: string,
    isReplacing: boolean,
  ) {
    this.#groups = groups;
    this.#latest = latestStart(timestamp);
    this.#rows = isReplacing ? new Map() : null;
    this.exceptions.numberOf("");
    this.#numbers = Object.fromEntries(
      NUMBER_COLUMNS.map((name) => [name, new Grower(Float64Array)]),
    ) as Record<NumberColumn, Grower<Float64Array>>;
  }

  /** Takes a quantum's document in; returns its row. */
  add(view: QuantumDocument): number {
    const last = view.attempts.at(-1);
    const usage = last?.usage ?? null;
    const failures = view.attempts.map((attempt, i) => this.#failureOf(view, attempt, i));
    const row = this.addRow({
      id: uuidFromText(view.quantumId),
      task: view.taskLabel,
      status: lastStatusName(view),
      exception: last?.exception?.typeName ?? null,
      message: last?.exception?.message ?? "",
      dataId: view.dataCoordinate,
      start: usage?.start ?? "",
      numbers: {
        run_time: usage?.runTime ?? NaN,
        memory: usage?.memory ?? NaN,
        run_time_cpu: usage?.cpuSeconds ?? NaN,
        prep_time: usage?.prepTime ?? NaN,
        init_time: usage?.initTime ?? NaN,
        attempts: view.attempts.length,
        n_inputs: nDistinct(view.inputs),
        n_outputs: nDistinct(view.outputs),
        n_blocked: 0,
        caveats: last?.caveats ?? 0,
      },
    });
    if (view.attempts.length < 2) this.earlier.delete(row);
    else {
      this.earlier.set(
        row,
        view.attempts.slice(0, -1).map((attempt, i) => ({
          usage: attempt.usage,
          isOdd: attempt.usage !== null && this.#hasOddTimes(attempt.usage),
          failure: failures[i],
          hasFailed: attempt.status !== AttemptStatus.SUCCESSFUL,
        })),
      );
    }
    return row;
  }

  /** Takes a quantum in of which only the last attempt is known; returns its row. */
  addRow(quantum: QuantumRow): number {
    const { numbers, start, message } = quantum;
    const idText = this.#rows === null ? "" : uuidToText(quantum.id);
    const known = this.#rows?.get(idText);
    const row = known ?? this.n++;
    if (known === undefined) {
      this.#rows?.set(idText, row);
      this.#ids.push(quantum.id);
    } else this.nReplaced++;
    this.#task.reach(row)[row] = this.tasks.numberOf(quantum.task);
    this.#status.reach(row)[row] = this.statuses.numberOf(quantum.status);
    this.#exception.reach(row)[row] = this.exceptions.numberOf(quantum.exception ?? "");
    for (const name of NUMBER_COLUMNS) this.#numbers[name].reach(row)[row] = numbers[name];
    this.#dataIds[row] = quantum.dataId;
    this.#starts[row] = start;
    this.#startMicros.reach(row)[row] = parseIsoTime(start) ?? NaN;
    const isOdd = this.#hasOddTimes({
      start,
      prepTime: numbers.prep_time,
      initTime: numbers.init_time,
      runTime: numbers.run_time,
    });
    this.#isOdd.reach(row)[row] = isOdd ? 1 : 0;
    this.#failure.reach(row)[row] = this.#lastFailure(quantum);
    if (message) this.#messages.set(row, message.slice(0, MAX_MESSAGE));
    else this.#messages.delete(row);
    return row;
  }

  #lastFailure({ id, task, status, exception, message, numbers }: QuantumRow): number {
    if (numbers.attempts === 0 || (status === "SUCCESSFUL" && exception === null)) return 0;
    return this.#kindOf(task, exception, message, () => ({
      id: uuidToText(id),
      attempt: numbers.attempts - 1,
    }));
  }

  #failureOf(view: QuantumDocument, { status, exception }: Attempt, attempt: number): number {
    if (status === AttemptStatus.SUCCESSFUL && exception === null) return 0;
    return this.#kindOf(
      view.taskLabel,
      exception?.typeName ?? null,
      exception?.message ?? "",
      () => ({ id: view.quantumId, attempt }),
    );
  }

  #kindOf(
    task: string,
    exception: string | null,
    message: string,
    first: () => { id: string; attempt: number },
  ): number {
    const number = this.#kinds.of(task, exception, message);
    const { sample } = this.failures[number - 1];
    if (sample.id === "") {
      Object.assign(sample, { ...first(), message: message.slice(0, 2 * MAX_MESSAGE) });
    }
    return number;
  }

  #hasOddTimes(
    { start, prepTime, initTime, runTime }: Pick<
      ResourceUsage,
      "start" | "prepTime" | "initTime" | "runTime"
    >,
  ): boolean {
    if (start === "") return false;
    return hasOddTimes({
      startMicros: parseIsoTime(start),
      prepSeconds: prepTime,
      initSeconds: initTime,
      runSeconds: runTime,
    }, this.#latest);
  }

  /** Whether the times of a row are impossible, so that they aren't added up. */
  isOdd(row: number): boolean {
    return this.#isOdd.array[row] === 1;
  }

  /** Number of a row's kind of failure, from 1; 0 for none. */
  failure(row: number): number {
    return this.#failure.array[row];
  }

  /** UUID of a row. */
  id(row: number): string {
    return uuidToText(this.#ids.bytes.subarray(row * UUID_SIZE, (row + 1) * UUID_SIZE));
  }

  task(row: number): string {
    return this.tasks.list[this.#task.array[row]];
  }

  status(row: number): string {
    return this.statuses.list[this.#status.array[row]];
  }

  /** Full name; empty for none. */
  exception(row: number): string {
    return this.exceptions.list[this.#exception.array[row]];
  }

  message(row: number): string {
    return this.#messages.get(row) ?? "";
  }

  start(row: number): string {
    return this.#starts[row];
  }

  /** Microseconds since 1970; NaN if it isn't known. */
  startMicros(row: number): number {
    return this.#startMicros.array[row];
  }

  /** NaN if the quantum has none. */
  number(name: NumberColumn, row: number): number {
    return this.#numbers[name].array[row];
  }

  /** Names of caveats. */
  caveats(row: number): string[] {
    return caveatNames(this.number("caveats", row));
  }

  /** Value of a dimension; undefined if the task hasn't it. */
  dimension(name: string, row: number): JsonValue | undefined {
    const group = this.#groups.get(this.task(row));
    if (group === undefined) return undefined;
    const required = group.required.indexOf(name);
    if (required >= 0) return this.#dataIds[row][required];
    const implied = group.implied.indexOf(name);
    return implied < 0 ? undefined : this.#dataIds[row][group.required.length + implied];
  }

  /** Required dimensions as text: `visit=3 detector=1`. */
  dataId(row: number): string {
    return dataIdText(this.#groups.get(this.task(row)), this.#dataIds[row]);
  }

  /** A row as expressions see it; the fields are those of `ls`. */
  whereRow(row: number): WhereRow {
    return { value: (name) => this.#field(name, row) };
  }

  #field(name: string, row: number): WhereValue {
    const value = this.dimension(name, row);
    if (value !== undefined) return value as WhereValue;
    switch (name) {
      case "quantum_id":
        return this.id(row);
      case "task":
        return this.task(row);
      case "status":
        return this.status(row);
      case "exception":
        return this.exception(row) || null;
      case "message":
        return this.#messages.get(row) ?? null;
      case "start":
        return this.start(row) || null;
      default: {
        const number = this.#numbers[name as NumberColumn]?.array[row];
        return number === undefined || Number.isNaN(number) ? null : number;
      }
    }
  }
}

/** Dimensions that seldom differ within a run. */
export const GOVERNORS: ReadonlySet<string> = new Set(["instrument", "skymap"]);

/** Required dimensions of a data ID as text. */
export function dataIdText(
  group: DimensionGroup | undefined,
  values: readonly JsonValue[],
): string {
  const names = group?.required ?? [];
  const shown = group === undefined ? values : values.slice(0, names.length);
  const terms = shown.map((value, i) => `${names[i] ?? `value_${i}`}=${String(value)}`);
  // What tells quanta apart comes first, what is the same of all or most of them last.
  const isLast = (i: number) => GOVERNORS.has(names[i]);
  return [...terms.filter((_, i) => !isLast(i)), ...terms.filter((_, i) => isLast(i))].join(" ");
}

function nDistinct(edges: ReadonlyMap<string, readonly string[]>): number {
  return new Set([...edges.values()].flat()).size;
}
