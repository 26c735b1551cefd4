/**
 * Configurations of tasks are compared where the graph is open already. A deleter would have to open it once more for
 * a handful of files, with all that reads graphs: as much work as some hundred deletions.
 *
 * @module
 */

import { EnvironmentError } from "../../base/errors.ts";
import { absolutePath } from "../../butler/datastore/datastore_path.ts";
import { isConfigText } from "../../provenance/originals/config_text.ts";
import { stampToKeep } from "../../provenance/originals/file_digests.ts";
import type { OriginalType } from "../../provenance/originals/original_type.ts";
import { FILE_PROOF_SIZE } from "../../provenance/originals/proof_sizes.ts";
import type { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { readWholeFile, ReusableBuffer } from "../../storage/file_source.ts";
import type { Originals } from "./deleter_messages.ts";

/** Largest configuration that is compared here, bytes. */
const MAX_SIZE = 2 ** 24;

/**
 * Gives each file of a configuration that says what the graph says the stamp of what was read, so that the deleter only
 * has to see that it is still that file. Every other file, and one that was changed just now, keeps what it has: the
 * deleter looks at it, and tells what it is.
 *
 * @param root Absolute path of the datastore that has the files.
 */
export async function stampConfigs(
  originals: Originals,
  types: readonly OriginalType[],
  root: string,
  graph: ProvenanceGraph,
): Promise<void> {
  const { paths, typeIndex, proofs } = originals;
  const view = new DataView(proofs.buffer, proofs.byteOffset, proofs.byteLength);
  for (let i = 0; i < paths.length; i++) {
    const { kind, label } = types[typeIndex[i]];
    if (kind !== "config") continue;
    const task = (await graph.pipelineGraph()).tasks.get(label);
    const file = readConfig(absolutePath(root, paths[i]));
    if (task === undefined || file === null || !isConfigText(file.bytes, task.configText())) {
      continue;
    }
    view.setBigUint64(i * FILE_PROOF_SIZE, stampToKeep(file), false);
  }
}

/** Null if there is none, or none that can be read: the deleter says so. */
function readConfig(path: string): ReturnType<typeof readWholeFile> {
  try {
    return readWholeFile(path, new ReusableBuffer(), MAX_SIZE);
  } catch (error) {
    if (error instanceof EnvironmentError) return null;
    throw error;
  }
}
