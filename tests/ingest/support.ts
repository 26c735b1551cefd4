/** Helpers of the tests of graph ingest. */

import { dirname, join } from "node:path";

/** Writes files below a directory; names are relative, content is text. */
export function writeFiles(directory: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    Deno.mkdirSync(dirname(join(directory, name)), { recursive: true });
    Deno.writeTextFileSync(join(directory, name), content);
  }
}

/** Everything below a directory, sorted: files by name, directories with a slash, links with "@". */
export function listTree(directory: string, prefix = ""): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(join(directory, prefix))) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory) found.push(`${path}/`, ...listTree(directory, path));
    else found.push(entry.isSymlink ? `${path}@` : path);
  }
  return found.sort();
}
