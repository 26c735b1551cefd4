/**
 * Waiting for a locked database: in slices, so that the thread that waits still sees signals and
 * messages, and not in silence.
 *
 * @module
 */

import { EnvironmentError, InterruptedError, stopReason } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { nextTurn } from "../../base/next_turn.ts";

/** How whoever opens a registry wants to wait for the locks of others. */
export interface LockWaitOptions {
  /** How long in all, milliseconds; default {@linkcode DEFAULT_BUSY_TIMEOUT_MS}. */
  busyTimeoutMs?: number;
  /** Is told what is waited for, when that takes longer than a moment. */
  log?: Log;
  /** Ends the wait for the opening, where nothing has begun yet. */
  signal?: AbortSignal;
  /** Tells the time; injected by tests. */
  now?: () => Date;
}

/** How long is waited for a lock where nothing else is said, milliseconds. */
export const DEFAULT_BUSY_TIMEOUT_MS = 300_000;

/** Waits shorter than this are nobody's business, milliseconds. */
const FIRST_NOTICE_MS = 1000;
/** Between two lines about the same wait, milliseconds. */
export const NEXT_NOTICE_MS = 60_000;

/**
 * Result of work that may find a database locked; then it is tried again until the timeout has passed.
 * Between two tries the event loop turns.
 *
 * @param what is waited for: `registry "/repo/gen3.sqlite3"`.
 * @param work Blocks for a fraction of a second at most where it finds a lock, and has no effect then.
 * @param isLocked Whether an error says that somebody holds a lock.
 * @throws what `work` throws, once the timeout has passed or if it is about anything else.
 * @throws {InterruptedError} when `options.signal` is aborted.
 */
export async function untilUnlocked<T>(
  what: string,
  work: () => T | Promise<T>,
  isLocked: (error: unknown) => boolean,
  options: LockWaitOptions,
): Promise<T> {
  const { busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, now = () => new Date() } = options;
  let begin: Date | null = null;
  let noticeMs = FIRST_NOTICE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error)) throw error;
      begin ??= now();
      const waitedMs = now().getTime() - begin.getTime();
      if (waitedMs >= busyTimeoutMs) throw waitedFor(error, waitedMs);
      if (waitedMs >= noticeMs) {
        noticeMs = waitedMs + NEXT_NOTICE_MS;
        options.log?.log("WARNING", waitText(what, begin, busyTimeoutMs));
      }
    }
    await nextTurn();
    if (options.signal?.aborted) throw stopped(what, options.signal);
  }
}

/** What is said about a wait. */
export function waitText(what: string, begin: Date, busyTimeoutMs: number): string {
  const seconds = busyTimeoutMs / 1000;
  return `Waiting since ${
    begin.toISOString().slice(0, 19)
  }Z for ${what}: another process holds a ` +
    `lock on it (--busy-timeout ${seconds}).`;
}

/** The error with the time that was waited for nothing. */
function waitedFor(error: unknown, waitedMs: number): unknown {
  if (!(error instanceof EnvironmentError) || waitedMs < FIRST_NOTICE_MS) return error;
  return new EnvironmentError(`${error.message}, for ${Math.round(waitedMs / 1000)} s`, {
    cause: error.cause,
    hint: `${error.hint}; --busy-timeout says how long to wait`,
  });
}

function stopped(what: string, signal: AbortSignal): InterruptedError {
  const reason = stopReason(signal);
  return new InterruptedError(`Stopped by ${reason.signal} while waiting for ${what}`, reason, {
    hint: "nothing has been changed; run the same command again",
  });
}
