/**
 * Originals of an ingest that are in remote stores, in each datastore that has any.
 *
 * @module
 */

import { dirname } from "../base/paths.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { OriginalProofs } from "./originals/original_proofs.ts";
import type { DeletionEvents } from "./originals/remote_deleter.ts";
import type { PreparedIngest } from "./prepare_ingest.ts";

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
  const { config, choice: { run }, datastore, targets, copies, registry, options } = prepared;
  const { graph, path, stamp } = prepared.verified;
  const places = [
    { datastore, targets, templatePath: prepared.templatePath(run) },
    ...copies,
  ].filter((place) => isRemoteUri(config.datastores[place.datastore].root));
  if (places.length === 0) return;
  const { RemoteDeleter } = await import("./originals/remote_deleter.ts");
  const { TargetPaths } = await import("./originals/target_paths.ts");
  const files = await graph.quantaFiles();
  const records = await registry.dimensionRecordSource();
  for (const place of places) {
    const { root } = config.datastores[place.datastore];
    const proofs = () => new OriginalProofs(files, place.targets, graph.header.n_quanta);
    const runPath = dirname(dirname(place.templatePath));
    const deleter = new RemoteDeleter(
      {
        storage: prepared.places.storage(root),
        targets: place.targets,
        paths: await TargetPaths.read(place.targets, proofs(), records, runPath),
        proofs,
        graph: { path, stamp },
        isDryRun: options.isDryRun,
      },
      {
        ...events,
        keep: (found, reason) =>
          events.keep(place.datastore === datastore ? found : `${root}/${found}`, reason),
      },
    );
    await deleter.run();
  }
}
