/**
 * Statements that wait for the lock of another client: told, and given up after a while. A transaction has
 * the server's `lock_timeout` for that. Reading has no transaction and a setting of the session would stay
 * with a pooled connection, so another connection asks the server whether it is a lock that is waited for.
 * Behind a proxy it can't be told, and reading waits as long as the server does.
 *
 * @module
 */

import { EnvironmentError, InterruptedError, stopReason } from "../../../base/errors.ts";
import {
  DEFAULT_BUSY_TIMEOUT_MS,
  type LockWaitOptions,
  NEXT_NOTICE_MS,
  waitText,
} from "../lock_wait.ts";
import { PostgresLink } from "./link.ts";
import type { PostgresSettings } from "./postgres_settings.ts";

/** How long a statement may take before somebody asks why, milliseconds: asking takes a connection. */
const FIRST_LOOK_MS = 5000;

/** Watches over the statements of one registry. */
export class PostgresPatience {
  readonly #settings: PostgresSettings;
  readonly #options: LockWaitOptions;
  #isOpening = true;

  constructor(settings: PostgresSettings, options: LockWaitOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** From now on a signal no longer ends a wait: something has begun. */
  endOpening(): void {
    this.#isOpening = false;
  }

  /**
   * The result of a statement. When that is given up, its link is closed.
   *
   * @param isReading Whether it is given up in the end.
   * @throws {EnvironmentError} if it has waited for a lock for too long.
   * @throws {InterruptedError} if the command is to stop, while the registry is opened.
   */
  async watch<T>(link: PostgresLink, isReading: boolean, statement: Promise<T>): Promise<T> {
    const { busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS } = this.#options;
    const begin = new Date();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isDone = false;
    let noticeMs = 0;
    const givenUp = new Promise<never>((_, reject) => {
      const look = async () => {
        const isBlocked = await this.#isBlocked(link);
        if (isDone) return;
        const waitedMs = Date.now() - begin.getTime();
        if (isBlocked) {
          const end = this.#endOf(waitedMs, isReading);
          if (end !== null) {
            reject(end);
            return await link.abandon();
          }
          if (waitedMs >= noticeMs) {
            noticeMs = waitedMs + NEXT_NOTICE_MS;
            const what = `registry "${this.#settings.name}"`;
            this.#options.log?.log("WARNING", waitText(what, begin, busyTimeoutMs));
          }
        }
        // A signal is to be noticed soon.
        const pauseMs = this.#isOpening ? FIRST_LOOK_MS : NEXT_NOTICE_MS;
        const leftMs = Math.max(FIRST_LOOK_MS, busyTimeoutMs - waitedMs);
        timer = setTimeout(look, Math.min(pauseMs, leftMs));
      };
      timer = setTimeout(look, Math.min(FIRST_LOOK_MS, busyTimeoutMs));
    });
    try {
      return await Promise.race([statement, givenUp]);
    } finally {
      isDone = true;
      clearTimeout(timer);
    }
  }

  /** Why a statement that waits for a lock is given up now; null if it is not. */
  #endOf(waitedMs: number, isReading: boolean): Error | null {
    const what = `registry "${this.#settings.name}"`;
    const { signal, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS } = this.#options;
    if (this.#isOpening && signal?.aborted) {
      const reason = stopReason(signal);
      return new InterruptedError(`Stopped by ${reason.signal} while waiting for ${what}`, reason, {
        hint: "nothing has been changed; run the same command again",
      });
    }
    if (!isReading || waitedMs < busyTimeoutMs) return null;
    return new EnvironmentError(
      `Cannot read ${what}: another client holds a lock on it, for ${
        Math.round(waitedMs / 1000)
      } s`,
      {
        hint:
          "Try again when no other butler command writes to this repository; --busy-timeout says " +
          "how long to wait",
      },
    );
  }

  /** Whether the server process of a connection waits for a lock, as far as can be told. */
  async #isBlocked({ processId }: PostgresLink): Promise<boolean> {
    if (processId === null) return false;
    try {
      await using link = await PostgresLink.open(this.#settings);
      const { rows } = await link.query(
        "SELECT 1 FROM pg_catalog.pg_locks WHERE pid = $1::int AND NOT granted LIMIT 1",
        [processId],
      );
      return rows.length > 0;
    } catch {
      // No connection left, or the server is gone: the statement itself will tell.
      return false;
    }
  }
}
