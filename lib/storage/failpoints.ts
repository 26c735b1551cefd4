/**
 * Named places between two durable effects, where a test can kill the process or make an effect fail.
 * They are compiled in; switched off, one costs a comparison. `schema/resume.md` tells of each what is
 * on disk and in the database there and what a rerun does; a test keeps that table equal to this list.
 *
 * @module
 */

import { nodeProcess } from "../base/node_modules.ts";

/** Environment variable that arms failpoints: `NAME[:N]=ACTION`, several joined by commas. */
export const FAILPOINTS_VARIABLE = "PROVGRAPH_FAILPOINTS";

/** Environment variable with the path of the file for action `trace`. */
const TRACE_VARIABLE = "PROVGRAPH_FAILPOINT_TRACE";

/** Every failpoint, in the order in which a run comes by. */
export const FAILPOINTS = [
  "lock.drafted",
  "aggregate.locked",
  "aggregate.types-registered",
  "aggregate.run-registered",
  "chunks.created",
  "chunks.header-written",
  "chunks.continued",
  "chunks.before-append",
  "chunks.half-appended",
  "chunks.appended",
  "chunks.synced",
  "import.before-commit",
  "import.committed",
  "aggregate.chain-updated",
  "finish.created",
  "finish.half-written",
  "finish.written",
  "finish.synced",
  "file.renamed",
  "finish.directory-synced",
  "finish.chunks-removed",
  "aggregate.before-unlock",
  "ingest.locked",
  "forget.before-commit",
  "forget.committed",
  "transfer.directory-made",
  "transfer.copied",
  "transfer.placed",
  "transfer.named",
  "transfer.done",
  "ingest.type-registered",
  "backed.before-commit",
  "backed.committed",
  "delete.before",
  "delete.one",
  "delete.batch",
  "directories.before",
  "directories.one",
  "directories.done",
  "source.before-delete",
  "source.deleted",
  "undo.restored",
  "undo.switched",
  "undo.unregistered",
  "undo.graph-moved",
] as const;

/** One of {@linkcode FAILPOINTS}. */
export type FailpointName = typeof FAILPOINTS[number];

/**
 * What happens at an armed failpoint: the process is killed (SIGKILL), the effect fails with a system
 * error, the process gets a signal and goes on, gets SIGTERM and this thread stands still (`stall`, for
 * workers only), the process is stopped until it gets SIGCONT (`stop`), this thread pauses for as many
 * milliseconds as the number of the failpoint says (`pause`, every time), or its name is appended to the file of {@linkcode TRACE_VARIABLE} (`trace`, every time).
 */
const FAILPOINT_ACTIONS = [
  "kill",
  "eio",
  "enospc",
  "int",
  "term",
  "stall",
  "stop",
  "pause",
  "trace",
] as const;
type Action = typeof FAILPOINT_ACTIONS[number];

/** How long a worker that raised a signal waits before it goes on. */
const NOTICE_MS = 250;

interface Armed {
  action: Action;
  /** Passes left until it strikes. */
  nLeft: number;
}

// The one piece of state of a module in this project: each thread is armed once, at its start.
let armed: Map<FailpointName, Armed> | null = null;

/**
 * Arms failpoints of this thread.
 *
 * @param text Value of the environment variable; undefined or empty arms none.
 * @throws {SyntaxError} if a name or action is unknown.
 */
export function armFailpoints(text: string | undefined): void {
  armed = null;
  if (text === undefined || text === "") return;
  const points = new Map<FailpointName, Armed>();
  for (const item of text.split(",")) {
    const match = /^([a-z.-]+)(?::(\d+))?=([a-z]+)$/.exec(item.trim());
    const name = FAILPOINTS.find((known) => known === match?.[1]);
    const action = FAILPOINT_ACTIONS.find((known) => known === match?.[3]);
    if (name === undefined || action === undefined) {
      throw new SyntaxError(`Cannot arm failpoint "${item}": unknown name or action`);
    }
    points.set(name, { action, nLeft: Number(match?.[2] ?? 1) });
  }
  armed = points;
}

/** A place where a test may strike. */
export function failpoint(name: FailpointName): void {
  if (armed !== null) strike(name);
}

/** Whether a failpoint is armed and its turn has come; for places that must act before they fail. */
export function isFailpointDue(name: FailpointName): boolean {
  return armed?.get(name)?.nLeft === 1;
}

function strike(name: FailpointName): void {
  const point = armed!.get(name);
  if (point === undefined) return;
  if (point.action === "trace") {
    const path = Deno.env.get(TRACE_VARIABLE);
    if (path !== undefined) Deno.writeTextFileSync(path, `${name}\n`, { append: true });
    return;
  }
  if (point.action === "pause") {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, point.nLeft);
    return;
  }
  if (--point.nLeft !== 0) return;
  switch (point.action) {
    case "kill":
      killSelf();
      // The signal reaches another thread first; this one must not go on meanwhile.
      standStill();
      break;
    case "int":
      Deno.kill(Deno.pid, "SIGINT");
      letMainThreadNotice();
      break;
    case "term":
      Deno.kill(Deno.pid, "SIGTERM");
      letMainThreadNotice();
      break;
    case "stall":
      Deno.kill(Deno.pid, "SIGTERM");
      standStill();
      break;
    case "stop":
      Deno.kill(Deno.pid, "SIGSTOP");
      break;
    case "eio":
      throw systemError("EIO", "Input/output error (os error 5)");
    case "enospc":
      throw systemError("ENOSPC", "No space left on device (os error 28)");
  }
}

/** A binary of Deno 2.6 may not send signals, but it may end like one that failed an assertion. */
function killSelf(): void {
  try {
    Deno.kill(Deno.pid, "SIGKILL");
  } catch {
    nodeProcess().abort();
  }
}

/** Signals take a moment to arrive. The main thread itself notices them only when it goes on. */
function letMainThreadNotice(): void {
  if ("DedicatedWorkerGlobalScope" in globalThis) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NOTICE_MS);
  }
}

function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
