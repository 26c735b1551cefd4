/**
 * What a SOURCE of `explore` is, and its bytes.
 *
 * @module
 */

import { NotFoundError, RefusedError, UsageError } from "../base/errors.ts";
import { withoutSecrets } from "../base/text/secrets.ts";
import type { DocumentSource } from "../sources/source.ts";
import { FileSource } from "../storage/file_source.ts";
import { HttpSource } from "../storage/http_source.ts";
import { isHttpUrl } from "../storage/remote/storage_url.ts";
import { type ServedBytes, servedGrowingFile, servedSource } from "./served_bytes.ts";

/**
 * The bytes to be served of a source that was opened, and found good: a graph, a chunk log, or the graph that a
 * RUN of a repository holds.
 *
 * @throws {RefusedError} for a predicted graph, of which nothing has run yet.
 * @throws {UsageError} for a repository without RUN.
 * @throws {NotFoundError} if the RUN holds no graph.
 */
export async function servedBytesOf(source: DocumentSource): Promise<ServedBytes> {
  const info = await source.info(false);
  switch (info.kind) {
    case "provenance graph":
      return await graphBytes(info.path, info.path);
    case "chunk log":
      return servedGrowingFile(info.path, info.path);
    case "predicted graph":
      throw new RefusedError(`Cannot explore ${source.name}: nothing of it has run yet`, {
        hint: "give the provenance graph that aggregate-graph writes, or its chunk log",
      });
    case "repository":
      throw new UsageError(`Cannot explore ${source.name}: it may hold many runs`, {
        hint: info.ingestedRuns.length === 0
          ? "give a graph, or ingest one"
          : `give one with --run: ${info.ingestedRuns.slice(0, 10).join(", ")}`,
      });
    case "run":
      if (info.graph !== null) {
        return await graphBytes(info.graph.path, `${info.run} (${info.graph.path})`);
      }
      throw new NotFoundError(
        `Cannot explore RUN "${info.run}" in ${source.name}: it holds no provenance graph`,
        { hint: "give the graph that aggregate-graph wrote, or its chunk log" },
      );
  }
}

async function graphBytes(path: string, name: string): Promise<ServedBytes> {
  const isRemote = isHttpUrl(path);
  const bytes = isRemote ? await HttpSource.open(path) : FileSource.open(path);
  return servedSource(bytes, withoutSecrets(name), isRemote);
}
