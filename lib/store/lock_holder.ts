/**
 * What a lock file says of the process that holds it. It is for people first; as an identity it counts
 * only as a whole: boot of the kernel, PID namespace, number and start of the process.
 *
 * @module
 */

import { exists } from "./durable_file.ts";

/** Content of a lock file, JSON. Unknown keys are ignored. */
export interface LockHolder {
  /** Host name. */
  host: string;
  /** Process id on that host. */
  pid: number;
  /** Random id of the boot of the kernel, null if unknown: another one is another host, or another boot. */
  boot: string | null;
  /** PID namespace of the process, null if unknown: in another one its pid says nothing. */
  pidNamespace: string | null;
  /** When the process started, in clock ticks since boot (as text), null if unknown. */
  processStart: string | null;
  /** When the lock was taken, ISO 8601, UTC. */
  since: string;
  /** Whether the process keeps an advisory lock on the file, which ends with it. */
  keepsAdvisory: boolean;
}

/** How the text of every lock begins. */
const BEGINNING = '{"host":';
/** Start time of a process that has ended. */
const ENDED = "ended";

/**
 * Whether a text is that of another file, which has the name of a lock by chance. What a power cut leaves of
 * a lock is its beginning, nothing, or zeros.
 */
export function isForeignText(text: string): boolean {
  const rest = text.replace(/\0+$/, "");
  return !rest.startsWith(BEGINNING) && !BEGINNING.startsWith(rest);
}

/** Reads the text of a lock; null if it isn't whole. */
export function parseHolder(text: string): LockHolder | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { host, pid, boot, pidNamespace, processStart, since, keepsAdvisory } = value as Partial<
    LockHolder
  >;
  if (typeof host !== "string" || !Number.isInteger(pid) || pid! <= 0) return null;
  return {
    host,
    pid: pid!,
    boot: typeof boot === "string" ? boot : null,
    pidNamespace: typeof pidNamespace === "string" ? pidNamespace : null,
    processStart: typeof processStart === "string" ? processStart : null,
    since: typeof since === "string" ? since : "an unknown time",
    keepsAdvisory: keepsAdvisory === true,
  };
}

/** What a lock of this process says. */
export function describeSelf(): LockHolder {
  return {
    host: Deno.hostname(),
    pid: Deno.pid,
    boot: readBoot(),
    pidNamespace: ownPidNamespace(),
    processStart: processStart(Deno.pid),
    since: new Date().toISOString(),
    keepsAdvisory: false,
  };
}

/**
 * Whether an advisory lock that can be had says that nobody holds the lock: no other host can have it, or who
 * wrote the text ran under this boot of this kernel and did keep the advisory lock.
 *
 * @param holder What the text says; null if it isn't whole.
 * @param isLocal Whether this kernel alone uses the file system.
 */
export function isConclusive(
  holder: LockHolder | null,
  own: LockHolder,
  isLocal: boolean,
): boolean {
  if (holder !== null && !holder.keepsAdvisory) return false;
  return isLocal || (holder !== null && holder.boot !== null && holder.boot === own.boot);
}

/** Whether it is certain, without asking an advisory lock, that the holder no longer runs. */
export function isGone(holder: LockHolder, own: LockHolder): boolean {
  if (!isVisible(holder, own)) return false;
  const start = processStart(holder.pid);
  // Processes of other users may be hidden from the file system, so the system is asked directly.
  if (start === null) return !exists(holder.pid);
  return start === ENDED || (holder.processStart !== null && start !== holder.processStart);
}

/** Whether it is certain that the holder runs. */
export function isRunning(holder: LockHolder, own: LockHolder): boolean {
  return isVisible(holder, own) && holder.processStart !== null &&
    processStart(holder.pid) === holder.processStart;
}

/** Whether the holder's number means the same process to this one: one kernel, one boot, one namespace. */
function isVisible(holder: LockHolder, own: LockHolder): boolean {
  return own.boot !== null && holder.boot === own.boot &&
    own.pidNamespace !== null && holder.pidNamespace === own.pidNamespace &&
    // Without a start of its own this process can't see others either.
    own.processStart !== null;
}

/** Source: `random(4)` of Linux; other systems have none. */
function readBoot(): string | null {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return null;
  }
}

function ownPidNamespace(): string | null {
  try {
    return Deno.readLinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

/**
 * Start of a process in clock ticks since boot: field 22 of `/proc/<pid>/stat`. Null if that can't be
 * read; {@linkcode ENDED} if the process has ended and only waits to be noticed (state Z or X).
 */
function processStart(pid: number): string | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    return null;
  }
  // Field 2, the command, is in parentheses and may contain anything, so count from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[22 - 3]];
  return state === "Z" || state === "X" ? ENDED : start ?? null;
}
