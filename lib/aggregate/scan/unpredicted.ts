/**
 * Refuses quanta that wrote what their graph does not predict.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import type { ScannedQuantum } from "../../provenance/scan_quantum.ts";
import type { PredictedQuantum } from "../../qg/predicted/predicted_quantum.ts";
import type { Output } from "./planned_outputs.ts";

/** Ids that an error names; others are counted. */
const MAX_NAMED = 3;

/** Where a quantum was read from. */
interface ScannedPlace {
  graphPath: string;
  quantum: PredictedQuantum;
  /** The file that lists what was written, relative to the datastore's root. */
  path: string;
}

/**
 * Refuses a quantum that wrote datasets which its graph doesn't predict: a graph that was built anew for
 * the same RUN has other ids, and what is registered by it would have ids that nothing else knows. The
 * reference stops there too (`KeyError`).
 *
 * @throws {RefusedError} that names the datasets.
 */
export function refuseUnpredicted(
  { outputs: written }: ScannedQuantum,
  outputs: readonly Output[],
  { graphPath, quantum, path }: ScannedPlace,
): void {
  if (written === null) return;
  let nPredicted = 0;
  for (const { idText } of outputs) if (written.has(idText)) nPredicted++;
  if (nPredicted === written.size) return;
  const predicted = new Set(outputs.map(({ idText }) => idText));
  const others = [...written].filter((id) => !predicted.has(id));
  const named = others.slice(0, MAX_NAMED).join(", ");
  const more = others.length > MAX_NAMED ? ` and ${others.length - MAX_NAMED} more` : "";
  throw new RefusedError(
    `Cannot aggregate with predicted graph "${graphPath}": it is not the one that was executed. ` +
      `File "${path}" of quantum ${quantum.quantumId} (${quantum.taskLabel}) says that it wrote ` +
      `${others.length} of ${written.size} datasets under ids that this graph does not have: ` +
      named + more,
    {
      hint:
        "give the graph that the RUN was executed with; if it is this one, that file comes from " +
        "elsewhere: move it away, and the quantum counts as failed",
    },
  );
}
