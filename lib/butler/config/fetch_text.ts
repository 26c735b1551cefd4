/**
 * Fetching configuration files from remote stores.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { openStorage } from "../../storage/remote/open_storage.ts";
import { StorageUrl } from "../../storage/remote/storage_url.ts";

/** Larger configurations are mistakes; bytes. */
const MAX_SIZE = 4 * 1024 * 1024;

/**
 * The text of a file by one request; null if it is absent.
 *
 * @throws {EnvironmentError} if the store can't be reached or doesn't let us in.
 */
export async function fetchText(uri: string, env: Environment): Promise<string | null> {
  const url = StorageUrl.parse(uri);
  using storage = await openStorage(url.parent, { env });
  const file = await storage.readWhole(url.name, MAX_SIZE);
  return file === null ? null : new TextDecoder().decode(file.bytes);
}
