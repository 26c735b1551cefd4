/**
 * Caveats of a successful quantum: a bit set. Source: `schema/quantum-graph.md`, section 8.4.
 *
 * @module
 */

const CAVEATS: readonly [bit: number, name: string][] = [
  [1, "ANY_OUTPUTS_MISSING"],
  [2, "ALL_OUTPUTS_MISSING"],
  [4, "NO_WORK"],
  [8, "ADJUST_QUANTUM_RAISED"],
  [16, "UPSTREAM_FAILURE_NO_WORK"],
  [32, "UNPROCESSABLE_DATA"],
  [64, "PARTIAL_OUTPUTS_ERROR"],
];

/** Names that a caveat can be asked for by. */
export const CAVEAT_NAMES: readonly string[] = CAVEATS.map(([, name]) => name);

/** The bit of a caveat, 0 for a name that there is not. */
export function caveatBit(name: string): number {
  return CAVEATS.find(([, known]) => known === name)?.[0] ?? 0;
}

/** Names of the caveats in a bit set. */
export function caveatNames(caveats: number): string[] {
  return CAVEATS.filter(([bit]) => (caveats & bit) !== 0).map(([, name]) => name);
}

/** What each caveat means, for people. Source: docstrings of the reference's `QuantumSuccessCaveats`. */
const MEANINGS: Readonly<Record<string, string>> = {
  ANY_OUTPUTS_MISSING: "at least one predicted output was not written",
  ALL_OUTPUTS_MISSING: "no predicted output was written, but log and metadata",
  NO_WORK: "the task found that there was no work to do (NoWorkFound)",
  ADJUST_QUANTUM_RAISED:
    "that was found before the task ran, in adjustQuantum: a graph built anew would not have this quantum",
  UPSTREAM_FAILURE_NO_WORK: "there was no work because of a failure upstream",
  UNPROCESSABLE_DATA: "the algorithm considers the data too bad to be processed",
  PARTIAL_OUTPUTS_ERROR:
    "the task raised an exception after it had written outputs, and the run counted that as a success",
};

/** Caveats of a bit set with what they mean. */
export function caveatMeanings(caveats: number): { name: string; meaning: string }[] {
  return caveatNames(caveats).map((name) => ({ name, meaning: MEANINGS[name] }));
}

/** What the signs of {@linkcode conciseCaveats} mean, in the order they are listed. */
export const CAVEAT_LEGEND: Readonly<Record<string, string>> = {
  "+": "at least one predicted output was missing, but not all were",
  "*": "all predicted outputs were missing (besides logs and metadata)",
  "A": "adjustQuantum raised NoWorkFound; a regenerated QG would not include this quantum",
  "D": "algorithm considers data too bad to be processable",
  "U": "one or more input dataset was incomplete due to an upstream failure",
  "P": "task failed but wrote partial outputs; considered a partial success",
  "N": "runQuantum raised NoWorkFound",
};

/** Letters by bit; the first that fits counts. */
const LETTERS: readonly [bit: number, letter: string][] = [
  [8, "A"],
  [32, "D"],
  [16, "U"],
  [64, "P"],
  [4, "N"],
];

/**
 * At most two signs for a bit set: which outputs are missing, if any, and why. Either may be null; rare
 * combinations are shown by their most telling letter.
 */
export function conciseCaveats(caveats: number): { token: string | null; code: string | null } {
  const token = (caveats & 2) !== 0 ? "*" : (caveats & 1) !== 0 ? "+" : null;
  const code = LETTERS.find(([bit]) => (caveats & bit) !== 0)?.[1] ?? null;
  return { token, code };
}
