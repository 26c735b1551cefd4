/**
 * Where a file of a datastore is. A file of its own, because those who only delete files shall not
 * load all that plans paths.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import { join } from "../../base/paths.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";

/** What the reference takes for percent escapes: upper case only, so that `%3a` is plain text. */
const ESCAPES = /%[A-F0-9]{2}/;

/** A path that is not that of something below a root. */
const OUTSIDE = /^$|^\/|(?:^|\/)\.\.(?:\/|$)|\0/;

/**
 * The path that a record has for a path made by a file template. The reference takes a path for a URI,
 * quoted already, if it has percent escapes, and records what they stand for: `a%3Ab` becomes `a:b`.
 *
 * @throws {RefusedError} if escapes stand for what would lead out of the datastore.
 */
export function recordPath(templatePath: string): string {
  if (!templatePath.includes("%")) return templatePath;
  const path = quotedOnce(templatePath);
  if (OUTSIDE.test(unquote(path))) {
    throw new RefusedError(
      `Cannot use path ${
        JSON.stringify(templatePath)
      }: its percent escapes lead out of the datastore`,
    );
  }
  return path;
}

function quotedOnce(path: string): string {
  return ESCAPES.test(path) ? unquote(path) : path;
}

/**
 * Name of the file that a record's path stands for, without fragment: what is left of percent escapes is
 * decoded once more, lower case too, when the path is put behind the datastore's root.
 *
 * Source: `Location.uri` and `ResourcePath.join()` of the reference, tried with release 30.2026.4300.
 */
export function storedName(relative: string): string {
  return relative.includes("%") ? unquote(quotedOnce(relative)) : relative;
}

/** As Python's `urllib.parse.unquote()`: escapes are UTF-8; what isn't becomes U+FFFD. */
function unquote(text: string): string {
  return text.replace(/(?:%[A-Fa-f0-9]{2})+/g, (escapes) => {
    const bytes = escapes.slice(1).split("%").map((digits) => parseInt(digits, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}

/**
 * Absolute path of a file in a datastore. In a remote store: the URI of the root and the path as it is, not
 * quoted, which `relativeTo()` takes apart again.
 *
 * @param root absolute path of the datastore's root, or its URI
 * @param relative path of a plan, or of a record without fragment
 * @throws {RefusedError} if `relative` is empty, absolute, holds a NUL character, or has ".." for a
 *   directory.
 */
export function absolutePath(root: string, relative: string): string {
  if (isRemoteUri(root)) {
    StorageUrl.parse(root).child(relative);
    return `${root}/${relative}`;
  }
  const name = storedName(relative);
  if (OUTSIDE.test(name)) {
    throw new RefusedError(
      `Cannot use path ${JSON.stringify(relative)} in datastore "${root}": it is not inside`,
    );
  }
  return join(root, name);
}
