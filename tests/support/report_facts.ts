/**
 * What a report must say, computed from the reference's dump of the graph (`dump_graph.py`).
 *
 * @module
 */

/** A quantum of a dump. */
interface DumpedQuantum {
  quantum_id: string;
  task_label: string;
  status: string;
  caveats: number | null;
  data_id: Record<string, string | number>;
  attempts: {
    status: number;
    exception: { type_name: string; message: string } | null;
    resource_usage: {
      memory: number;
      start: string;
      prep_time: number;
      init_time: number;
      run_time: number;
      run_time_cpu: number;
    } | null;
  }[];
}

/** Facts of one task. */
export interface TaskFacts {
  nQuanta: number;
  byStatus: Record<string, number>;
  nCaveats: number;
  nRetried: number;
  nAttempts: number;
  /** Of every attempt that recorded them, ascending. */
  runTimes: number[];
  memories: number[];
  cpuTime: number;
  /** Run time of attempts that didn't succeed, each at least 0. */
  lostTime: number;
  /** Microseconds since 1970, in the order of the dump. */
  starts: number[];
  ends: number[];
}

/** Facts of a run. */
export interface RunFacts {
  tasks: Map<string, TaskFacts>;
  /** Ids of quanta whose last attempt failed in any way. */
  failed: Set<string>;
  /** `TASK EXCEPTION` to failed and successful quanta, and earlier attempts. */
  exceptions: Map<string, [nFailed: number, nSuccessful: number, nEarlier: number]>;
  /** Data IDs by quantum id. */
  dataIds: Map<string, Record<string, string | number>>;
}

/** Facts out of a parsed dump. */
export function reportFacts(dump: unknown): RunFacts {
  const { quanta, header } = dump as {
    quanta: DumpedQuantum[];
    header: { n_task_quanta: Record<string, number> };
  };
  const facts: RunFacts = {
    tasks: new Map(),
    failed: new Set(),
    exceptions: new Map(),
    dataIds: new Map(),
  };
  for (const [label, n] of Object.entries(header.n_task_quanta)) {
    if (n === 0) continue;
    facts.tasks.set(label, {
      nQuanta: 0,
      byStatus: {},
      nCaveats: 0,
      nRetried: 0,
      nAttempts: 0,
      runTimes: [],
      memories: [],
      cpuTime: 0,
      lostTime: 0,
      starts: [],
      ends: [],
    });
  }
  for (const quantum of quanta) {
    const task = facts.tasks.get(quantum.task_label)!;
    const { attempts, status } = quantum;
    facts.dataIds.set(quantum.quantum_id, quantum.data_id);
    task.nQuanta++;
    task.byStatus[status] = (task.byStatus[status] ?? 0) + 1;
    if (quantum.caveats) task.nCaveats++;
    if (attempts.length > 1) task.nRetried++;
    task.nAttempts += attempts.length;
    if (status !== "SUCCESSFUL" && status !== "BLOCKED") facts.failed.add(quantum.quantum_id);
    attempts.forEach(({ status, exception, resource_usage }, i) => {
      if (resource_usage !== null) {
        task.runTimes.push(resource_usage.run_time);
        task.memories.push(resource_usage.memory);
        task.cpuTime += resource_usage.run_time_cpu;
        if (status !== 1) task.lostTime += Math.max(0, resource_usage.run_time);
        const { start, prep_time, init_time, run_time } = resource_usage;
        const [, seconds, fraction = "0"] = /^(.{19})(?:\.(\d{6}))?Z$/.exec(start)!;
        const startMicros = Date.parse(`${seconds}Z`) * 1000 + Number(fraction);
        task.starts.push(startMicros);
        const micros = Math.round((prep_time + init_time + run_time) * 1e6);
        task.ends.push(startMicros + Math.max(0, micros));
      }
      if (status === 1 && exception === null) return;
      const key = `${quantum.task_label} ${exception?.type_name ?? null}`;
      const counts = facts.exceptions.get(key) ?? [0, 0, 0];
      counts[i < attempts.length - 1 ? 2 : status === 1 ? 1 : 0]++;
      facts.exceptions.set(key, counts);
    });
  }
  for (const { runTimes, memories } of facts.tasks.values()) {
    runTimes.sort((a, b) => a - b);
    memories.sort((a, b) => a - b);
  }
  return facts;
}

/** Sum over tasks. */
export function total({ tasks }: RunFacts, of: (task: TaskFacts) => number): number {
  return [...tasks.values()].reduce((sum, task) => sum + of(task), 0);
}
