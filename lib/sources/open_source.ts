/**
 * Finds out what a SOURCE is and opens it. What only some kinds of source need is loaded when one is
 * met: looking into a graph takes half the time without it.
 *
 * @module
 */

import type { Environment } from "../base/environment.ts";
import { RefusedError, UsageError } from "../base/errors.ts";
import { localPath, uriScheme } from "../butler/config/local_path.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import type { LockWaitOptions } from "../butler/registry/lock_wait.ts";
import type { Registry } from "../butler/registry/registry.ts";
import { openNamedGraph } from "../qg/absent_graph.ts";
import { QUANTUM_DATASETS_MEMBER } from "../qg/member_names.ts";
import { openArchive } from "../qg/graph_file.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { CHUNK_LOG_MAGIC } from "../chunks/chunk_format.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { FileSource } from "../storage/file_source.ts";
import { isHttpUrl, isRemoteUri } from "../storage/remote/storage_url.ts";
import { Zstd } from "../codec/zstd.ts";
import type { DocumentSource } from "./source.ts";
import { GraphDocuments } from "./graph_source.ts";

/**
 * Opens a source: a file is a quantum graph, a chunk log or a repository's configuration; everything
 * else is a repository. Graphs and repositories may be in remote stores.
 *
 * @param run RUN to look in. Files hold one; another is refused.
 * @param wait how a locked registry is waited for
 * @throws {UsageError} if the source is of another RUN.
 * @throws {NotFoundError} if it is nothing that is there.
 */
export async function openSource(
  argument: string,
  run: string | null,
  env: Environment,
  cwd: string,
  wait: LockWaitOptions = {},
): Promise<DocumentSource> {
  const zstd = Zstd.forFewReads();
  if (isHttpUrl(argument)) {
    const { HttpSource } = await import(
      import.meta.resolve("../storage/http_source.ts")
    ) as typeof import("../storage/http_source.ts");
    const remote = await ProvenanceGraph.open(await HttpSource.open(argument), zstd);
    return checkRun(new GraphDocuments(remote), run);
  }
  if (isRemoteUri(argument) && /\.(?:qg|chunks)$/i.test(argument)) {
    return checkRun(await openRemote(argument, env, zstd), run);
  }
  const path = fileOf(argument, env, cwd);
  if (path === null) {
    return await openDocuments(argument, run, env, wait);
  }
  return checkRun(await openFile(path, zstd), run);
}

/** Opens configuration and registry of a repository, for reading. @param wait as {@linkcode openSource}. */
export async function openRepository(
  argument: string,
  env: Environment,
  wait: LockWaitOptions = {},
): Promise<{ config: RepositoryConfig; registry: Registry }> {
  const [{ openRepositoryConfig }, { openRegistry }] = await Promise.all([
    import(import.meta.resolve("../butler/config/open_repo_config.ts")),
    import(import.meta.resolve("../butler/registry/open.ts")),
  ]) as [
    typeof import("../butler/config/open_repo_config.ts"),
    typeof import("../butler/registry/open.ts"),
  ];
  const config = await openRepositoryConfig(argument, env);
  return { config, registry: await openRegistry(config, { ...wait, writeable: false }) };
}

async function openDocuments(
  argument: string,
  run: string | null,
  env: Environment,
  wait: LockWaitOptions,
): Promise<DocumentSource> {
  // At once: the runtime reads the one while it compiles the other.
  const [{ RepositoryFiles }, { RepositoryStore }, { RepositoryDocuments }, opened] = await Promise
    .all([
      import(import.meta.resolve("./repository/repository_files.ts")),
      import(import.meta.resolve("./repository_store.ts")),
      import(import.meta.resolve("./repository_source.ts")),
      openRepository(argument, env, wait),
    ]) as [
      typeof import("./repository/repository_files.ts"),
      typeof import("./repository_store.ts"),
      typeof import("./repository_source.ts"),
      { config: RepositoryConfig; registry: Registry },
    ];
  const { config, registry } = opened;
  const files = new RepositoryFiles(config.datastores.map(({ root }) => root), env);
  const store = new RepositoryStore(config, registry, files, Zstd.forFewReads());
  return await RepositoryDocuments.open(store, run);
}

async function checkRun(source: DocumentSource, run: string | null): Promise<DocumentSource> {
  if (run !== null && source.run !== run) {
    await source[Symbol.asyncDispose]();
    throw new UsageError(`Cannot use --run "${run}": ${source.name} is of RUN "${source.run}"`);
  }
  return source;
}

/** Path of a file that is no repository's configuration, or null. */
function fileOf(
  argument: string,
  env: Environment,
  cwd: string,
): string | null {
  const scheme = uriScheme(argument);
  if (scheme !== null && scheme !== "file") return null;
  const path = localPath(argument, env, cwd, "SOURCE");
  if (/\.(?:ya?ml|json)$/i.test(path)) return null;
  try {
    if (Deno.statSync(path).isFile) return path;
  } catch {
    // Perhaps an alias; what can't be looked at is told by whoever opens it.
  }
  return /\.(?:qg|chunks)$/i.test(path) ? path : null;
}

/** Only finished graphs are read where they are. */
async function openRemote(uri: string, env: Environment, zstd: Zstd): Promise<DocumentSource> {
  const source = await openRemoteGraph(uri, env);
  try {
    return new GraphDocuments(await ProvenanceGraph.open(source, zstd));
  } catch (error) {
    const isOther = /\.chunks$/i.test(uri) || error instanceof RefusedError &&
        (await openArchive(source)).members.has(QUANTUM_DATASETS_MEMBER);
    source.close();
    if (!isOther) throw error;
    throw new RefusedError(
      `Cannot read "${uri}": only provenance graphs are read in remote stores`,
      { cause: error, hint: "copy the file, and give the copy's path" },
    );
  }
}

async function openFile(path: string, zstd: Zstd): Promise<DocumentSource> {
  if (hasMagic(path)) {
    const { ChunkLogDocuments } = await import(
      import.meta.resolve("./chunk_log_source.ts")
    ) as typeof import("./chunk_log_source.ts");
    await zstd.prepare();
    return ChunkLogDocuments.open(FileSource.open(path), zstd);
  }
  try {
    return new GraphDocuments(await ProvenanceGraph.open(FileSource.open(path), zstd), true);
  } catch (error) {
    // Predicted graphs are the exception: only they cost a second look.
    if (!(error instanceof RefusedError) || !await isPredicted(path)) throw error;
    const { PredictedDocuments } = await import(
      import.meta.resolve("./predicted_source.ts")
    ) as typeof import("./predicted_source.ts");
    const { PredictedGraph } = await import(
      import.meta.resolve("../qg/predicted/predicted_graph.ts")
    ) as typeof import("../qg/predicted/predicted_graph.ts");
    await zstd.prepare();
    return new PredictedDocuments(await PredictedGraph.open(path, zstd));
  }
}

function hasMagic(path: string): boolean {
  using source = openNamedGraph(path);
  if (source.size < CHUNK_LOG_MAGIC.length) return false;
  const first = source.readSync(0, CHUNK_LOG_MAGIC.length);
  return CHUNK_LOG_MAGIC.every((byte, i) => first[i] === byte);
}

async function isPredicted(path: string): Promise<boolean> {
  using source = FileSource.open(path);
  return (await openArchive(source)).members.has(QUANTUM_DATASETS_MEMBER);
}

async function openRemoteGraph(uri: string, env: Environment): Promise<ByteSource> {
  const { openRemoteFile } = await import(
    import.meta.resolve("../storage/remote/open_storage.ts")
  ) as typeof import("../storage/remote/open_storage.ts");
  return await openRemoteFile("graph", uri, { env });
}
