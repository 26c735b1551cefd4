/**
 * The same for the graph that a RUN holds in a local repository: see `quick_cat.ts`.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { isUuidText, uuidFromText } from "../../base/uuid.ts";
import { localPath, uriScheme } from "../../butler/config/local_path.ts";
import { openRepositoryConfig } from "../../butler/config/open_repo_config.ts";
import type { LockWaitOptions } from "../../butler/registry/lock_wait.ts";
import { openRegistry } from "../../butler/registry/open.ts";
import { graphPathForQuantum } from "../../sources/repository/run_graph.ts";
import { seemsDirectory } from "../../storage/path_kind.ts";
import { type LookUp, quickCat } from "./quick_cat.ts";

/** What else is to be known. */
interface Surroundings {
  env: Environment;
  cwd: string;
  /** How a locked registry is waited for. */
  wait: LockWaitOptions;
}

/**
 * Prints the last attempt's document of a quantum as text.
 *
 * @returns false, and nothing was printed, where `openSource()` and `cat()` have to do it.
 * @throws {ProvgraphError} if the repository can't be opened, as `openSource()`.
 */
export async function quickRepositoryCat(
  request: LookUp,
  { env, cwd, wait }: Surroundings,
  output: (text: Uint8Array | string) => void,
): Promise<boolean> {
  const { source, idWords, run } = request;
  if (run === null || !isUuidText(idWords[0]) || uriScheme(source) !== null) return false;
  if (!seemsDirectory(localPath(source, env, cwd, "SOURCE"))) return false;
  const config = await openRepositoryConfig(source, env);
  const path = await graphPathForQuantum(
    { run, id: uuidFromText(idWords[0]) },
    config,
    () => openRegistry(config, { ...wait, writeable: false }),
  );
  if (path === null) return false;
  return await quickCat(
    request,
    { path: () => path, sourceName: `repository "${source}"` },
    output,
  );
}
