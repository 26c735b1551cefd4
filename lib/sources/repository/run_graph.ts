/**
 * Where the graph of an ingested RUN is, found with next to nothing loaded: for one look-up, opening a
 * repository as a source of every kind of document takes longer than the look-up.
 *
 * @module
 */

import type { RepositoryConfig } from "../../butler/config/repository_config.ts";
import { recordedPlace } from "../../butler/datastore/recorded_file.ts";
import type { Registry } from "../../butler/registry/registry.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";

/** A quantum of a RUN. */
interface QuantumOfRun {
  run: string;
  /** Quantum ID, 16 bytes. */
  id: Uint8Array;
}

/**
 * Path of the local file that a RUN holds as its provenance graph; null where `RepositoryDocuments` has to look: if
 * there is none, if several datastores may have it, or if the ID is that of a registered dataset.
 *
 * @param openRegistry Opens that of the repository for reading, where it is needed.
 * @throws {ProvgraphError} if it can't be opened.
 */
export async function graphPathForQuantum(
  { run, id }: QuantumOfRun,
  config: RepositoryConfig,
  openRegistry: () => Promise<Registry>,
): Promise<string | null> {
  if (config.datastores.length !== 1 || isRemoteUri(config.datastore.root)) return null;
  await using registry = await openRegistry();
  if ((await registry.findCollection(run))?.type !== "RUN") return null;
  if (await registry.datasetInfo(id) !== null) return null;
  const provenance = await registry.findRunProvenance(run);
  if (provenance === null) return null;
  const { path, zipMember } = recordedPlace(provenance.record.path, config.datastore.root);
  return zipMember === null && !isRemoteUri(path) ? path : null;
}
