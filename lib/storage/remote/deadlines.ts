/**
 * Ends of requests that make no progress. All requests of one way to a server share one timer: a timer for
 * each piece of each of them costs as much as reading it.
 *
 * @module
 */

/** When a request is given up, milliseconds. */
export interface DeadlineRules {
  /** Until the answer begins. */
  answerMs: number;
  /** Between two pieces of a body. */
  pieceMs: number;
  /** Until the body has ended. */
  wholeMs: number;
}

/** Looks at the clock for each shortest time that a rule gives, but at least so often; milliseconds. */
const LONGEST_LOOK_MS = 1000;
const LOOKS_PER_RULE = 10;

/** Deadlines of requests under way. */
export class Deadlines {
  readonly #rules: DeadlineRules;
  readonly #outer: AbortSignal | undefined;
  readonly #open = new Set<Deadline>();
  readonly #lookMs: number;
  #timer: ReturnType<typeof setInterval> | null = null;
  readonly #stop = () => {
    for (const deadline of this.#open) deadline.abort();
  };

  /** @param outer Ends all of them. */
  constructor(rules: DeadlineRules, outer: AbortSignal | undefined) {
    this.#rules = rules;
    this.#outer = outer;
    const shortest = Math.min(rules.answerMs, rules.pieceMs, rules.wholeMs);
    this.#lookMs = Math.min(LONGEST_LOOK_MS, shortest / LOOKS_PER_RULE);
  }

  /** Begins a request; {@linkcode end} must follow. */
  begin(): Deadline {
    const deadline = new Deadline(this.#rules, performance.now());
    if (this.#outer?.aborted) deadline.abort();
    if (this.#open.size === 0) {
      this.#timer = setInterval(() => this.#look(), this.#lookMs);
      this.#outer?.addEventListener("abort", this.#stop);
    }
    this.#open.add(deadline);
    return deadline;
  }

  end(deadline: Deadline): void {
    this.#open.delete(deadline);
    if (this.#open.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#outer?.removeEventListener("abort", this.#stop);
  }

  #look(): void {
    const nowMs = performance.now();
    for (const deadline of this.#open) deadline.look(nowMs);
  }
}

/** One request. */
export class Deadline {
  readonly #rules: DeadlineRules;
  readonly #controller = new AbortController();
  readonly #wholeMs: number;
  #nextMs: number;
  hasPassed = false;

  constructor(rules: DeadlineRules, nowMs: number) {
    this.#rules = rules;
    this.#nextMs = nowMs + rules.answerMs;
    this.#wholeMs = nowMs + rules.wholeMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came. @param nPieces As how many pieces the next may take its time. */
  progress(nPieces = 1): void {
    this.#nextMs = performance.now() + nPieces * this.#rules.pieceMs;
  }

  look(nowMs: number): void {
    if (nowMs < Math.min(this.#nextMs, this.#wholeMs) || this.hasPassed) return;
    this.hasPassed = true;
    this.#controller.abort(new DOMException("it takes too long", "TimeoutError"));
  }

  abort(): void {
    this.#controller.abort();
  }
}
