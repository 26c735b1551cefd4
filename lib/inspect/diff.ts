/**
 * `diff`: two graphs task by task, quanta matched by data ID. Three passes at most: over A, over B, and
 * over A again for what B doesn't have.
 *
 * Memory: 50 bytes for each quantum of A and 17 for each of B; names of tasks and exceptions.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { IdList } from "../base/id_list.ts";
import { type JsonValue, stringifyJson } from "../base/json_text.ts";
import { idPlaces, sortIds } from "../base/sort_ids.ts";
import { compareUuids, UUID_SIZE } from "../base/uuid.ts";
import { parseQuantumView, type QuantumView } from "../provenance/documents/quantum_view.ts";
import { parseStored } from "../sources/parse_stored.ts";
import { lastStatusName } from "../sources/quantum_text.ts";
import { dataIdObject, type RowDimensions } from "../sources/rows.ts";
import type { DocumentSource } from "../sources/source.ts";

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
  const tasks = new TaskTallies([...await a.taskLabels(), ...await b.taskLabels()]);
  const quantaOfA = new MatchTable();
  for await (const view of views(a)) {
    const status = statusOf(a, view);
    quantaOfA.add(keyOf(view, dimensions[0]), status);
    tasks.get(view.taskLabel).count(0, view, status);
  }
  quantaOfA.sort();
  for await (const view of views(b)) {
    const status = statusOf(b, view);
    const task = tasks.get(view.taskLabel);
    task.count(1, view, status);
    const oldStatus = quantaOfA.match(keyOf(view, dimensions[1]));
    if (oldStatus === null) task.addOnly(1, () => listed(view, status, dimensions[1]), maxListed);
    else if (oldStatus !== status && oldStatus !== PLANNED && status !== PLANNED) {
      task.addChanged(() => ({ ...listed(view, status, dimensions[1]), oldStatus }), maxListed);
    }
  }
  if (quantaOfA.nUnmatched > 0) {
    let i = 0;
    for await (const view of views(a)) {
      if (quantaOfA.wasMatched(i++)) continue;
      const status = statusOf(a, view);
      tasks.get(view.taskLabel).addOnly(0, () => listed(view, status, dimensions[0]), maxListed);
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

async function* views(source: DocumentSource): AsyncGenerator<QuantumView> {
  for await (const text of source.quanta()) {
    yield parseStored(`quantum in ${source.name}`, () => parseQuantumView(text));
  }
}

function statusOf(source: DocumentSource, view: QuantumView): string {
  return source.isPlan ? PLANNED : lastStatusName(view);
}

/** 16 bytes that stand for task and data ID: a digest, so that two don't meet by chance. */
function keyOf(view: QuantumView, { groups }: RowDimensions): Uint8Array {
  const nRequired = groups.get(view.taskLabel)?.required.length ?? view.dataCoordinate.length;
  const required = view.dataCoordinate.slice(0, nRequired);
  return createHash("sha256").update(`${view.taskLabel}\0${stringifyJson(required)}`).digest()
    .subarray(0, UUID_SIZE);
}

function listed(view: QuantumView, status: string, { groups }: RowDimensions): DiffQuantum {
  const group = groups.get(view.taskLabel);
  return {
    dataId: dataIdObject(group, view.dataCoordinate),
    requiredDimensions: group?.required ?? [],
    quantumId: view.quantumId,
    status: status === PLANNED ? null : status,
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
    const { bytes } = this.#keys;
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const i = this.#order[middle];
      const order = compareUuids(bytes, i * UUID_SIZE, key, 0);
      if (order === 0) {
        if (this.#wasMatched[i] === 0) this.nUnmatched--;
        this.#wasMatched[i] = 1;
        return this.#statuses[this.#codes[i]];
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return null;
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

  add(value: number | undefined): void {
    if (value === undefined || !Number.isFinite(value)) return;
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

class TaskTally {
  readonly #diff: TaskDiff;
  readonly #runTime: Pair<Sample> = [new Sample(), new Sample()];
  readonly #memory: Pair<Sample> = [new Sample(), new Sample()];

  constructor(task: string) {
    this.#diff = {
      task,
      nQuanta: [0, 0],
      statuses: new Map(),
      nChanged: 0,
      changed: [],
      nOnly: [0, 0],
      only: [[], []],
      exceptions: new Map(),
      runTime: [null, null],
      memory: [null, null],
    };
  }

  count(side: 0 | 1, { attempts }: QuantumView, status: string): void {
    this.#diff.nQuanta[side]++;
    if (status !== PLANNED) tally(this.#diff.statuses, status, side);
    const last = attempts.at(-1);
    if (last?.exception) tally(this.#diff.exceptions, last.exception.typeName, side);
    this.#runTime[side].add(last?.usage?.runTime);
    this.#memory[side].add(last?.usage?.memory);
  }

  addOnly(side: 0 | 1, make: () => DiffQuantum, maxListed: number): void {
    this.#diff.nOnly[side]++;
    if (this.#diff.only[side].length < maxListed) this.#diff.only[side].push(make());
  }

  addChanged(make: () => ChangedQuantum, maxListed: number): void {
    this.#diff.nChanged++;
    if (this.#diff.changed.length < maxListed) this.#diff.changed.push(make());
  }

  finish(): TaskDiff {
    return {
      ...this.#diff,
      runTime: [this.#runTime[0].median(), this.#runTime[1].median()],
      memory: [this.#memory[0].median(), this.#memory[1].median()],
    };
  }
}

function tally(counts: Map<string, Pair<number>>, name: string, side: 0 | 1): void {
  let pair = counts.get(name);
  if (pair === undefined) counts.set(name, pair = [0, 0]);
  pair[side]++;
}

class TaskTallies {
  readonly #byLabel: Map<string, TaskTally>;

  constructor(labels: readonly string[]) {
    this.#byLabel = new Map(labels.map((label) => [label, new TaskTally(label)]));
  }

  get(label: string): TaskTally {
    let task = this.#byLabel.get(label);
    if (task === undefined) this.#byLabel.set(label, task = new TaskTally(label));
    return task;
  }

  get all(): TaskTally[] {
    return [...this.#byLabel.values()];
  }
}
