/**
 * `--licenses`: this program's licence, and those of what it is distributed with.
 *
 * @module
 */

/** Where they lie below the entry point: in a binary, and in a package of npm. */
const THIRD_PARTY_FILES = ["dist/THIRD_PARTY_LICENSES", "THIRD_PARTY_LICENSES"];

/** What is said where nothing is distributed with it. */
const FROM_SOURCE =
  `This program runs from source: its packages were fetched from where they are published,
and each has its own licence with it. \`deno task compile\` gathers them for binaries.
`;

/** The answer to `--licenses`. @param root Folder of the entry point. */
export function licensesText(root: URL): string {
  const [inBinary, inPackage] = THIRD_PARTY_FILES.map((name) => readText(new URL(name, root)));
  // In a clone the former may lie about, of a binary that was made there.
  const others = (Deno.build.standalone ? inBinary : inPackage) ?? FROM_SOURCE;
  return `${readText(new URL("LICENSE", root)) ?? ""}\n${others}`;
}

function readText(url: URL): string | null {
  try {
    return Deno.readTextFileSync(url);
  } catch {
    return null;
  }
}
