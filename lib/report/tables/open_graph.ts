/**
 * Finds the provenance graph that a report is made of: a file, a remote object, or what a repository
 * holds as run_provenance.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { NotFoundError, UsageError } from "../../base/errors.ts";
import { localPath } from "../../butler/config/local_path.ts";
import { openRepositoryConfig } from "../../butler/config/open_repo_config.ts";
import type { LockWaitOptions } from "../../butler/registry/lock_wait.ts";
import { openRegistry } from "../../butler/registry/open.ts";
import { Zstd } from "../../codec/zstd.ts";
import { openNamedGraph } from "../../qg/absent_graph.ts";
import { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { RepositoryFiles } from "../../sources/repository/repository_files.ts";
import { RepositoryStore } from "../../sources/repository_store.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import { FileSource } from "../../storage/file_source.ts";
import { HttpSource } from "../../storage/http_source.ts";
import { isHttpUrl, isRemoteUri } from "../../storage/remote/storage_url.ts";
import { seemsDirectory } from "../../storage/path_kind.ts";

/**
 * Opens a graph as `provenance-report` names it.
 *
 * @param collection with it, `argument` is a repository and the graph is the first `run_provenance` of
 *   the collection; without, `argument` is the graph: a path or URL.
 * @param wait how a locked registry is waited for
 * @throws {NotFoundError} if there is no such thing.
 */
export async function openProvenance(
  argument: string,
  collection: string | null,
  { env, cwd }: { env: Environment; cwd: string },
  wait: LockWaitOptions = {},
): Promise<ProvenanceGraph> {
  const zstd = await Zstd.load();
  if (collection === null) return await openGraph(argument, env, cwd, zstd);
  return await openCollection(argument, collection, { env, zstd, wait });
}

async function openGraph(
  argument: string,
  env: Environment,
  cwd: string,
  zstd: Zstd,
): Promise<ProvenanceGraph> {
  if (isHttpUrl(argument)) return await ProvenanceGraph.open(await HttpSource.open(argument), zstd);
  if (isRemoteUri(argument)) {
    return await ProvenanceGraph.open(await openRemoteGraph(argument, env), zstd);
  }
  const path = localPath(argument, env, cwd, "provenance graph");
  // What can't be looked at is told by whoever opens it.
  if (seemsDirectory(path)) {
    throw new UsageError(`Cannot read provenance graph "${path}": it is a directory`, {
      hint: "for a repository, name the COLLECTION as well",
    });
  }
  return await ProvenanceGraph.open(openNamedGraph(path), zstd);
}

async function openCollection(
  argument: string,
  collection: string,
  { env, zstd, wait }: { env: Environment; zstd: Zstd; wait: LockWaitOptions },
): Promise<ProvenanceGraph> {
  const config = await openRepositoryConfig(argument, env);
  await using store = new RepositoryStore(
    config,
    await openRegistry(config, { ...wait, writeable: false }),
    new RepositoryFiles(config.datastores.map(({ root }) => root), env),
    zstd,
  );
  const { registry } = store;
  if (await registry.findCollection(collection) === null) {
    throw new NotFoundError(
      `Cannot find collection "${collection}" in repository "${argument}"`,
    );
  }
  for (const run of await registry.flattenCollections([collection])) {
    const path = await store.graphPathOf(run);
    if (path !== null) return await ProvenanceGraph.open(await openStored(path, store, env), zstd);
  }
  throw new NotFoundError(
    `Cannot find run_provenance in collection "${collection}" of repository "${argument}"`,
    { hint: "ingest-graph puts it there; before that, give the graph file alone" },
  );
}

/** What is in a remote store outlives the repository that named it. */
async function openStored(path: string, store: RepositoryStore, env: Environment) {
  return isRemoteUri(path) ? await openRemoteGraph(store.uriOf(path), env) : FileSource.open(path);
}

async function openRemoteGraph(uri: string, env: Environment): Promise<ByteSource> {
  const { openRemoteFile } = await import(
    import.meta.resolve("../../storage/remote/open_storage.ts")
  ) as typeof import("../../storage/remote/open_storage.ts");
  return await openRemoteFile("graph", uri, { env });
}
