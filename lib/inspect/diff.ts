/**
 * `diff`: two graphs task by task, quanta matched by data ID. Three passes at most: over A, over B, and
 * over A again for what B doesn't have.
 *
 * Memory: 50 bytes for each quantum of A and 17 for each of B; names of tasks and exceptions.
 *
 * @module
 */

import { IdList } from "../base/id_list.ts";
import { type JsonValue, stringifyJson } from "../base/json_text.ts";
import { findId, idPlaces, sortIds } from "../base/sort_ids.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import { parseStored } from "../sources/parse_stored.ts";
import { lastStatusName } from "../sources/quantum_text.ts";
import { dataIdObject, type RowDimensions } from "../sources/rows.ts";
import type { DocumentSource } from "../sources/source.ts";
import { type ComparedQuantum, tabledQuanta } from "./diff_by_table.ts";

/** A figure of A and of B. */
export type Pair<T> = [a: T, b: T];

/** A quantum that is listed. */
export interface DiffQuantum {
  dataId: { [dimension: string]: JsonValue };
  /** Dimensions that suffice to name it. */
  requiredDimensions: readonly string[];
  quantumId: string;
  status: string | null;
}

/** A quantum whose status changed. */
export interface ChangedQuantum extends DiffQuantum {
  /** In A; {@linkcode DiffQuantum.status} is that in B. */
  oldStatus: string;
}

/** What differs in a task. */
export interface TaskDiff {
  task: string;
  nQuanta: Pair<number>;
  /** Quanta by the status of their last attempt. */
  statuses: Map<string, Pair<number>>;
  /** Quanta of both whose status differs, and the first of them. */
  nChanged: number;
  changed: ChangedQuantum[];
  /** Quanta that only one of them has, and the first of them. */
  nOnly: Pair<number>;
  only: Pair<DiffQuantum[]>;
  /** Exceptions of last attempts, by full name. */
  exceptions: Map<string, Pair<number>>;
  /** Median of `run_time` of last attempts that have it, seconds. */
  runTime: Pair<number | null>;
  /** Median of `memory`, bytes. */
  memory: Pair<number | null>;
}

/** What differs. */
export interface GraphDiff {
  names: Pair<string>;
  /** Sorted as in A's pipeline, then those that only B has. */
  tasks: TaskDiff[];
  /** Whether quanta, statuses or exceptions differ in any task. Times and memory don't count. */
  isDifferent: boolean;
}

/** Quanta whose keys are made at a time. */
const N_KEYED = 256;

const encoder = new TextEncoder();

/** Status of a quantum that has only been planned: it differs from none. */
const PLANNED = "";

/**
 * Compares two sources.
 *
 * @param maxListed Quanta listed for each task, of each kind.
 * @throws {RefusedError} if a source doesn't know quanta.
 */
export async function diff(
  a: DocumentSource,
  b: DocumentSource,
  maxListed: number,
): Promise<GraphDiff> {
  const dimensions: Pair<RowDimensions> = [
    await a.rowDimensions("quanta"),
    await b.rowDimensions("quanta"),
  ];
  const tasks = new TaskTallies([...await a.taskLabels(), ...await b.taskLabels()], maxListed);
  const quantaOfA = new MatchTable();
  for await (const [quantum, key] of keyedQuanta(a, dimensions[0])) {
    quantaOfA.add(key, quantum.status);
    tasks.get(quantum.taskLabel).count(0, quantum);
  }
  quantaOfA.sort();
  for await (const [quantum, key] of keyedQuanta(b, dimensions[1])) {
    const task = tasks.get(quantum.taskLabel);
    task.count(1, quantum);
    const oldStatus = quantaOfA.match(key);
    const { order, status } = quantum;
    if (oldStatus === null) {
      task.addOnly(1, order, () => listed(quantum, dimensions[1]));
    } else if (oldStatus !== status && oldStatus !== PLANNED && status !== PLANNED) {
      task.addChanged(order, () => ({ ...listed(quantum, dimensions[1]), oldStatus }));
    }
  }
  if (quantaOfA.nUnmatched > 0) {
    let i = 0;
    for await (const quantum of comparedQuanta(a, dimensions[0])) {
      if (quantaOfA.wasMatched(i++)) continue;
      tasks.get(quantum.taskLabel).addOnly(
        0,
        quantum.order,
        () => listed(quantum, dimensions[0]),
      );
    }
  }
  const result = tasks.all.map((task) => task.finish());
  return { names: [a.name, b.name], tasks: result, isDifferent: result.some(isTaskDifferent) };
}

/** Whether quanta, statuses or exceptions of a task differ. */
export function isTaskDifferent({ nChanged, nOnly, exceptions }: TaskDiff): boolean {
  return nChanged > 0 || nOnly[0] > 0 || nOnly[1] > 0 ||
    [...exceptions.values()].some(([a, b]) => a !== b);
}

/** Quanta by the table where there is one, else by documents. */
async function* comparedQuanta(
  source: DocumentSource,
  dimensions: RowDimensions,
): AsyncGenerator<ComparedQuantum> {
  const tabled = await source.tabled?.() ?? null;
  if (tabled !== null) return yield* tabledQuanta(tabled.table, dimensions);
  let order = 0;
  for await (const text of source.quanta()) {
    const quantum = parseStored(`quantum in ${source.name}`, () => readQuantum(text));
    const last = quantum.attempts.at(-1);
    yield {
      taskLabel: quantum.taskLabel,
      status: source.isPlan ? PLANNED : lastStatusName(quantum),
      exception: last?.exception?.typeName ?? null,
      runTime: last?.usage?.runTime ?? NaN,
      memory: last?.usage?.memory ?? NaN,
      dataCoordinate: quantum.dataCoordinate,
      quantumId: quantum.quantumId,
      order: order++,
    };
  }
}

/** Quanta with their keys, which are made for so many at a time, as digests are waited for. */
async function* keyedQuanta(
  source: DocumentSource,
  dimensions: RowDimensions,
): AsyncGenerator<[quantum: ComparedQuantum, key: Uint8Array]> {
  let waiting: ComparedQuantum[] = [];
  const keyed = async function* (): AsyncGenerator<[ComparedQuantum, Uint8Array]> {
    const keys = await Promise.all(waiting.map((quantum) => keyOf(quantum, dimensions)));
    for (const [i, quantum] of waiting.entries()) yield [quantum, keys[i]];
    waiting = [];
  };
  for await (const quantum of comparedQuanta(source, dimensions)) {
    if (waiting.push(quantum) === N_KEYED) yield* keyed();
  }
  yield* keyed();
}

/** 16 bytes that stand for task and data ID: a digest, so that two don't meet by chance. */
async function keyOf(quantum: ComparedQuantum, { groups }: RowDimensions): Promise<Uint8Array> {
  const nRequired = groups.get(quantum.taskLabel)?.required.length ?? quantum.dataCoordinate.length;
  const required = quantum.dataCoordinate.slice(0, nRequired);
  const text = encoder.encode(`${quantum.taskLabel}\0${stringifyJson(required)}`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text), 0, UUID_SIZE);
}

function listed(quantum: ComparedQuantum, { groups }: RowDimensions): DiffQuantum {
  const group = groups.get(quantum.taskLabel);
  return {
    dataId: dataIdObject(group, quantum.dataCoordinate),
    requiredDimensions: group?.required ?? [],
    quantumId: quantum.quantumId,
    status: quantum.status === PLANNED ? null : quantum.status,
  };
}

/** Quanta of A in their order: key, status, and whether B has them. */
class MatchTable {
  readonly #keys = new IdList();
  readonly #statuses: string[] = [];
  #codes = new Uint8Array(1024);
  #order: Uint32Array = new Uint32Array(0);
  #wasMatched = new Uint8Array(0);
  nUnmatched = 0;

  add(key: Uint8Array, status: string): void {
    const i = this.#keys.n;
    this.#keys.push(key);
    let code = this.#statuses.indexOf(status);
    if (code < 0) code = this.#statuses.push(status) - 1;
    if (i === this.#codes.length) {
      const larger = new Uint8Array(i * 2);
      larger.set(this.#codes);
      this.#codes = larger;
    }
    this.#codes[i] = code;
  }

  /** To be called once, behind the last {@linkcode add}. */
  sort(): void {
    const { n, bytes } = this.#keys;
    this.#order = sortIds(bytes, idPlaces(n));
    this.#wasMatched = new Uint8Array(n);
    this.nUnmatched = n;
  }

  /** Status of the quantum with a key, which counts as matched; null if there is none. */
  match(key: Uint8Array): string | null {
    const i = findId(this.#keys.bytes, this.#order, key);
    if (i < 0) return null;
    if (this.#wasMatched[i] === 0) this.nUnmatched--;
    this.#wasMatched[i] = 1;
    return this.#statuses[this.#codes[i]];
  }

  /** Whether B has the quantum that came as number `i`. */
  wasMatched(i: number): boolean {
    return this.#wasMatched[i] === 1;
  }
}

/** Numbers of which the median is wanted. */
class Sample {
  #values = new Float64Array(64);
  #n = 0;

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    if (this.#n === this.#values.length) {
      const larger = new Float64Array(this.#n * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#n++] = value;
  }

  /** Mean of the two in the middle, if their number is even; null for none. */
  median(): number | null {
    if (this.#n === 0) return null;
    const sorted = this.#values.subarray(0, this.#n).sort();
    const middle = this.#n >>> 1;
    return this.#n % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}

/** The first of many in the order of documents, in whatever order they come. */
class FirstListed<Item> {
  readonly #limit: number;
  readonly #kept: { order: number; item: Item }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param make is called for one that may be listed. */
  add(order: number, make: () => Item): void {
    const kept = this.#kept;
    if (kept.length >= this.#limit && (kept.at(-1)?.order ?? -1) < order) return;
    let at = kept.length;
    while (at > 0 && kept[at - 1].order > order) at--;
    kept.splice(at, 0, { order, item: make() });
    if (kept.length > this.#limit) kept.pop();
  }

  items(): Item[] {
    return this.#kept.map(({ item }) => item);
  }
}

/** Counts by name on both sides, in the order in which names occur in documents: A first. */
class NameCounts {
  readonly #counts = new Map<string, { pair: Pair<number>; first: Pair<number> }>();

  add(name: string, side: 0 | 1, order: number): void {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      this.#counts.set(name, counts = { pair: [0, 0], first: [Infinity, Infinity] });
    }
    counts.pair[side]++;
    counts.first[side] = Math.min(counts.first[side], order);
  }

  pairs(): Map<string, Pair<number>> {
    const later = (a: number, b: number) => a === b ? 0 : a < b ? -1 : 1;
    return new Map(
      [...this.#counts]
        .sort(([, a], [, b]) => later(a.first[0], b.first[0]) || later(a.first[1], b.first[1]))
        .map(([name, { pair }]) => [name, pair]),
    );
  }
}

class TaskTally {
  readonly #task: string;
  readonly #nQuanta: Pair<number> = [0, 0];
  readonly #statuses = new NameCounts();
  readonly #exceptions = new NameCounts();
  #nChanged = 0;
  readonly #changed: FirstListed<ChangedQuantum>;
  readonly #nOnly: Pair<number> = [0, 0];
  readonly #only: Pair<FirstListed<DiffQuantum>>;
  readonly #runTime: Pair<Sample> = [new Sample(), new Sample()];
  readonly #memory: Pair<Sample> = [new Sample(), new Sample()];

  constructor(task: string, maxListed: number) {
    this.#task = task;
    this.#changed = new FirstListed(maxListed);
    this.#only = [new FirstListed(maxListed), new FirstListed(maxListed)];
  }

  count(side: 0 | 1, { status, exception, runTime, memory, order }: ComparedQuantum): void {
    this.#nQuanta[side]++;
    if (status !== PLANNED) this.#statuses.add(status, side, order);
    if (exception !== null) this.#exceptions.add(exception, side, order);
    this.#runTime[side].add(runTime);
    this.#memory[side].add(memory);
  }

  addOnly(side: 0 | 1, order: number, make: () => DiffQuantum): void {
    this.#nOnly[side]++;
    this.#only[side].add(order, make);
  }

  addChanged(order: number, make: () => ChangedQuantum): void {
    this.#nChanged++;
    this.#changed.add(order, make);
  }

  finish(): TaskDiff {
    return {
      task: this.#task,
      nQuanta: this.#nQuanta,
      statuses: this.#statuses.pairs(),
      nChanged: this.#nChanged,
      changed: this.#changed.items(),
      nOnly: this.#nOnly,
      only: [this.#only[0].items(), this.#only[1].items()],
      exceptions: this.#exceptions.pairs(),
      runTime: [this.#runTime[0].median(), this.#runTime[1].median()],
      memory: [this.#memory[0].median(), this.#memory[1].median()],
    };
  }
}

class TaskTallies {
  readonly #byLabel: Map<string, TaskTally>;
  readonly #maxListed: number;

  constructor(labels: readonly string[], maxListed: number) {
    this.#maxListed = maxListed;
    this.#byLabel = new Map(labels.map((label) => [label, new TaskTally(label, maxListed)]));
  }

  get(label: string): TaskTally {
    let task = this.#byLabel.get(label);
    if (task === undefined) {
      this.#byLabel.set(label, task = new TaskTally(label, this.#maxListed));
    }
    return task;
  }

  get all(): TaskTally[] {
    return [...this.#byLabel.values()];
  }
}
