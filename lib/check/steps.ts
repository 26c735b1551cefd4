/**
 * How far a check is: the passes that take long, with what each has done.
 *
 * @module
 */

import { type Progress, SILENT_PROGRESS, type Stage, type Watch } from "../base/progress.ts";

/** What is passed over: the bytes of files, those of blocks to be decoded, the parts of a repository. */
type CheckStep = "read" | "decode" | "list" | "query" | "compare";

const UNITS: Readonly<Record<CheckStep, string>> = {
  read: "bytes",
  decode: "bytes",
  list: "files",
  query: "datasets",
  compare: "datasets",
};

/** Calls of {@linkcode CheckSteps.advance} between two looks at the clock. */
const ADVANCES_PER_LOOK = 256;

/** Counts the passes of one check. */
export class CheckSteps implements Disposable {
  readonly #stages = new Map<CheckStep, Stage>();
  readonly #watch: Watch;
  #nAdvances = 0;

  constructor(progress: Progress = SILENT_PROGRESS) {
    this.#watch = progress.watch(() => [...this.#stages.values()]);
  }

  /** Begins a pass, or another one of its kind. @param n what it has to do; null if nobody knows. */
  begin(step: CheckStep, n: number | null): void {
    const stage = this.#stages.get(step);
    if (stage === undefined) {
      const unit = UNITS[step];
      this.#stages.set(step, { name: step, unit, nDone: 0, nTotal: n, state: "running" });
    } else {
      stage.state = "running";
      stage.nTotal = stage.nTotal === null || n === null ? null : stage.nTotal + n;
    }
    this.#watch.update();
  }

  /** Counts what has been done. */
  advance(step: CheckStep, n: number): void {
    const stage = this.#stages.get(step);
    if (stage === undefined) return;
    stage.nDone += n;
    if (++this.#nAdvances % ADVANCES_PER_LOOK === 0) this.#watch.update();
  }

  /** Ends a pass. */
  end(step: CheckStep): void {
    const stage = this.#stages.get(step);
    if (stage === undefined) return;
    stage.state = "done";
    this.#watch.update();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}
