/**
 * Configurations of tasks, which live in the pipeline graph.
 *
 * @module
 */

import { NotFoundError, UsageError } from "../base/errors.ts";
import { encodeUtf8 } from "../base/json_text.ts";
import type { PipelineGraph } from "../qg/pipeline_graph.ts";
import type { Selector } from "./selector.ts";

/**
 * The configuration that a selector means.
 *
 * @param typeOf Dataset type of the dataset that the selector names; called if it is no label.
 * @throws {UsageError} if there is no selector but several tasks.
 * @throws {NotFoundError} if it names no task and no config dataset.
 */
export async function configOf(
  pipeline: PipelineGraph,
  selector: Selector | null,
  where: string,
  typeOf: () => Promise<string | null>,
): Promise<{ label: string; text: Uint8Array }> {
  const labels = [...pipeline.tasks.keys()];
  const known = { hint: `its tasks are ${labels.join(", ")}` };
  let label: string | undefined;
  if (selector === null) {
    if (labels.length !== 1) {
      throw new UsageError(
        `Cannot tell which config of ${where} is meant: it has ${labels.length}`,
        known,
      );
    }
    label = labels[0];
  } else if (pipeline.tasks.has(selector.words[0])) {
    label = selector.words[0];
  } else if (selector.kind !== "dataId") {
    const typeName = await typeOf();
    label = labels.find((name) => pipeline.tasks.get(name)!.configDatasetType === typeName);
    if (label === undefined) {
      throw new NotFoundError(
        `Cannot find a config in ${where}: "${selector.words[0]}" is ` +
          (typeName === null ? "a quantum" : `a dataset of type "${typeName}"`),
        known,
      );
    }
  }
  const task = label === undefined ? undefined : pipeline.tasks.get(label);
  if (task === undefined) {
    throw new NotFoundError(`Cannot find task "${selector!.words[0]}" in ${where}`, known);
  }
  return { label: task.label, text: encodeUtf8(task.configText()) };
}
