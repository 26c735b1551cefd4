/**
 * A pager that runs beside a command.
 *
 * @module
 */

/** A pager that runs. */
export interface PagerProcess {
  /** Settles when it has taken the text. @throws {Error} if it has ended. */
  write(text: string): Promise<void>;
  /** Closes its input and waits until the user leaves it. */
  end(): Promise<void>;
}
