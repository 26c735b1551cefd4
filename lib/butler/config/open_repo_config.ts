/**
 * Configurations of repositories that may be in remote stores, or have their files there.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { MissingText, RemoteTexts } from "./remote_texts.ts";
import { readRepositoryConfig } from "./repo_config.ts";
import type { RepositoryConfig } from "./repository_config.ts";

/**
 * As {@linkcode loadRepositoryConfig}, for who can use files in remote stores: configuration, repository
 * index and datastores may be there.
 *
 * @throws {EnvironmentError} also if a store can't be reached.
 */
export async function openRepositoryConfig(
  argument: string,
  env: Environment,
): Promise<RepositoryConfig> {
  const fetched = new Map<string, string | null>();
  for (;;) {
    try {
      return readRepositoryConfig(argument, env, new RemoteTexts(fetched));
    } catch (error) {
      if (!(error instanceof MissingText)) throw error;
      const { fetchText } = await import(
        import.meta.resolve("./fetch_text.ts")
      ) as typeof import("./fetch_text.ts");
      fetched.set(error.uri, await fetchText(error.uri, env));
    }
  }
}
