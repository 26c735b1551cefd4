/**
 * Opening the places of a repository's graphs. What remote stores need is loaded where there are any.
 *
 * @module
 */

import { EnvironmentError } from "../../base/errors.ts";
import type { RepositoryConfig } from "../../butler/config/repository_config.ts";
import type { StorageContext } from "../../storage/remote/storage.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { GraphPlaces } from "./graph_places.ts";

/**
 * Opens the stores of a repository and makes sure that each answers and has its root.
 *
 * @param given Path or URI of a graph that is to be ingested, which may be in another store, or outside the
 *   roots; null if none was given.
 * @throws {ProvgraphError} if a store doesn't answer, or lets us not in.
 */
export async function openGraphPlaces(
  config: RepositoryConfig,
  context: StorageContext,
  given: string | null,
): Promise<GraphPlaces> {
  const roots = config.datastores.map(({ root }) => root).filter(isRemoteUri);
  const folders = given !== null && isRemoteUri(given)
    ? [given.slice(0, given.lastIndexOf("/"))]
    : [];
  if (roots.length === 0 && folders.length === 0) return GraphPlaces.local();
  const { openRemoteRoots } = await import(
    import.meta.resolve("../../storage/remote/open_storage.ts")
  ) as typeof import("../../storage/remote/open_storage.ts");
  const { RemoteGraphs } = await import(
    import.meta.resolve("./remote_graphs.ts")
  ) as typeof import("./remote_graphs.ts");
  using opened = new DisposableStack();
  const found = opened.use(await openRemoteRoots([...roots, ...folders], context));
  for (const { storage } of found.all.slice(0, roots.length)) {
    if (await storage.look()) continue;
    throw new EnvironmentError(
      `Cannot use datastore "${storage.root.text}": there is no such directory`,
      { hint: "check the root in the repository's configuration, and the server" },
    );
  }
  opened.move();
  return new GraphPlaces(new RemoteGraphs(found, context.env));
}
