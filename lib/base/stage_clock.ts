/**
 * How long the stages of a command take.
 *
 * @module
 */

/** Wall time of stages, one of which is going on at a time; a stage may be entered again. */
export class StageClock<Stage extends string> {
  readonly #now: () => number;
  readonly #seconds: Record<Stage, number>;
  #stage: Stage | null = null;
  #sinceMs = 0;

  /**
   * @param stages All stages; each begins with nothing.
   * @param now Time in milliseconds, from any origin, never going back.
   */
  constructor(stages: readonly Stage[], now: () => number = () => performance.now()) {
    this.#now = now;
    this.#seconds = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>;
  }

  /** Ends the stage that is going on and begins another, or none. */
  enter(stage: Stage | null): void {
    const now = this.#now();
    if (this.#stage !== null) this.#seconds[this.#stage] += (now - this.#sinceMs) / 1000;
    this.#stage = stage;
    this.#sinceMs = now;
  }

  /** The stage that is going on. */
  get stage(): Stage | null {
    return this.#stage;
  }

  /** Seconds of each stage until now. */
  seconds(): Record<Stage, number> {
    this.enter(this.#stage);
    return { ...this.#seconds };
  }
}
