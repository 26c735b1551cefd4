/**
 * Times that no execution can have had: clocks are set back, or stand at 1970 or far ahead after a restart.
 * Added up, one of them would be all that a report shows.
 *
 * @module
 */

import { parseIsoTime } from "../base/iso_time.ts";

/** No quantum was executed before 2000, microseconds since 1970. */
const EARLIEST = Date.UTC(2000, 0) * 1000;
/** How long after its graph was built a quantum may be executed, microseconds: ten years. */
const LONGEST_WAIT = 10 * 366 * 86_400e6;
/** Longest step of one quantum, seconds: a year. */
const LONGEST_STEP = 366 * 86_400;
/**
 * Shortest step, seconds. Clocks are put right by fractions of a second all the time; what that adds to a
 * sum, or takes from it, is too little to leave an attempt out for.
 */
export const SHORTEST_STEP = -1;

/** Figures of an attempt that are looked at; NaN or null for what isn't known. */
interface AttemptTimes {
  /** Microseconds since 1970. */
  startMicros: number | null;
  prepSeconds: number;
  initSeconds: number;
  runSeconds: number;
}

/**
 * The time after which no quantum of a graph can have been executed, microseconds since 1970.
 *
 * @param timestamp When the graph was built, as its header has it; unknown times give no bound.
 */
export function latestStart(timestamp: string): number {
  const built = parseIsoTime(timestamp);
  return built === null ? Infinity : built + LONGEST_WAIT;
}

/** Whether a step ends a second before it begins, takes more than a year, or begins when it can't have. */
export function hasOddTimes(times: AttemptTimes, latest: number): boolean {
  const { startMicros, prepSeconds, initSeconds, runSeconds } = times;
  return isOddStart(startMicros ?? NaN, latest) || isOddStep(prepSeconds) ||
    isOddStep(initSeconds) || isOddStep(runSeconds);
}

/** Whether an attempt can't have begun then, microseconds since 1970. */
export function isOddStart(startMicros: number, latest: number): boolean {
  return startMicros < EARLIEST || startMicros > latest;
}

/** Whether a step can't have taken so long, or so short. */
export function isOddStep(seconds: number): boolean {
  return seconds <= SHORTEST_STEP || seconds > LONGEST_STEP;
}

/** Says that attempts were left out. */
export function oddTimesText(n: number): string {
  return `${n} ${
    n === 1 ? "attempt has" : "attempts have"
  } impossible times, as of a clock that was ` +
    "set; no time of theirs is counted";
}
