/**
 * What becomes of each quantum.
 *
 * @module
 */

import { RandomStream, type SimulatedRun } from "./run.ts";
import { SeededRandom } from "./random.ts";

/** Fates of a quantum. */
export const Outcome = {
  /** Something upstream failed: nothing was run. */
  BLOCKED: 0,
  SUCCESSFUL: 1,
  /** Failed, was tried again and succeeded. */
  RETRIED: 2,
  /** Failed twice, then succeeded. */
  RETRIED_TWICE: 3,
  /** Succeeded with an error that cost some outputs. */
  PARTIAL: 4,
  /** Failed, with one attempt. */
  FAILED: 5,
  /** Failed, was tried again and failed. */
  FAILED_TWICE: 6,
  /** Killed: left neither log nor metadata. */
  KILLED: 7,
} as const;

/** One of the values of {@linkcode Outcome}. */
export type Outcome = typeof Outcome[keyof typeof Outcome];

/** Shares of the mishaps; what is left of 1 is `FAILED`. */
const MISHAPS: readonly (readonly [Outcome, number])[] = [
  [Outcome.RETRIED, 0.35],
  [Outcome.RETRIED_TWICE, 0.1],
  [Outcome.PARTIAL, 0.2],
  [Outcome.FAILED_TWICE, 0.15],
  [Outcome.KILLED, 0.05],
];

/** Whether quanta downstream of this one are run. */
export function isSuccess(outcome: Outcome): boolean {
  return outcome >= Outcome.SUCCESSFUL && outcome <= Outcome.PARTIAL;
}

/** Generator of everything random about one quantum, whatever was asked of others before. */
export function quantumRandom(run: SimulatedRun, ordinal: number): SeededRandom {
  return new SeededRandom(run.seed, RandomStream.QUANTA + ordinal);
}

/**
 * Decides all outcomes, by the number of the quantum among all.
 *
 * @param failFraction share, 0 to 1, of the quanta that are run and meet a mishap.
 */
export function decideOutcomes(run: SimulatedRun, failFraction: number): Uint8Array {
  const outcomes = new Uint8Array(run.nQuanta);
  for (const quanta of run.tasks) {
    for (let i = 0; i < quanta.n; i++) {
      let isBlocked = false;
      for (const [producer, index] of run.predecessors(quanta, i)) {
        if (isSuccess(outcomes[producer.firstOrdinal + index] as Outcome)) continue;
        isBlocked = true;
        break;
      }
      const ordinal = quanta.firstOrdinal + i;
      outcomes[ordinal] = isBlocked ? Outcome.BLOCKED : decide(
        quantumRandom(run, ordinal),
        failFraction,
        Object.keys(quanta.task.outputs).length,
      );
    }
  }
  return outcomes;
}

function decide(random: SeededRandom, failFraction: number, nOutputs: number): Outcome {
  if (random.uniform() >= failFraction) return Outcome.SUCCESSFUL;
  let rest = random.uniform();
  for (const [outcome, share] of MISHAPS) {
    if (rest < share) {
      return outcome === Outcome.PARTIAL && nOutputs < 2 ? Outcome.RETRIED : outcome;
    }
    rest -= share;
  }
  return Outcome.FAILED;
}
