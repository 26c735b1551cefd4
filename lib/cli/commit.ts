/**
 * Which commit this program is made of: told by the git folder of the source, which is read without git,
 * else by who made the binary or package.
 *
 * @module
 */

/** `dist/build.json`, which `deno task compile` puts into a binary, and `deno task npm` into a package. */
export interface BuildRecord {
  commit: string;
}

/** What is said where nothing tells the commit. */
export const UNKNOWN_COMMIT = "unknown";

const HASH = /^[0-9a-f]{40,64}$/;

/**
 * The commit of this program: 40 or more hexadecimal digits, perhaps with "+changes", or "unknown".
 *
 * @param root Folder of the entry point, with a slash at the end.
 */
export function ownCommit(root: URL): string {
  if (root.protocol !== "file:") return UNKNOWN_COMMIT;
  const commit = Deno.build.standalone ? UNKNOWN_COMMIT : checkedOutCommit(root);
  if (commit !== UNKNOWN_COMMIT) return commit;
  const text = readText(new URL("dist/build.json", root));
  return text === null ? UNKNOWN_COMMIT : (JSON.parse(text) as BuildRecord).commit;
}

/**
 * The commit that is checked out in a folder.
 *
 * @param root With a slash at the end.
 */
export function checkedOutCommit(root: URL): string {
  let git = new URL(".git/", root);
  // In a work tree beside the main one, `.git` is a file that says where.
  const link = /^gitdir: (.+)$/m.exec(readText(new URL(".git", root)) ?? "");
  if (link !== null) git = new URL(`${link[1]}/`, root);
  const head = readText(new URL("HEAD", git))?.trim() ?? "";
  if (HASH.test(head)) return head;
  const name = /^ref: (.+)$/.exec(head)?.[1];
  if (name === undefined) return UNKNOWN_COMMIT;
  const common = readText(new URL("commondir", git))?.trim();
  const shared = common === undefined ? git : new URL(`${common}/`, git);
  for (const folder of [git, shared]) {
    const hash = readText(new URL(name, folder))?.trim() ?? "";
    if (HASH.test(hash)) return hash;
  }
  for (const line of (readText(new URL("packed-refs", shared)) ?? "").split("\n")) {
    const [hash, packed] = line.split(" ");
    if (packed === name && HASH.test(hash)) return hash;
  }
  return UNKNOWN_COMMIT;
}

function readText(url: URL): string | null {
  try {
    return Deno.readTextFileSync(url);
  } catch {
    return null;
  }
}
