/**
 * How many requests are under way to one store at once: more while it answers, half when it is overloaded.
 * Until a store is overloaded for the first time each quick success adds one, so that the window doubles
 * with each round trip: a run of a thousand quanta would be over before one more for each round made it
 * wide. Where answers take longer the more are under way, more would only wait at the store.
 *
 * @module
 */

/** Requests at once to begin with. */
const START = 8;
/** Most requests at once of one window, and of all windows of a run. */
const MOST = 64;
const MOST_OF_RUN = 256;

/** An answer is quick if it takes at most so many times as long as the quickest. */
const QUICK = 2;

/** How a request went, as far as the window is concerned. */
type Outcome = "ok" | "overload" | "other";

/** The share of each of so many windows in the requests that a run may have under way. */
export function windowShare(nWindows: number, mostOfRun: number = MOST_OF_RUN): number {
  return Math.max(1, Math.min(MOST, Math.floor(mostOfRun / nWindows)));
}

/** Turns at a store. */
export class RequestWindow {
  readonly #most: number;
  readonly #now: () => number;
  #size: number;
  #nUnderWay = 0;
  #nGood = 0;
  #wasOverloaded = false;
  #quickestMs = Infinity;
  #lastHalvedMs = -Infinity;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param most Most requests at once.
   * @param start Requests at once to begin with.
   * @param now Clock, milliseconds.
   */
  constructor(most: number = MOST, start: number = START, now: () => number = Date.now) {
    this.#most = Math.max(1, Math.floor(most));
    this.#size = Math.min(this.#most, start);
    this.#now = now;
  }

  /** Requests at once at present. */
  get size(): number {
    return this.#size;
  }

  /** Waits for a turn; {@linkcode end} gives it back. */
  async begin(): Promise<void> {
    while (this.#nUnderWay >= this.#size) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#nUnderWay++;
  }

  /** @param tookMs How long the request was under way, milliseconds. */
  end(outcome: Outcome, tookMs: number): void {
    this.#nUnderWay--;
    if (outcome === "ok") this.#grow(tookMs);
    else if (outcome === "overload") this.#halve(tookMs);
    for (let n = this.#size - this.#nUnderWay; n > 0 && this.#waiting.length > 0; n--) {
      this.#waiting.shift()!();
    }
  }

  #grow(tookMs: number): void {
    this.#quickestMs = Math.min(this.#quickestMs, Math.max(1, tookMs));
    const isFast = !this.#wasOverloaded && tookMs <= QUICK * this.#quickestMs;
    if (!isFast && ++this.#nGood < this.#size) return;
    this.#nGood = 0;
    this.#size = Math.min(this.#most, this.#size + 1);
  }

  /** All that were under way together tell of one overload, so that they halve it once. */
  #halve(tookMs: number): void {
    this.#nGood = 0;
    this.#wasOverloaded = true;
    const nowMs = this.#now();
    if (nowMs - this.#lastHalvedMs < tookMs) return;
    this.#lastHalvedMs = nowMs;
    this.#size = Math.max(1, this.#size >> 1);
  }
}
