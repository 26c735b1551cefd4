/**
 * Originals of a RUN that are in remote stores, in each datastore that has any.
 *
 * @module
 */

import { dirname } from "../base/paths.ts";
import type { Targets } from "../provenance/targets.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { OriginalProofs } from "./originals/original_proofs.ts";
import type { DeletionEvents } from "./originals/remote_deleter.ts";
import type { StoredOriginals } from "./originals/stored_originals.ts";
import type { TargetPaths } from "./originals/target_paths.ts";
import type { PreparedIngest } from "./prepared_ingest.ts";

/** A datastore that has the graph. */
interface Place {
  datastore: number;
  root: string;
  targets: Targets;
  templatePath: string;
}

/** The datastores that have the graph, the first of them first. */
function placesOf(prepared: PreparedIngest): Place[] {
  const { config, choice: { run }, datastore, targets, copies } = prepared;
  const templatePath = prepared.templatePath(run);
  return [{ datastore, root: config.datastore.root, targets, templatePath }, ...copies];
}

async function pathsOf(prepared: PreparedIngest, place: Place): Promise<TargetPaths> {
  const { TargetPaths } = await import(
    import.meta.resolve("./originals/target_paths.ts")
  ) as typeof import("./originals/target_paths.ts");
  return await TargetPaths.read(
    place.targets,
    await proofsOf(prepared, place.targets)(),
    await prepared.registry.dimensionRecordSource(),
    dirname(dirname(place.templatePath)),
  );
}

/** Makes readers of proofs, each for one who works alone. */
function proofsOf(
  { verified: { graph } }: PreparedIngest,
  targets: Targets,
): () => Promise<OriginalProofs> {
  return async () => new OriginalProofs(await graph.quantaFiles(), targets, graph.header.n_quanta);
}

/**
 * Deletes originals in remote stores whose content the graph has; in a dry run only looks at them.
 *
 * @param events `keep` gets paths relative to the first datastore's root, or places in others.
 * @throws {EnvironmentError} if a store can't be asked, or something can't be deleted.
 */
export async function deleteRemoteOriginals(
  prepared: PreparedIngest,
  events: DeletionEvents,
): Promise<void> {
  const { datastore, options, verified: { path, stamp } } = prepared;
  for (const place of placesOf(prepared).filter(({ root }) => isRemoteUri(root))) {
    const { RemoteDeleter } = await import(
      import.meta.resolve("./originals/remote_deleter.ts")
    ) as typeof import("./originals/remote_deleter.ts");
    const deleter = new RemoteDeleter(
      {
        storage: prepared.places.storage(place.root),
        targets: place.targets,
        paths: await pathsOf(prepared, place),
        proofs: proofsOf(prepared, place.targets),
        graph: { path, stamp },
        isDryRun: options.isDryRun,
      },
      {
        ...events,
        keep: (found, reason) =>
          events.keep(place.datastore === datastore ? found : `${place.root}/${found}`, reason),
      },
    );
    await deleter.run();
  }
}

/** What remote stores have of originals, by position of the datastores that have the graph; null on disks. */
export async function listStoredOriginals(
  prepared: PreparedIngest,
): Promise<(StoredOriginals | null)[]> {
  const found: (StoredOriginals | null)[] = [];
  for (const place of placesOf(prepared)) {
    if (!isRemoteUri(place.root)) {
      found.push(null);
      continue;
    }
    const { StoredOriginals } = await import(
      import.meta.resolve("./originals/stored_originals.ts")
    ) as typeof import("./originals/stored_originals.ts");
    const storage = prepared.places.storage(place.root);
    found.push(await StoredOriginals.list(storage, await pathsOf(prepared, place)));
  }
  return found;
}
