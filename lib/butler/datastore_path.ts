/**
 * Where a file of a datastore is. A file of its own, because those who only delete files shall not
 * load all that plans paths.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import { join } from "../base/paths.ts";

/**
 * Absolute path of a file in a datastore.
 *
 * @param root absolute path of the datastore's root
 * @param relative path of a plan or record
 * @throws {RefusedError} if `relative` is empty, absolute, holds a NUL character, or has ".." for a
 *   directory.
 */
export function absolutePath(root: string, relative: string): string {
  if (/^$|^\/|(?:^|\/)\.\.(?:\/|$)|\0/.test(relative)) {
    throw new RefusedError(
      `Cannot use path ${JSON.stringify(relative)} in datastore "${root}": it is not inside`,
    );
  }
  return join(root, relative);
}
