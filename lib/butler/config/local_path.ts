/**
 * Paths in configurations: local ones are made absolute, other places are refused by name.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { RepositoryError } from "../../base/errors.ts";
import { normalize, resolve } from "../../base/paths.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";

/** Scheme of a URI, lower case, or null for a plain path. */
export function uriScheme(location: string): string | null {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(location);
  return match === null ? null : match[1].toLowerCase();
}

/** Replaces `$NAME` and `${NAME}` by variables that are set; others stay as they are. */
export function expandVariables(text: string, env: Environment): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (whole, plain?: string, braced?: string) => env.get(plain ?? braced ?? "") ?? whole,
  );
}

/**
 * Absolute, normalised path of a local location: a plain path (where `~` and variables are
 * expanded) or a `file:` URI (where they aren't, and percent signs quote). Symbolic links stay.
 *
 * @param base directory that relative paths start from
 * @throws {RepositoryError} if the location isn't local; `what` names it.
 *
 * Source: `schema/butler-repository.md`, sections 1.1 and 1.2.
 */
export function localPath(location: string, env: Environment, base: string, what: string): string {
  const scheme = uriScheme(location);
  if (scheme === "file") {
    return noSlashAtEnd(resolve(base, decodeFileUri(location, what)));
  }
  if (scheme !== null && (scheme.length > 1 || location[2] === "/")) {
    throw new RepositoryError(
      `Cannot use ${what} "${location}": scheme "${scheme}" is not supported`,
      { hint: "Only local paths and file: URIs are supported" },
    );
  }
  let path = expandVariables(location, env);
  const home = env.get("HOME");
  if (home !== undefined && (path === "~" || path.startsWith("~/"))) path = home + path.slice(1);
  return noSlashAtEnd(resolve(base, path));
}

/**
 * As {@linkcode localPath}, but places in remote stores (`s3:`, `dav:`, `davs:`) are given as their URIs,
 * and what is relative to one is there too.
 *
 * @param base directory, or URI of one, that relative places start from
 */
export function placeOf(location: string, env: Environment, base: string, what: string): string {
  // Of schemes that have no storage it tells what to do instead.
  if (isRemoteUri(location) || /^(?:gs|root|resource):\/\//i.test(location)) {
    return StorageUrl.parse(location).text;
  }
  const isRelative = uriScheme(location) === null && !/^[/~]/.test(location);
  if (!isRemoteUri(base)) return localPath(location, env, base, what);
  if (!isRelative) return localPath(location, env, Deno.cwd(), what);
  return StorageUrl.parse(`${base}/${expandVariables(location, env)}`).text;
}

function decodeFileUri(uri: string, what: string): string {
  const rest = uri.slice("file:".length).replace(/#.*$/, "");
  // The host is ignored, as the reference does.
  const path = rest.startsWith("//") ? rest.slice(2).replace(/^[^/]*/, "") : rest;
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RepositoryError(`Cannot use ${what} "${uri}": it is not a valid URI`);
  }
}

function noSlashAtEnd(path: string): string {
  const normal = normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
